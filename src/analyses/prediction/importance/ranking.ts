import { kendall, spearman } from '../../../engine/numeric/rankCorrelation.js';
import { float32Tensor } from '../../../onnx/tensorValue.js';
import type { MetricsBlock } from '../../../protocol/blocks.js';
import type { Evidence, Finding } from '../../../protocol/report.js';
import type { MetricDeclaration, ResultArray } from '../../analysis.js';
import { shapleyRowCount } from './importanceSettings.js';
import { lossWords } from './losses.js';
import type { Estimate } from './measures.js';
import type { Shuffling } from './shuffling.js';

/** Importances of sets of features, one name each. */
export interface Ranking {
  readonly names: readonly string[];
  readonly importances: readonly Estimate[];
  /** Mean absolute Shapley values; undefined when they were left out. */
  readonly shapley: Float64Array | undefined;
}

/** Metrics that both analyses share. */
export const rankingMetrics = {
  loss: { title: 'Loss', description: 'Mean loss of the rows as they are.' },
  spearman: {
    title: 'Rank correlation (Spearman)',
    description: 'Spearman’s ρ between the importances by shuffling and by Shapley values.',
  },
  kendall: {
    title: 'Rank correlation (Kendall)',
    description: 'Kendall’s τ-b between the importances by shuffling and by Shapley values.',
  },
  maxStandardError: {
    title: 'Largest standard error',
    description: 'Largest standard error of an importance over repeats.',
  },
} as const satisfies Record<string, MetricDeclaration>;

/** Returns the shared metrics with their evidence; correlations of fewer than three are not captured. */
export function rankingFigures(
  { loss: lossName, rows, intactLoss }: Shuffling,
  { importances, shapley }: Ranking,
): { readonly metrics: Record<string, number>; readonly evidence: Record<string, Evidence> } {
  const n = rows.count;
  const measured: Evidence =
    n < rows.availableCount
      ? {
          kind: 'sampled',
          n,
          how: `${lossWords[lossName]} of the first ${String(n)} of ${String(rows.availableCount)} rows`,
        }
      : { kind: 'measured', n, how: lossWords[lossName] };
  const means = importances.map(({ mean }) => mean);
  const [rho, tau] = shapley === undefined ? [NaN, NaN] : [spearman(means, shapley), kendall(means, shapley)];
  const canRank = shapley !== undefined && means.length > 2 && Number.isFinite(rho) && Number.isFinite(tau);
  const ranked: Evidence = canRank
    ? { kind: 'estimated', n: Math.min(n, shapleyRowCount), how: 'random orders and shuffles' }
    : { kind: 'not-captured', how: 'it needs Shapley values (orders above 0) of three features that differ' };
  return {
    metrics: {
      loss: intactLoss,
      maxStandardError: Math.max(...importances.map(({ standardError }) => standardError)),
      ...(canRank ? { spearman: rho, kendall: tau } : {}),
    },
    evidence: { loss: measured, maxStandardError: measured, spearman: ranked, kendall: ranked },
  };
}

/** Returns the figures that both reports show first. */
export function metricItems(metrics: Readonly<Record<string, number>>): MetricsBlock['items'] {
  const items: MetricsBlock['items'] = [
    { metric: 'loss', label: 'Loss of the rows as they are' },
    { metric: 'maxStandardError', label: 'Largest standard error' },
  ];
  if (metrics['spearman'] === undefined) return items;
  return [...items, { metric: 'spearman', label: 'Rank correlation with Shapley values' }];
}

/** Returns the raw results. */
export function rankingArrays(
  { rows }: Shuffling,
  { importances, shapley }: Ranking,
): Record<string, ResultArray> {
  const evidence: Evidence = { kind: 'estimated', n: rows.count, how: 'mean over random shuffles' };
  const vector = (values: readonly number[] | Float64Array): ResultArray => ({
    value: float32Tensor(Float32Array.from(values), [values.length]),
    evidence,
  });
  return {
    importance: vector(importances.map(({ mean }) => mean)),
    importanceStandardError: vector(importances.map(({ standardError }) => standardError)),
    ...(shapley === undefined ? {} : { shapleyImportance: vector(shapley) }),
  };
}

/** Returns what the ranking warns of. */
export function rankingFindings({ importances, names }: Ranking): Finding[] {
  const unsure = names.filter((_, i) => {
    const { mean = 0, standardError = 0 } = importances[i] ?? {};
    return mean !== 0 && Math.abs(mean) < 2 * standardError;
  });
  if (unsure.length === 0) return [];
  return [
    {
      severity: 'info',
      message: `${String(unsure.length)} of ${String(names.length)} importances are smaller than twice their standard error: ${unsure.slice(0, 5).join(', ')}${unsure.length > 5 ? ', …' : ''}.`,
      advice: 'Raise repeats or --limit before ranking them.',
    },
  ];
}

/** Returns what the ranking comes to, in words: `shuffling petal length raises the cross-entropy most (by 0.16)`. */
export function leaderText({ loss }: Shuffling, { names, importances }: Ranking): string {
  const best = importances.reduce((at, { mean }, i) => (mean > (importances[at]?.mean ?? NaN) ? i : at), 0);
  const rise = importances[best]?.mean ?? NaN;
  if (!(rise > 0)) return `shuffling none of them raises the ${lossWords[loss]}`;
  return `shuffling ${names[best] ?? ''} raises the ${lossWords[loss]} most (by ${rise.toPrecision(3)})`;
}
