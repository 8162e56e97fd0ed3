import { UserError } from '../../base/errors.js';
import { hasControlFlow, splitControlFlow } from '../../engine/straightLine/splitControlFlow.js';
import type { Block } from '../../protocol/blocks.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import { defineAnalysis, type ReportDraft } from '../analysis.js';
import { type ControlFlowFigures, measureControlFlow } from './controlFlow/measureControlFlow.js';
import { pieceFile, writePieces } from './controlFlow/writePieces.js';
import { vegaLiteSchema } from '../shared/vegaLite.js';

/** Float32 sums in another order differ by some units in the last place; more is another computation. */
const sameOutputs = 1e-4;

const settings = {
  folder: {
    kind: 'text',
    format: 'path',
    title: 'Folder',
    description: 'Writes the pieces as models of their own, and plan.json, which says how a host runs them.',
    default: null,
  },
} as const;

/**
 * Control flow: which way a model goes, and the model as pieces that go straight.
 *
 * At every If, Loop and Scan, those in bodies too, the graph is taken apart; what lies between becomes a model of its own without
 * branches, and a host runs them by a plan. Each sample runs alone, whole and in pieces, for a condition is one for a run: the
 * outputs must agree, and the host counts the branches. A branch that no sample takes was never tested by these data; pieces
 * that take longer than the whole say that handing values over costs more than the branches save. Caveat: times are of one
 * sample a run.
 *
 * Source: Chen, Wei, Liu & Yang (2023), "DyCL: Dynamic Neural Network Compilation Via Program Rewriting and Graph
 * Optimization", https://arxiv.org/abs/2307.04963. Differs: starts from the graph, so that no program is analysed; loops are
 * taken apart too; pieces run in the same runtime as the whole.
 */
export const controlFlow = defineAnalysis({
  id: 'control-flow',
  question: 'health',
  title: 'Control flow',
  asks: 'Which branches does this model take, and is each of them tested by this data?',
  needs: { data: 'required', labels: 'optional', gradients: false },
  settings,
  metrics: {
    sampleCount: { title: 'Samples', description: 'Samples that were run, whole and in pieces.' },
    branchCount: { title: 'Branches', description: 'Branches of all Ifs, two each.' },
    coveredShare: { title: 'Covered share', description: 'Branches that a sample took, over all branches.' },
    pieceCount: {
      title: 'Pieces',
      description: 'Models without control flow that the model was taken apart into.',
    },
    keptCount: {
      title: 'Kept whole',
      description: 'Nodes with bodies that were not taken apart: a Scan along other axes or backwards.',
    },
    maxError: {
      title: 'Largest difference',
      description: 'Largest |whole − pieces| of an output, relative to its largest element that differs.',
    },
  },
  papers: [
    {
      id: 'chen2023dycl',
      title: 'DyCL: Dynamic Neural Network Compilation Via Program Rewriting and Graph Optimization',
      url: 'https://arxiv.org/abs/2307.04963',
      line: 221,
    },
  ],
  rows: [
    {
      line: 221,
      limits:
        'If, Loop and forward Scan of ai.onnx, nested too. Control flow inside model functions and a Scan along other axes or backwards stay whole. Pieces run in ONNX Runtime, not in another compiler; a piece of a branch that no sample took is not written.',
    },
  ],
  lacks: (model) => (hasControlFlow(model) ? undefined : 'it has no If, Loop or Scan'),
  cost: (_settings, { sampleCount }) => ({ passCount: 3 * sampleCount, readCount: sampleCount }),
  async run(context, { folder }) {
    if (!hasControlFlow(context.model)) throw noControlFlow();
    const split = splitControlFlow(context.model);
    const figures = await measureControlFlow(context, split, (known) => {
      context.partial(() => draftOf(known, []));
    });
    return draftOf(figures, folder === null ? [] : await writePieces(figures, folder));
  },
});

function draftOf(figures: ControlFlowFigures, files: readonly string[]): ReportDraft {
  const { split, counts, sampleCount, maxError } = figures;
  const branchCount = 2 * counts.length;
  const taken = counts.flatMap(({ times }) => times).filter((count) => count > 0).length;
  const evidence: Evidence = { kind: 'measured', n: sampleCount };
  const values = {
    ...{ sampleCount, branchCount, maxError },
    pieceCount: split.pieces.length,
    keptCount: split.kept.length,
    ...(branchCount === 0 ? {} : { coveredShare: taken / branchCount }),
  };
  return {
    title: 'Control flow',
    summary: summaryOf(figures, taken),
    metrics: values,
    evidence: {
      ...Object.fromEntries(Object.keys(values).map((key) => [key, evidence])),
      ...(branchCount === 0
        ? { coveredShare: { kind: 'not-captured', how: 'the model has loops and no If' } as const }
        : {}),
    },
    findings: findingsOf(figures),
    arrays: {
      branchTimes: {
        value: {
          dtype: 'float64',
          dims: [counts.length, 2],
          data: Float64Array.from(counts.flatMap(({ times }) => times)),
        },
        evidence: { ...evidence, how: 'by branch point: false, true' },
      },
    },
    blocks: blocksOf(figures, files),
    warnings: split.kept.map((name) => `${name} was not taken apart: only If, Loop and a forward Scan are.`),
  };
}

function summaryOf({ split, counts, sampleCount, maxError }: ControlFlowFigures, taken: number): string {
  const samples = `${sampleCount.toLocaleString('en')} ${sampleCount === 1 ? 'sample' : 'samples'}`;
  const same = maxError <= sameOutputs ? 'give the same outputs' : 'do not give the same outputs';
  const pieces = `${String(split.pieces.length)} straight pieces ${same} as the model on ${samples}`;
  if (counts.length === 0) return `${pieces}; it loops and never branches.`;
  return `${String(taken)} of ${String(2 * counts.length)} branches are taken on ${samples}; ${pieces}.`;
}

function findingsOf({ split, counts, sampleCount, maxError }: ControlFlowFigures): Finding[] {
  const never = split.points.flatMap(({ name }, index) =>
    (['false', 'true'] as const).flatMap((side, place): Finding[] =>
      (counts[index]?.times[place] ?? 0) > 0
        ? []
        : [
            {
              severity: 'warning',
              message: `No sample takes the branch of ${name} for ${side}: 0 of ${sampleCount.toLocaleString('en')}.`,
              advice:
                'These data do not test it: add samples that take it, or make the model smaller where it can never be taken.',
            },
          ],
    ),
  );
  if (maxError <= sameOutputs) return never;
  const broken: Finding = {
    severity: 'error',
    message: `In pieces the outputs differ by ${maxError.toPrecision(3)} of their size.`,
    advice: 'Do not use the pieces. Look for random operators, whose numbers differ from run to run.',
  };
  return [broken, ...never];
}

function blocksOf(figures: ControlFlowFigures, files: readonly string[]): Block[] {
  const { split, counts, sampleCount } = figures;
  const branches = split.points.flatMap(({ name }, index) =>
    (['true', 'false'] as const).map((side) => {
      const place = side === 'true' ? 1 : 0;
      const samples = counts[index]?.samples[place] ?? 0;
      return {
        branch: `${name} ${side}`,
        share: samples / Math.max(1, sampleCount),
        samples,
        times: counts[index]?.times[place] ?? 0,
      };
    }),
  );
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'branchCount', label: 'Branches', format: 'count' },
        { metric: 'coveredShare', label: 'Covered', format: 'percent' },
        { metric: 'pieceCount', label: 'Pieces', format: 'count' },
        { metric: 'maxError', label: 'Largest difference' },
        { metric: 'sampleCount', label: 'Samples', format: 'count' },
      ],
    },
    { type: 'findings', title: 'Findings' },
    ...(branches.length === 0 ? [] : [coverageChart(branches)]),
    timeTable(figures),
    pieceTable(figures, files),
    { type: 'citation', papers: ['chen2023dycl'] },
  ];
}

function coverageChart(
  rows: readonly {
    readonly branch: string;
    readonly share: number;
    readonly samples: number;
    readonly times: number;
  }[],
): Block {
  return {
    type: 'chart',
    title: 'Branches taken',
    alt: 'Share of the samples that take each branch.',
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      mark: { type: 'bar', tooltip: true },
      encoding: {
        y: { field: 'branch', type: 'nominal', sort: null, title: null },
        x: {
          field: 'share',
          type: 'quantitative',
          title: 'Samples',
          scale: { domain: [0, 1] },
          axis: { format: '%' },
        },
      },
    },
    table: {
      columns: [
        { key: 'branch', label: 'Branch', kind: 'text' },
        { key: 'share', label: 'Samples', kind: 'percent' },
        { key: 'samples', label: 'Samples that take it', kind: 'count' },
        { key: 'times', label: 'Times taken', kind: 'count', description: 'In loops more often than once.' },
      ],
      rows: [...rows],
    },
  };
}

function timeTable({ wholeMs, piecesMs, sampleCount }: ControlFlowFigures): Block {
  const perRow = (milliseconds: number): number => milliseconds / Math.max(1, sampleCount);
  return {
    type: 'table',
    title: 'Run time',
    columns: [
      { key: 'what', label: 'Run', kind: 'text' },
      { key: 'msPerRow', label: 'Time a sample', kind: 'number', unit: 'ms' },
    ],
    rows: [
      { what: 'The model as it is', msPerRow: perRow(wholeMs) },
      { what: 'Its pieces by the plan', msPerRow: perRow(piecesMs) },
    ],
  };
}

function pieceTable({ split, pieceModels }: ControlFlowFigures, files: readonly string[]): Block {
  return {
    type: 'table',
    title: 'Pieces',
    columns: [
      { key: 'piece', label: 'Piece', kind: 'text' },
      { key: 'nodes', label: 'Nodes', kind: 'count' },
      { key: 'inputs', label: 'Reads', kind: 'text' },
      { key: 'outputs', label: 'Makes', kind: 'text' },
      { key: 'ran', label: 'Ran', kind: 'text' },
    ],
    rows: split.pieces.map(({ id, nodes, inputs, outputs }) => ({
      piece: files.includes(pieceFile(id)) ? pieceFile(id) : `piece ${String(id)}`,
      nodes: nodes.length,
      inputs: inputs.join(', '),
      outputs: outputs.join(', '),
      ran: pieceModels.has(id) ? 'yes' : 'never',
    })),
  };
}

function noControlFlow(): UserError {
  return new UserError(
    'no-control-flow',
    'This model has no If, Loop or Scan: it takes the same way for every sample. Choose a model that branches or loops.',
  );
}
