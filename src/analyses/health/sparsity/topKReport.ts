import type { Block } from '../../../protocol/blocks.js';
import type { Evidence } from '../../../protocol/report.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { ResultArray } from '../../analysis.js';
import { lineChart } from '../../shared/lineChart.js';
import type { TopKCurve } from './topK.js';

/** A score this near the untouched model's counts as kept. */
const keptScore = 0.01;

const all = 'all layers';

/** Metrics of the curve that are known, and evidence of all of them. */
export function topKMetrics(curve: TopKCurve | string): {
  readonly metrics: Readonly<Record<string, number>>;
  readonly evidence: Readonly<Record<string, Evidence>>;
} {
  if (typeof curve === 'string') {
    const missing: Evidence = { kind: 'not-captured', how: curve };
    return { metrics: {}, evidence: { untouchedScore: missing, topKShare: missing } };
  }
  const { untouched, points, scoreName, sampleCount } = curve;
  const measured: Evidence = { kind: 'measured', n: sampleCount, how: scoreName };
  const enough = points
    .filter(({ layer, score }) => layer === undefined && score >= untouched - keptScore)
    .map(({ share }) => share);
  return {
    metrics: { untouchedScore: untouched, topKShare: Math.min(...enough) },
    evidence: { untouchedScore: measured, topKShare: measured },
  };
}

/** Returns the curve with its table, or nothing where it was not measured. */
export function topKBlocks(curve: TopKCurve | string): Block[] {
  if (typeof curve === 'string') return [];
  const rows = curve.points.map(({ layer, share, k, score }) => ({
    layer: layer ?? all,
    share,
    k,
    score: toReportNumber(score),
  }));
  return [
    lineChart({
      title: 'Top-k thresholding',
      alt: `A line for all layers, and for each if asked: ${curve.scoreName} when only a share of the units, those with the largest |a|, is kept at every position.`,
      x: { field: 'share', title: 'Share of the units kept', isPercent: true, isLogarithmic: true },
      y: { field: 'score', title: curve.scoreName, isPercent: true },
      series: 'layer',
      rows,
      columns: [
        { key: 'layer', label: 'Layer', kind: 'text' },
        { key: 'share', label: 'Kept', kind: 'percent' },
        { key: 'k', label: 'k', kind: 'number', description: 'Units kept; the mean where layers differ.' },
        { key: 'score', label: curve.scoreName, kind: 'percent' },
      ],
    }),
  ];
}

/** Returns the curve of all layers, and of each that was cut alone, as arrays. */
export function topKArrays(curve: TopKCurve | string): Record<string, ResultArray> {
  if (typeof curve === 'string') return {};
  const evidence: Evidence = { kind: 'measured', n: curve.sampleCount, how: curve.scoreName };
  const arrays: Record<string, ResultArray> = {};
  for (const layer of new Set(curve.points.map((point) => point.layer))) {
    const own = curve.points.filter((point) => point.layer === layer);
    const vector = (of: (point: (typeof own)[number]) => number): ResultArray => ({
      value: { dtype: 'float64', dims: [own.length], data: Float64Array.from(own, of) },
      evidence,
    });
    const prefix = layer === undefined ? '' : `${layer}.`;
    arrays[`${prefix}topKShare`] = vector(({ share }) => share);
    arrays[`${prefix}topKScore`] = vector(({ score }) => score);
  }
  return arrays;
}
