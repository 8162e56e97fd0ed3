import { UserError } from '../../base/errors.js';
import type { Dataset } from '../../data/dataset.js';
import { formatAddress } from '../../onnx/addresses.js';
import type { Block } from '../../protocol/blocks.js';
import { formatNumber, type NumberFormat } from '../../protocol/formatReport.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import type { SettingsSchema } from '../../protocol/settings.js';
import {
  type AnalysisContext,
  defineAnalysis,
  type ReportDraft,
  type ResultArray,
  type SettingsOf,
} from '../analysis.js';
import { chooseFeatureLayer } from './diversity/chooseLayer.js';
import { binChart, leastDiverseBlocks } from './diversity/diversityReport.js';
import { measureDiversity, type MeasuredDiversity } from './diversity/measureDiversity.js';
import {
  diversityBins,
  type ErrorGap,
  errorGap,
  isWrong,
  type Ranking,
  rankSamples,
} from './diversity/ranking.js';

const settings = {
  layer: {
    kind: 'text',
    format: 'layer',
    title: 'Layer',
    description: 'Whose features are looked at; default what leaves the last convolution and its activation.',
    default: null,
  },
  share: {
    kind: 'number',
    title: 'Least diverse share',
    description: 'Share of the samples that are called the least diverse and set against the rest.',
    default: 0.1,
    minimum: 0,
    maximum: 1,
    exclusive: true,
  },
  shown: {
    kind: 'integer',
    title: 'Samples shown',
    description: 'Samples that are listed with their inputs, least diverse first.',
    default: 24,
    minimum: 1,
    maximum: 1000,
  },
} as const satisfies SettingsSchema;

type Settings = SettingsOf<typeof settings>;

const metrics = {
  leastErrorRate: {
    title: 'Errors, least diverse',
    description: 'Share of wrong answers among the least diverse samples.',
  },
  restErrorRate: {
    title: 'Errors, the rest',
    description: 'Share of wrong answers among all other samples.',
  },
  errorGap: {
    title: 'Difference',
    description: 'Error rate of the least diverse samples minus that of the rest.',
  },
  errorGapLow: { title: 'Difference from', description: 'Lower end of its interval of 95 %.' },
  errorGapHigh: { title: 'Difference to', description: 'Upper end of its interval of 95 %.' },
  leastCount: { title: 'Least diverse samples', description: 'Samples that are set against the rest.' },
  medianVariance: {
    title: 'Median variance',
    description: 'Of the features of a sample, half of the samples below it.',
  },
} as const;

/**
 * Feature diversity: which samples excite features that hardly differ, and whether the model is wrong on them more often.
 *
 * For a sample with the values t_1 … t_n of all feature maps at a layer: v = Σ (t_j − t̄)² / (n − 1); scaled,
 * (v − min) / (max − min) over the samples. The least diverse share is set against the rest by error rates, with Newcombe’s
 * interval for a difference. Assumes a layer whose scale carries meaning: behind a normalisation over the sample, v is the same
 * for all. Caveat: v grows with contrast and brightness as well as with the number of features that are found.
 *
 * Source: Abrahamyan, Ziatchin, Chen & Deligiannis (2021), "Bias Loss for Mobile Neural Networks",
 * https://arxiv.org/abs/2107.11170. Differs: the paper weighs samples by v during training; here a trained model is asked
 * whether its low-diversity samples are those it gets wrong, and v is scaled over all samples, no batch.
 */
export const featureDiversity = defineAnalysis({
  id: 'feature-diversity',
  question: 'health',
  title: 'Feature diversity',
  asks: 'On which samples do the features hardly differ, and is the model wrong there?',
  needs: { data: 'required', labels: 'optional', gradients: false },
  settings,
  metrics,
  papers: [
    {
      id: 'abrahamyan2021',
      title: 'Bias Loss for Mobile Neural Networks',
      url: 'https://arxiv.org/abs/2107.11170',
      line: 137,
    },
  ],
  rows: [
    {
      line: 137,
      limits:
        'Measures a trained model; the loss itself, which weighs samples in training, is not computed. One layer at a time; error rates need labels and a score for each class.',
    },
  ],
  cost: (_, { sampleCount }) => ({ passCount: sampleCount, readCount: sampleCount }),
  run: examine,
});

interface Found extends Pick<MeasuredDiversity, 'samples' | 'inputs'> {
  readonly data: Dataset;
  readonly layer: string;
  readonly ranking: Ranking;
  /** A reason, where no error rates can be compared. */
  readonly gap: ErrorGap | string;
}

async function examine(context: AnalysisContext, { layer, share, shown }: Settings): Promise<ReportDraft> {
  const { data } = context;
  if (data === undefined) throw new Error('The runner starts no analysis without the data it needs.');
  const target = await chooseFeatureLayer(context, data, layer);
  const measured = await measureDiversity(context, data, { target, keptCount: shown });
  const ranking = rankSamples(measured.samples, share);
  if (ranking.ranked.length < 2) throw tooFew(target.layer, measured.samples.length, ranking);
  return draftOf({ ...measured, data, layer: target.layer, ranking, gap: gapOf(ranking, data) });
}

function tooFew(layer: string, sampleCount: number, { ranked }: Ranking): UserError {
  return new UserError(
    'too-few-samples',
    `Only ${ranked.length} of ${sampleCount} samples has features at ${layer} with a finite variance, and diversity is compared between samples. Pass more samples, or set layer to one with more than one number a sample, none of them NaN or infinite.`,
    { detail: { layer, sampleCount, rankedCount: ranked.length } },
  );
}

function gapOf(ranking: Ranking, { hasLabels }: Dataset): Found['gap'] {
  if (!hasLabels) return 'the data have no labels';
  return (
    errorGap(ranking) ??
    (ranking.ranked.some(({ prediction }) => prediction !== undefined)
      ? 'no sample has a label among the least diverse, or among the rest'
      : 'no output of the model has a score for each class')
  );
}

function draftOf(found: Found): ReportDraft {
  const { samples, data, inputs, layer, ranking, gap } = found;
  const values = metricsOf(found);
  const measured: Evidence = { kind: 'measured', n: samples.length };
  const missing: Evidence = {
    kind: 'not-captured',
    how: typeof gap === 'string' ? gap : 'there is no such sample',
  };
  const interval: Evidence = {
    kind: 'estimated',
    n: samples.length,
    how: 'interval of 95 % for the difference of two shares',
  };
  const evidenceOf = (key: string): Evidence =>
    key in values ? (/(Low|High)$/u.test(key) ? interval : measured) : missing;
  return {
    title: 'Feature diversity',
    summary: summaryOf(found),
    usedCount: samples.length,
    metrics: values,
    evidence: Object.fromEntries(Object.keys(metrics).map((key) => [key, evidenceOf(key)])),
    findings: findingsOf(found),
    arrays: arraysOf(found, measured),
    blocks: [
      { type: 'metrics', items: metricItems(Object.keys(values)) },
      { type: 'findings', title: 'Findings' },
      binChart(diversityBins(ranking, 10), layer),
      ...leastDiverseBlocks(ranking, inputs, data),
      howToRead,
      { type: 'citation', papers: ['abrahamyan2021'] },
    ],
    warnings: typeof gap === 'string' ? [`Error rates were not compared: ${gap}.`] : [],
  };
}

function metricItems(keys: readonly string[]) {
  const formats: Readonly<Record<string, NumberFormat>> = {
    errorGap: 'points',
    errorGapLow: 'points',
    errorGapHigh: 'points',
    leastCount: 'count',
    medianVariance: 'number',
  };
  return keys.map((metric) => ({
    metric,
    label: metrics[metric as keyof typeof metrics].title,
    format: formats[metric] ?? ('percent' as const),
  }));
}

const howToRead: Block = {
  type: 'markdown',
  title: 'How to read this',
  folded: true,
  text: 'The variance of a sample is taken over all units and positions of the layer at once: it is low where few units respond, or all of them alike. If the least diverse samples are wrong more often, and the interval of the difference lies above 0, the model guesses where it finds little to go by; look at what these samples have in common. Dark or empty pictures have little variance for a plain reason.',
};

function metricsOf({ ranking, gap }: Found): Record<string, number> {
  const { ranked, leastCount } = ranking;
  const common = { leastCount, medianVariance: medianOf(ranked.map(({ variance }) => variance)) };
  if (typeof gap === 'string') return common;
  const { least, rest } = gap;
  return {
    leastErrorRate: least.count / least.total,
    restErrorRate: rest.count / rest.total,
    errorGap: gap.gap,
    errorGapLow: gap.interval.low,
    errorGapHigh: gap.interval.high,
    ...common,
  };
}

function medianOf(sorted: readonly number[]): number {
  const at = (i: number): number => sorted[i] ?? NaN;
  return (at(Math.floor((sorted.length - 1) / 2)) + at(Math.floor(sorted.length / 2))) / 2;
}

// With a minus, as all numbers of a report have it.
const points = (share: number): string => (100 * share).toFixed(1).replace('-', '−');

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function summaryOf({ layer, ranking, gap }: Found): string {
  const { ranked, leastCount } = ranking;
  const [low, high] = [ranked[0]?.variance ?? NaN, ranked.at(-1)?.variance ?? NaN];
  const count = leastCount.toLocaleString('en-US');
  if (typeof gap === 'string') {
    return `The variance of the features at ${layer} reaches from ${formatNumber(low)} to ${formatNumber(high)} over ${ranked.length.toLocaleString('en-US')} samples; the ${count} least diverse are listed.`;
  }
  const { least, rest, interval } = gap;
  const [from, to] = [interval.low, interval.high].map(points);
  return `On the ${count} samples with the least diverse features at ${layer} the model is wrong on ${percent(least.count / least.total)}, on the rest on ${percent(rest.count / rest.total)}: a difference of ${points(gap.gap)} percentage points (95 %: ${from ?? ''} to ${to ?? ''}).`;
}

function findingsOf({ layer, ranking, gap }: Found): Finding[] {
  const address = formatAddress({ layer });
  const findings: Finding[] = [];
  const { unranked, ranked } = ranking;
  if (unranked.length > 0) {
    findings.push({
      severity: 'error',
      address,
      message: `The features of ${unranked.length} samples at ${layer} have no finite variance; the first is ${unranked[0]?.id ?? ''}.`,
      advice: 'Look for NaN and infinities in these samples, or for samples that are masked altogether.',
    });
  }
  if (isConstant(ranked)) {
    findings.push({
      severity: 'warning',
      address,
      message: `All samples have the same variance at ${layer}, so their order says nothing.`,
      advice:
        'A normalisation over each sample makes it so: set layer to one in front of it or behind its activation.',
    });
  } else if (typeof gap !== 'string' && gap.interval.low > 0) {
    const { least, rest } = gap;
    findings.push({
      severity: 'warning',
      address,
      message: `The model is wrong on ${least.count} of the ${least.total} least diverse samples and on ${rest.count} of the other ${rest.total}: more often than chance explains.`,
      advice:
        'Look at the least diverse samples for what they share; collect more of their kind, or leave them to a person.',
    });
  }
  return findings;
}

/** Variances that differ by less are the same but for rounding. */
const rounding = 1e-5;

function isConstant(ranked: Ranking['ranked']): boolean {
  const [low, high] = [ranked[0]?.variance ?? NaN, ranked.at(-1)?.variance ?? NaN];
  return high - low <= rounding * high;
}

function arraysOf({ samples, ranking }: Found, evidence: Evidence): Record<string, ResultArray> {
  const column = (values: readonly number[]): ResultArray => ({
    value: { dtype: 'float64', dims: [values.length], data: Float64Array.from(values) },
    evidence,
  });
  return {
    variance: column(samples.map(({ variance }) => variance)),
    wrong: column(samples.map((sample) => Number(isWrong(sample) ?? NaN))),
    ranking: column(ranking.ranked.map(({ index }) => index)),
  };
}
