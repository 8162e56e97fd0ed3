import type { Block, ChartBlock } from '../../../protocol/blocks.js';
import { counted, formatNumber } from '../../../protocol/formatReport.js';
import type { Evidence } from '../../../protocol/report.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { ReportDraft, ResultArray } from '../../analysis.js';
import { barChart } from '../../shared/plainCharts.js';
import type { ActivityTotals } from './activity.js';
import type { DetectionRule, Detector, Detectors } from './detect.js';
import { boundary, tokensOf } from './ngrams.js';
import type { Projection } from './projection.js';
import type { TokenSite } from './sites.js';

/** All that was measured. */
export interface TokenNeurons {
  readonly sites: readonly TokenSite[];
  readonly totals: ReadonlyMap<TokenSite, ActivityTotals>;
  readonly found: Detectors;
  readonly rule: DetectionRule;
  readonly occurrences: ReadonlyMap<string, number>;
  readonly projections: ReadonlyMap<Detector, Projection>;
  /** What the projection leaves out or why there is none, a sentence; empty where nothing is. */
  readonly projectionNote: string;
  readonly sequenceCount: number;
  readonly warnings: readonly string[];
  /** How a token is read; undefined without a tokenizer. */
  readonly textOf: ((id: number) => string) | undefined;
}

/** Neurons listed. */
const listedCount = 500;

/** A neuron suppresses its triggers when it lowers their scores by more than this many standard deviations. */
const suppressingDeviations = 1;

/** The share of a normal distribution that lies below −1. */
const suppressingByChance = 0.16;

/** What n-grams of each size are called. */
const sizes = [
  { key: 'token', one: 'token neuron', many: 'token neurons', label: 'Tokens' },
  { key: 'bigram', one: 'bigram neuron', many: 'bigram neurons', label: 'Bigrams' },
  { key: 'trigram', one: 'trigram neuron', many: 'trigram neurons', label: 'Trigrams' },
] as const;

/** Returns the report of what was found. */
export function draftOf(measured: TokenNeurons): ReportDraft {
  const { sites, found, projections, sequenceCount } = measured;
  const { detectors, judgedCount, undecidedCount } = found;
  const neuronCount = sites.reduce((sum, { target }) => sum + target.unitCount, 0);
  const counts = sizes.map((_, at) => detectors.filter(({ size }) => size === at + 1).length);
  const evidence: Evidence = { kind: 'measured', n: sequenceCount };
  const metrics = {
    ...Object.fromEntries(sizes.map(({ key }, at) => [`${key}Count`, counts[at] ?? 0])),
    detectorShare: detectors.length / Math.max(1, judgedCount),
    neuronCount,
    judgedCount,
    undecidedCount,
    ...(projections.size === 0 ? {} : { suppressingCount: suppressing(measured).length }),
  };
  const measuredEvidence = Object.fromEntries(Object.keys(metrics).map((metric) => [metric, evidence]));
  const whyNot = detectors.length === 0 ? 'no detector was found' : measured.projectionNote;
  return {
    title: 'Token neurons',
    summary: summaryOf(measured, counts),
    metrics,
    evidence: {
      suppressingCount: { kind: 'not-captured', how: whyNot },
      ...measuredEvidence,
    },
    findings: [],
    arrays: arraysOf(measured, evidence),
    blocks: blocksOf(measured),
    warnings: [
      ...measured.warnings,
      ...(undecidedCount === 0
        ? []
        : [
            `The n-grams held in memory cover nearly enough of ${formatNumber(undecidedCount, 'count')} neurons, and others might fill the gap: these count as detectors only of the lengths that were proven.`,
          ]),
    ],
  };
}

function suppressing({ projections }: TokenNeurons): Projection[] {
  return [...projections.values()].filter(({ ownEffect }) => ownEffect < -suppressingDeviations);
}

function summaryOf(measured: TokenNeurons, counts: readonly number[]): string {
  const { found, projections, sequenceCount } = measured;
  const judged = counted(found.judgedCount, 'neuron');
  const on = `on ${formatNumber(sequenceCount, 'count')} ${sequenceCount === 1 ? 'sequence' : 'sequences'}`;
  if (found.judgedCount === 0) {
    return `No neuron is active often enough ${on} to tell what it fires on.`;
  }
  if (found.detectors.length === 0) return `None of ${judged} fires on a few tokens or n-grams alone ${on}.`;
  const said = sizes.flatMap(({ one, many }, at) => {
    const count = counts[at] ?? 0;
    return count === 0 ? [] : [`${formatNumber(count, 'count')} ${count === 1 ? one : many}`];
  });
  const own = projections.size === 0 ? '' : `; ${suppressingWords(suppressing(measured).length)}`;
  return `${said.join(', ')} among ${judged} ${on}${own}.`;
}

function suppressingWords(count: number): string {
  return count === 1
    ? '1 of them suppresses what it fires on'
    : `${formatNumber(count, 'count')} of them suppress what they fire on`;
}

function arraysOf(measured: TokenNeurons, evidence: Evidence): Record<string, ResultArray> {
  const arrays: Record<string, ResultArray> = {};
  for (const site of measured.sites) {
    const { unitCount } = site.target;
    const own = measured.found.detectors.filter((detector) => detector.site === site);
    const add = (name: string, valueOf: (detector: Detector) => number): void => {
      const data = new Float64Array(unitCount);
      for (const detector of own) data[detector.unit] = valueOf(detector);
      arrays[`${site.name}.${name}`] = { value: { dtype: 'float64', dims: [unitCount], data }, evidence };
    };
    const active = measured.totals.get(site)?.active ?? new Float64Array(unitCount);
    arrays[`${site.name}.activeCount`] = {
      value: { dtype: 'float64', dims: [unitCount], data: active },
      evidence,
    };
    add('ngramSize', ({ size }) => size);
    add('ngramCount', ({ cover }) => cover.ngrams.length);
    add('coveredCount', ({ cover }) => cover.count);
  }
  return arrays;
}

function blocksOf(measured: TokenNeurons): Block[] {
  const { found, projections } = measured;
  const { detectors } = found;
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'tokenCount', label: 'Token neurons', format: 'count' },
        { metric: 'bigramCount', label: 'Bigram neurons', format: 'count' },
        { metric: 'trigramCount', label: 'Trigram neurons', format: 'count' },
        { metric: 'detectorShare', label: 'Share of those judged', format: 'percent' },
        { metric: 'judgedCount', label: 'Judged', format: 'count' },
        { metric: 'undecidedCount', label: 'Undecided', format: 'count' },
        { metric: 'neuronCount', label: 'Neurons', format: 'count' },
        ...(projections.size === 0
          ? []
          : [{ metric: 'suppressingCount', label: 'Suppress their triggers', format: 'count' } as const]),
      ],
    },
    // Bars of nothing would be an empty chart.
    ...(detectors.length === 0 ? [] : [depthChart(measured), detectorTable(measured)]),
    { type: 'markdown', title: 'How to read this', folded: true, text: readingOf(measured) },
  ];
}

function depthChart({ sites, found }: TokenNeurons): ChartBlock {
  return barChart({
    title: 'Token and n-gram neurons over depth',
    alt: 'Bars for each feed-forward layer, from input to output: how many of its neurons few tokens, bigrams or trigrams cover.',
    name: { key: 'layer', label: 'Layer', kind: 'address' },
    series: sizes.map(({ key, label }) => ({ key, label })),
    valueTitle: 'Neurons',
    rows: sites.map((site) => {
      const own = found.detectors.filter((detector) => detector.site === site);
      const counts = sizes.map(({ key }, at) => [key, own.filter(({ size }) => size === at + 1).length]);
      return { layer: site.address, ...(Object.fromEntries(counts) as Record<string, number>) };
    }),
  });
}

function detectorTable(measured: TokenNeurons): Block {
  const { projections, found } = measured;
  const shareOf = ({ cover, activeCount }: Detector): number => cover.count / activeCount;
  const listed = [...found.detectors].sort(
    (a, b) => b.size - a.size || shareOf(b) - shareOf(a) || b.activeCount - a.activeCount,
  );
  const omitted = listed.length - listedCount;
  return {
    type: 'table',
    title: 'What they fire on',
    columns: [
      { key: 'neuron', label: 'Neuron', kind: 'address' },
      { key: 'size', label: 'n', kind: 'count', description: 'Length of the n-grams that cover it.' },
      { key: 'ngrams', label: 'Fires on', kind: 'text', description: 'Most frequent first.' },
      { key: 'covered', label: 'Covered', kind: 'percent', description: 'Share of its activations there.' },
      { key: 'fires', label: 'Fires', kind: 'percent', description: 'Share of these n-grams it fires on.' },
      { key: 'active', label: 'Activations', kind: 'count' },
      ...(projections.size === 0
        ? []
        : ([
            { key: 'promoted', label: 'Promotes', kind: 'text' },
            { key: 'suppressed', label: 'Suppresses', kind: 'text' },
            {
              key: 'own',
              label: 'On its triggers',
              kind: 'number',
              unit: 'sd',
              description:
                'Its effect on the scores of what it fires on, in standard deviations over the vocabulary.',
            },
          ] as const)),
    ],
    rows: listed.slice(0, listedCount).map((detector) => rowOf(detector, measured)),
    ...(omitted > 0 ? { omittedRowCount: omitted } : {}),
  };
}

function rowOf(detector: Detector, measured: TokenNeurons): Record<string, string | number | null> {
  const { site, unit, size, cover, activeCount } = detector;
  const { occurrences, projections, textOf } = measured;
  const stand = cover.ngrams.reduce((sum, { ngram }) => sum + (occurrences.get(ngram) ?? 0), 0);
  const projection = projections.get(detector);
  const listed = (ids: readonly number[] | undefined): string | null =>
    ids === undefined ? null : ids.map((id) => textOfTokens([id], textOf)).join(' ');
  return {
    neuron: `${site.address}[${String(unit)}]`,
    size,
    ngrams: cover.ngrams.map(({ ngram }) => textOfTokens(tokensOf(ngram), textOf)).join(', '),
    covered: toReportNumber(cover.count / activeCount),
    fires: toReportNumber(cover.count / stand),
    active: activeCount,
    ...(projections.size === 0
      ? {}
      : {
          promoted: listed(projection?.promoted),
          suppressed: listed(projection?.suppressed),
          own: projection === undefined ? null : toReportNumber(projection.ownEffect),
        }),
  };
}

/** `"in the"`, or `#12 #7` without a tokenizer; the boundary is an arrow to the left. */
function textOfTokens(ids: readonly number[], textOf: TokenNeurons['textOf']): string {
  const start = ids.some((id) => id === boundary) ? '⇤' : '';
  const tokens = ids.filter((id) => id !== boundary);
  if (textOf === undefined) return start + tokens.map((id) => `#${String(id)}`).join(' ');
  return start + JSON.stringify(tokens.map(textOf).join(''));
}

function readingOf({ rule, found, sites, projections, projectionNote }: TokenNeurons): string {
  const share = formatNumber(rule.share, 'percent');
  const chance = formatNumber(Math.round(suppressingByChance * projections.size), 'count');
  return [
    `A neuron is listed when at most ${formatNumber(rule.ngramCount, 'count')} tokens, pairs or triples of tokens that end where it is active cover ${share} of its activations. It stands under the longest of them; a token that always follows the same other one makes a bigram of it. ⇤ is the start of a sequence.`,
    `Neurons with fewer than ${formatNumber(rule.leastActiveCount, 'count')} activations are not judged (${formatNumber(found.judgedCount, 'count')} were): a few activations always have few tokens.`,
    ...(sites.some(({ isRelative }) => isRelative)
      ? [
          'GELU-like and gated neurons are seldom quite silent. To count their large activations only, set `epsilon` to 1 or more: it is the threshold in units of the RMS of the layer.',
        ]
      : []),
    '**Fires** below 100 % says that something else than the n-gram has a say too.',
    ...(projections.size === 0
      ? []
      : [
          `**Promotes** and **Suppresses** are what the neuron's output does to the scores of the vocabulary when it is added to the stream and nothing else reads it. A neuron suppresses its triggers when it lowers their scores by more than one standard deviation; of so many directions drawn at random about ${chance} would.`,
        ]),
    ...(projectionNote === '' ? [] : [projectionNote]),
  ].join('\n\n');
}
