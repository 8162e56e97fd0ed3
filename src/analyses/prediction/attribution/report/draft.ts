import { maxAbs, sumOf } from '../../../../engine/numeric/vectors.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../../onnx/tensorValue.js';
import type { Block, TableColumn } from '../../../../protocol/blocks.js';
import { toReportNumber } from '../../../../protocol/reportNumbers.js';
import type { Evidence } from '../../../../protocol/report.js';
import type { Dataset } from '../../../../data/dataset.js';
import type { ReportDraft, ResultArray } from '../../../analysis.js';
import { marketingNetworks } from '../../../shared/papers.js';
import { methods } from '../methods/methods.js';
import type { Assumption } from '../assumptions/assumption.js';
import type { Outcome } from '../outcome.js';
import type { Problem, ScoreMeaning, Scores } from '../problem.js';
import { rowEvidence, rowName, whichRows } from '../rows.js';
import type { Targets } from '../targets.js';
import { followUpsOf } from './followUps.js';
import { assumptionTable } from './assumptionTable.js';
import { findingsOf } from './findings.js';
import { viewsOf } from './views.js';

/** Texts of the tokens of an input. */
export interface TokenTexts {
  readonly input: string;
  readonly vocabularySize: number;
  readonly textOf: (id: number) => string;
}

/** What the report says about the explained value besides the numbers. */
export interface ExplanationFacts {
  /** The explained value in words: `class 3 of output "logits", before its Softmax`. */
  readonly explained: string;
  /** Absent when a neuron is explained. */
  readonly targets: Targets | undefined;
  readonly labelNames: readonly string[] | undefined;
  /** Frames a second, and axes by letter, of the inputs where the data say them. */
  readonly sampleRates: Dataset['sampleRates'];
  readonly layouts: Dataset['layouts'];
  readonly warnings: readonly string[];
  /** Token ids per explained embedding, by the input's name. */
  readonly tokenIds: ReadonlyMap<string, TensorValue>;
  /** What ids stand for, when the data come with a tokenizer. */
  readonly tokens: TokenTexts | undefined;
  /** Layers whose neurons can carry what the first input contributes. */
  readonly carriers: readonly string[];
}

/** Everything a report is made of. */
export interface Explanation {
  readonly problem: Problem;
  readonly outcome: Outcome;
  readonly facts: ExplanationFacts;
  /** What the method rests on, and whether it is so here. */
  readonly assumptions: readonly Assumption[];
}

/** Returns the report of an attribution. */
export function draftReport(explanation: Explanation): ReportDraft {
  const { problem, outcome, facts } = explanation;
  const { rows, settings } = problem;
  const method = methods[settings.method];
  const over = outcome.scores.map(({ name }) => name).join(', ');
  const { metrics, evidence } = metricsOf(explanation);
  return {
    title: method.title,
    summary: `${method.title} ${doesWith[method.scoresAre](whatText(explanation), over)} for ${rowCountText(problem)}${completenessText(outcome)}.`,
    usedCount: rows.count,
    metrics,
    evidence,
    findings: findingsOf(explanation),
    arrays: arraysOf(explanation),
    blocks: blocksOf(explanation),
    warnings: [...facts.warnings, ...rows.warnings],
    followUps: followUpsOf(explanation),
  };
}

/** What a method does with the explained value and what it is explained over. */
const doesWith: Readonly<Record<ScoreMeaning, (explained: string, over: string) => string>> = {
  shares: (explained, over) => `shares ${explained} out over ${over}`,
  slopes: (explained, over) => `takes the slope of ${explained} at each element of ${over}`,
  places: (explained, over) => `shows where ${over} holds evidence of ${explained}`,
};

/** Metrics that only some methods have. */
const methodMetrics = [
  'maxStandardError',
  'fidelity',
  'conservationError',
  'maxConservationError',
  'removalGap',
] as const;

/** Those of them that are shown, where they were measured. */
const ownMetricItems = [
  { metric: 'maxStandardError', label: 'Largest standard error' },
  { metric: 'maxConservationError', label: 'Largest conservation error' },
  { metric: 'removalGap', label: 'Removal gap' },
  { metric: 'fidelity', label: 'Fidelity (R²)' },
] as const satisfies readonly { readonly metric: (typeof methodMetrics)[number]; readonly label: string }[];

function rowCountText({ rows }: Problem): string {
  const { count, availableCount, ids } = rows;
  if (count < availableCount) return whichRows(rows);
  // A file of one row is called by its name.
  return count === 1 ? rowName(ids[0] ?? '0') : `${String(count)} rows`;
}

/** What is shared out: all of the value, what comes through one unit, or the effect of a part of the input. */
function whatText({ problem, facts }: Explanation): string {
  const { part, through } = problem.settings;
  const [input] = problem.inputs;
  if (through !== null) return `what flows through ${through} to ${facts.explained}`;
  return part === null
    ? facts.explained
    : `the effect of ${input?.name ?? ''}[${part}] on ${facts.explained}`;
}

function completenessText({ completenessError }: Outcome): string {
  if (completenessError === undefined) return '';
  return `; the shares miss the prediction by at most ${maxAbs(completenessError).toPrecision(2)}`;
}

function metricsOf({ problem, outcome }: Explanation): Pick<ReportDraft, 'metrics' | 'evidence'> {
  const { output, baselineOutput, completenessError } = outcome;
  const mean = (values: Float64Array): number => sumOf(values) / values.length;
  const measured = rowEvidence(problem.rows);
  const complete: Evidence =
    completenessError === undefined
      ? {
          kind: 'not-captured',
          how: `${problem.settings.method} makes no scores that add up to the prediction`,
        }
      : measured;
  return {
    // A metric that was not captured is left out, not reported as a number that is none.
    metrics: {
      output: mean(output),
      baselineOutput: mean(baselineOutput),
      ...outcome.metrics,
      ...(completenessError === undefined
        ? {}
        : { completenessError: mean(completenessError), maxCompletenessError: maxAbs(completenessError) }),
    },
    evidence: {
      ...ownEvidence(problem, outcome),
      output: measured,
      baselineOutput: measured,
      completenessError: complete,
      maxCompletenessError: complete,
    },
  };
}

/** Evidence of the metrics that only some methods have. */
function ownEvidence(problem: Problem, outcome: Outcome): Record<string, Evidence> {
  const missing: Evidence = {
    kind: 'not-captured',
    how: `${problem.settings.method} has no such figure`,
  };
  return Object.fromEntries(
    methodMetrics.map((metric) => [
      metric,
      outcome.metrics !== undefined && metric in outcome.metrics ? scoreEvidence(problem, outcome) : missing,
    ]),
  );
}

function scoreEvidence(problem: Problem, outcome: Outcome): Evidence {
  return outcome.evidence ?? rowEvidence(problem.rows);
}

function arraysOf({ problem, outcome }: Explanation): Record<string, ResultArray> {
  const rows = rowEvidence(problem.rows);
  const scored = scoreEvidence(problem, outcome);
  const arrays: Record<string, ResultArray> = {};
  for (const scores of outcome.scores) {
    const name = outcome.scores.length === 1 ? 'attribution' : `attribution.${scores.name}`;
    arrays[name] = { value: tensorOf(scores), evidence: scored };
  }
  if (outcome.upsampled !== undefined) {
    arrays['attributionUpsampled'] = { value: tensorOf(outcome.upsampled), evidence: scored };
  }
  arrays['output'] = { value: vectorOf(outcome.output), evidence: rows };
  arrays['baselineOutput'] = { value: vectorOf(outcome.baselineOutput), evidence: rows };
  if (outcome.completenessError !== undefined) {
    arrays['completenessError'] = { value: vectorOf(outcome.completenessError), evidence: rows };
  }
  return { ...arrays, ...outcome.arrays };
}

function tensorOf({ data, dims }: Scores): TensorValue {
  return float32Tensor(Float32Array.from(data), dims);
}

function vectorOf(values: Float64Array): TensorValue {
  return float32Tensor(Float32Array.from(values), [values.length]);
}

function blocksOf(explanation: Explanation): Block[] {
  const { problem, outcome, facts } = explanation;
  const method = methods[problem.settings.method];
  const notes = outcome.notes ?? [];
  const captions = captionsOf(explanation);
  return [
    {
      type: 'markdown',
      text: [
        `Explained: **${escapeMarkdown(facts.explained)}**. ${method.reading}`,
        ...notes.map(escapeMarkdown),
      ].join('\n\n'),
    },
    {
      type: 'metrics',
      items: [
        { metric: 'output', label: 'Mean explained value' },
        { metric: 'baselineOutput', label: 'Mean at the baseline' },
        ...(outcome.completenessError === undefined
          ? []
          : [{ metric: 'maxCompletenessError', label: 'Largest completeness error' }]),
        ...ownMetricItems.filter(({ metric }) => outcome.metrics?.[metric] !== undefined),
      ],
    },
    { type: 'findings' },
    rowTable(explanation),
    ...outcome.scores.flatMap((scores, index) => viewsOf(explanation, { scores, index, captions })),
    ...(outcome.blocks ?? []),
    assumptionTable(explanation.assumptions),
    {
      type: 'citation',
      papers: [...method.paperIds, ...(facts.targets?.noun === 'step' ? [marketingNetworks.id] : [])],
    },
  ];
}

/** Says of each row what it is, what the model takes it for, and what is explained where that differs. */
function captionsOf({ problem, facts }: Explanation): string[] {
  const { ids, labels } = problem.rows;
  return ids.map((id, row) => {
    const label = classNameOf(labels?.[row], facts);
    const predicted = classNameOf(facts.targets?.predicted[row], facts);
    const target = classNameOf(facts.targets?.classes[row], facts);
    if (facts.targets?.noun === 'step') return `${id} · explained step ${target ?? ''}`;
    const parts = [
      label === null ? '' : `label ${label}`,
      predicted === null ? '' : `predicted ${predicted}`,
      target === null || target === predicted ? '' : `explained ${target}`,
    ];
    return [id, ...parts.filter((part) => part !== '')].join(' · ');
  });
}

function classNameOf(
  index: number | undefined,
  { labelNames, tokens, targets }: ExplanationFacts,
): string | null {
  if (index === undefined) return null;
  // A language model's classes are its tokens.
  if (tokens !== undefined && targets?.classCount === tokens.vocabularySize) {
    return JSON.stringify(tokens.textOf(index));
  }
  return labelNames?.[index] ?? String(index);
}

function targetColumns(targets: Targets | undefined): TableColumn[] {
  if (targets === undefined) return [];
  if (targets.noun === 'step') return [{ key: 'target', label: 'Explained step', kind: 'text' }];
  return [
    { key: 'predicted', label: 'Predicted', kind: 'text' },
    { key: 'target', label: 'Explained', kind: 'text' },
  ];
}

/** How far the scores of each row are from what they should add up to, where they should. */
function rowErrorOf({
  completenessError,
  arrays,
}: Outcome): { readonly column: TableColumn; readonly values: Float64Array } | undefined {
  const lost = arrays?.['conservationError']?.value;
  if (completenessError !== undefined) {
    const description = 'Σ scores − (f(x) − f(baseline)).';
    const column = {
      key: 'completenessError',
      label: 'Completeness error',
      kind: 'number',
      description,
    } as const;
    return { column, values: completenessError };
  }
  if (lost === undefined) return undefined;
  const description = 'Σ relevance − f(x).';
  return {
    column: { key: 'conservationError', label: 'Conservation error', kind: 'number', description },
    values: toFloat64(lost),
  };
}

function rowTable({ problem, outcome, facts }: Explanation): Block {
  const { rows } = problem;
  const { targets } = facts;
  const className = (index: number | undefined): string | null => classNameOf(index, facts);
  const error = rowErrorOf(outcome);
  return {
    type: 'table',
    title: 'Rows',
    columns: [
      { key: 'row', label: 'Row', kind: 'text' },
      ...(rows.labels === undefined ? [] : [{ key: 'label', label: 'Label', kind: 'text' as const }]),
      ...targetColumns(targets),
      { key: 'output', label: 'f(x)', kind: 'number' },
      { key: 'baselineOutput', label: 'f(baseline)', kind: 'number' },
      ...(error === undefined ? [] : [error.column]),
    ],
    rows: rows.ids.map((id, row) => ({
      row: id,
      label: className(rows.labels?.[row]),
      predicted: className(targets?.predicted[row]),
      target: className(targets?.classes[row]),
      output: toReportNumber(outcome.output[row] ?? NaN),
      baselineOutput: toReportNumber(outcome.baselineOutput[row] ?? NaN),
      ...(error === undefined ? {} : { [error.column.key]: toReportNumber(error.values[row] ?? NaN) }),
    })),
  };
}

/** Names from models are text, never markup. */
function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#|]/g, '\\$&');
}
