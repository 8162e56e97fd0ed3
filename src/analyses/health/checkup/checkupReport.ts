import type { Block, ChartBlock } from '../../../protocol/blocks.js';
import type { Evidence, Finding } from '../../../protocol/report.js';
import type { Analysis, DraftPart, MetricDeclaration, ReportDraft } from '../../analysis.js';
import type { Answered, Checked, Gap, LeftOut } from './outcome.js';
import type { PartMetrics } from './partMetrics.js';

/** Metrics of the checkup itself. */
export const ownMetrics = {
  errorCount: { title: 'Errors', description: 'Findings that are errors, over all analyses that ran.' },
  warningCount: { title: 'Warnings', description: 'Findings that are warnings, over all analyses that ran.' },
  infoCount: { title: 'Notes', description: 'Findings that are worth knowing, over all analyses that ran.' },
  ranCount: { title: 'Analyses run', description: 'Analyses that gave an answer.' },
  leftOutCount: {
    title: 'Analyses left out',
    description: 'Analyses that do not apply to the model and data, or for which there was no time.',
  },
  failedCount: { title: 'Analyses failed', description: 'Analyses that ended with an error.' },
} as const satisfies Record<string, MetricDeclaration>;

const severities = ['error', 'warning', 'info'] as const;

/** Returns the report of what was checked so far: findings of all analyses, the worst first. */
export function checkupDraft(
  checked: Checked,
  metrics: PartMetrics,
  analyses: readonly Analysis[],
): ReportDraft {
  const { answered, leftOut, reduced } = checked;
  const findings = findingsOf(answered);
  const isWhole = !answered.some(({ isCut }) => isCut) && leftOut.every(({ gap }) => !isMissed(gap));
  return {
    title: 'Checkup',
    summary: summaryOf(checked, findings),
    ...(isWhole && reduced === undefined ? {} : { status: 'partial' }),
    ...numbersOf(checked, findings, { metrics, analyses }),
    findings,
    arrays: {
      findingCounts: {
        value: {
          dtype: 'int32',
          dims: [answered.length, severities.length],
          data: Int32Array.from(answered.flatMap(({ draft }) => countsOf(draft.findings))),
        },
        evidence: {
          kind: 'measured',
          how: `errors, warnings and notes of ${answered.map(({ analysis }) => analysis.id).join(', ')}`,
        },
      },
    },
    blocks: blocksOf(checked, metrics),
    warnings: warningsOf(checked),
    parts: answered.map((part) => partOf(part, reduced)),
  };
}

/** A part that did not see everything says so in its own report too. */
function partOf(
  { analysis, settings, draft, durationMs, isCut }: Answered,
  reduced: Checked['reduced'],
): DraftPart {
  const warnings = [
    ...(reduced === undefined ? [] : [reducedWarning(reduced)]),
    ...(isCut ? ['The budget of the checkup ended it before it was done: run it alone.'] : []),
  ];
  if (warnings.length === 0) return { analysis, settings, draft, durationMs };
  const partial: ReportDraft = { ...draft, status: 'partial', warnings: [...warnings, ...draft.warnings] };
  return { analysis, settings, draft: partial, durationMs };
}

function reducedWarning({ sampleCount, allCount }: NonNullable<Checked['reduced']>): string {
  return `Only the first ${sampleCount.toLocaleString('en')} of ${allCount.toLocaleString('en')} samples were used, to stay within the budget of the checkup: raise budget for all.`;
}

/** What several analyses found alike is said once, by the first. */
function findingsOf(answered: readonly Answered[]): Finding[] {
  const byText = new Map<string, Finding>();
  for (const { analysis, draft } of answered) {
    for (const finding of draft.findings) {
      const text = JSON.stringify([finding.severity, finding.address, finding.message]);
      if (!byText.has(text)) byText.set(text, { ...finding, analysis: analysis.id });
    }
  }
  return severities.flatMap((severity) =>
    [...byText.values()].filter((finding) => finding.severity === severity),
  );
}

function countsOf(findings: readonly Finding[]): number[] {
  return severities.map((wanted) => findings.filter(({ severity }) => severity === wanted).length);
}

function summaryOf({ answered, leftOut }: Checked, findings: readonly Finding[]): string {
  const [errorCount = 0, warningCount = 0] = countsOf(findings);
  const ran = `${String(answered.length)} ${answered.length === 1 ? 'analysis' : 'analyses'}`;
  const missed = leftOut.filter(({ gap }) => isMissed(gap)).length;
  const waiting = leftOut.filter(({ gap }) => gap === 'needs data').length;
  const rest = [
    ...(missed === 0 ? [] : [` ${counted(missed, 'more', 'more')} could not be asked.`]),
    ...(waiting === 0 ? [] : [` ${counted(waiting, 'more needs', 'more need')} data, or labels.`]),
  ].join('');
  if (answered.length === 0) return `No health analysis gave an answer for this model.${rest}`;
  if (errorCount + warningCount === 0) return `${ran} found nothing to worry about.${rest}`;
  const counts = [
    ...(errorCount > 0 ? [counted(errorCount, 'error')] : []),
    ...(warningCount > 0 ? [counted(warningCount, 'warning')] : []),
  ].join(' and ');
  const [worst] = findings;
  return `${ran} found ${counts}; the worst: ${(worst?.message ?? '').replace(/\.$/, '')}.${rest}`;
}

/** Whether an analysis that fits the model and the data gave no answer all the same. */
function isMissed(gap: Gap): boolean {
  return gap === 'no budget' || gap === 'failed';
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

function numbersOf(
  { answered, leftOut }: Checked,
  findings: readonly Finding[],
  { metrics, analyses }: { readonly metrics: PartMetrics; readonly analyses: readonly Analysis[] },
): Pick<ReportDraft, 'metrics' | 'evidence'> {
  const [errorCount = 0, warningCount = 0, infoCount = 0] = countsOf(findings);
  const failedCount = leftOut.filter(({ gap }) => gap === 'failed').length;
  const counts = {
    ...{ errorCount, warningCount, infoCount, failedCount },
    ranCount: answered.length,
    leftOutCount: leftOut.length - failedCount,
  };
  const values: Record<string, number> = {};
  const evidence: Record<string, Evidence> = {};
  // The first that measures a shared metric has it, as the first declares it.
  for (const { analysis, draft } of answered) {
    for (const metric of Object.keys(analysis.metrics)) {
      const name = metrics.nameOf(analysis, metric);
      const value = draft.metrics[metric];
      if (name in values) continue;
      if (value !== undefined) values[name] = value;
      evidence[name] = draft.evidence[metric] ?? { kind: 'not-captured', how: `${analysis.id} has no value` };
    }
  }
  for (const analysis of analyses) {
    for (const metric of Object.keys(analysis.metrics)) {
      evidence[metrics.nameOf(analysis, metric)] ??= {
        kind: 'not-captured',
        how: whyMissing(analysis, leftOut),
      };
    }
  }
  for (const key of Object.keys(counts)) evidence[key] = { kind: 'measured' };
  return { metrics: { ...values, ...counts }, evidence };
}

function whyMissing(analysis: Analysis, leftOut: readonly LeftOut[]): string {
  const left = leftOut.find((entry) => entry.analysis === analysis);
  if (left === undefined) return `${analysis.id} has not been run yet`;
  const what = left.gap === 'failed' ? 'failed' : 'was left out';
  return `${analysis.id} ${what}: ${left.reason.replace(/\.$/, '')}`;
}

function warningsOf({ answered, leftOut, reduced }: Checked): string[] {
  const cut = answered.filter(({ isCut }) => isCut).map(({ analysis }) => analysis.id);
  const failed = leftOut.filter(({ gap }) => gap === 'failed').map(({ analysis }) => analysis.id);
  return [
    ...(reduced === undefined ? [] : [reducedWarning(reduced)]),
    ...(cut.length === 0 ? [] : [`The budget ended ${cut.join(', ')} before it was done: raise budget.`]),
    ...(failed.length === 0 ? [] : [`${failed.join(', ')} failed: the table of what was left out says why.`]),
    ...new Set(answered.flatMap(({ draft }) => draft.warnings)),
  ];
}

function blocksOf({ answered, leftOut }: Checked, metrics: PartMetrics): Block[] {
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'errorCount', label: 'Errors', format: 'count' },
        { metric: 'warningCount', label: 'Warnings', format: 'count' },
        { metric: 'infoCount', label: 'Notes', format: 'count' },
        { metric: 'ranCount', label: 'Analyses run', format: 'count' },
        { metric: 'leftOutCount', label: 'Left out', format: 'count' },
        { metric: 'failedCount', label: 'Failed', format: 'count' },
      ],
    },
    { type: 'findings', title: 'Findings' },
    answerTable(answered),
    ...(leftOut.length === 0 ? [] : [leftOutTable(leftOut)]),
    ...answered.flatMap(({ analysis, draft }) => firstChart(analysis, draft)),
    partNumbers(answered, metrics),
  ];
}

/** The numbers of all answers, each as its own report shows it. */
function partNumbers(answered: readonly Answered[], metrics: PartMetrics): Block {
  const items = answered.flatMap(({ analysis, draft }) =>
    draft.blocks
      .flatMap((block) => (block.type === 'metrics' ? block.items : []))
      .map((item) => {
        const metric = metrics.nameOf(analysis, item.metric);
        return {
          ...item,
          metric,
          label: metrics.declared[metric]?.title ?? `${analysis.title}: ${item.label}`,
        };
      }),
  );
  // The first that measures a shared metric has it.
  const first = new Map(items.toReversed().map((item) => [item.metric, item]));
  return {
    type: 'metrics',
    title: 'All numbers',
    folded: true,
    items: items.filter((item) => first.get(item.metric) === item),
  };
}

function answerTable(answered: readonly Answered[]): Block {
  return {
    type: 'table',
    title: 'What was checked',
    columns: [
      { key: 'analysis', label: 'Analysis', kind: 'text' },
      { key: 'errors', label: 'Errors', kind: 'count' },
      { key: 'warnings', label: 'Warnings', kind: 'count' },
      { key: 'answer', label: 'Answer', kind: 'text' },
      { key: 'durationMs', label: 'Time', kind: 'count', unit: 'ms' },
    ],
    rows: answered.map(({ analysis, draft, durationMs, isCut }) => {
      const [errors = 0, warnings = 0] = countsOf(draft.findings);
      const answer = isCut ? `${draft.summary} (ended by the budget)` : draft.summary;
      return { analysis: analysis.title, errors, warnings, answer, durationMs };
    }),
  };
}

function leftOutTable(leftOut: readonly LeftOut[]): Block {
  return {
    type: 'table',
    title: 'What was left out, and why',
    columns: [
      { key: 'analysis', label: 'Analysis', kind: 'text' },
      { key: 'gap', label: 'Because', kind: 'text' },
      { key: 'reason', label: 'In detail', kind: 'text' },
    ],
    rows: leftOut.map(({ analysis, gap, reason }) => ({ analysis: analysis.title, gap, reason })),
  };
}

/** The chart that answers the analysis's question; the rest is in its own report. */
function firstChart(analysis: Analysis, draft: ReportDraft): ChartBlock[] {
  const chart = draft.blocks.find((block): block is ChartBlock => block.type === 'chart');
  if (chart === undefined) return [];
  return [
    { ...chart, title: [analysis.title, ...(chart.title === undefined ? [] : [chart.title])].join(': ') },
  ];
}
