import type { Block } from '../../../protocol/blocks.js';
import type { Evidence } from '../../../protocol/report.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { ResultArray } from '../../analysis.js';
import { lineChart } from '../../shared/lineChart.js';
import type { RatioCourse, RatioLaw } from './training.js';

const formulas: Readonly<Record<RatioLaw, string>> = {
  power: 'R₀ − c / t^α',
  'log-power': 'R₀ + exp(b − c · t^α)',
};

/** Metrics of the fitted law that are known, and evidence of all of them. */
export function courseMetrics(course: RatioCourse | undefined): {
  readonly metrics: Readonly<Record<string, number>>;
  readonly evidence: Readonly<Record<string, Evidence>>;
} {
  const best = course?.best;
  if (course === undefined || best === undefined) {
    const how = course === undefined ? 'no checkpoints were given' : whyNot(course);
    const missing: Evidence = { kind: 'not-captured', how };
    return { metrics: {}, evidence: { limitRatio: missing, fitRSquared: missing } };
  }
  const measured: Evidence = {
    kind: 'measured',
    n: course.points.length,
    how: `checkpoints; ${formulas[best.name as RatioLaw]}`,
  };
  return {
    metrics: { limitRatio: best.parameters['R0'] ?? NaN, fitRSquared: best.rSquared },
    evidence: { limitRatio: measured, fitRSquared: measured },
  };
}

function whyNot({ fits }: RatioCourse): string {
  return [...fits.values()].find((fit) => typeof fit === 'string') ?? 'no law was fitted';
}

/** Returns the ratios over checkpoints with the law that fits better, and both laws; nothing for a single model. */
export function courseBlocks(course: RatioCourse | undefined): Block[] {
  if (course === undefined) return [];
  const { points, best } = course;
  const rows = points.map(({ name, step, ratio, cett }) => {
    const at = step > 0 && best !== undefined ? best.at(step) : { value: NaN, halfWidth: NaN };
    return {
      ...{ name, step, ratio: toReportNumber(ratio), cett: toReportNumber(cett) },
      ...{ fitted: toReportNumber(at.value) },
      low: toReportNumber(at.value - at.halfWidth),
      high: toReportNumber(at.value + at.halfWidth),
    };
  });
  const chart = lineChart({
    title: 'Activation ratio over training',
    alt: 'Points: the activation ratio of each checkpoint; a line: the law that fits better, with its 95 % confidence band.',
    x: { field: 'step', title: 'Step' },
    y: { field: best === undefined ? 'ratio' : 'fitted', title: 'Activation ratio', isPercent: true },
    ...(best === undefined
      ? {}
      : { band: { low: 'low', high: 'high' }, points: { field: 'ratio', title: 'measured' } }),
    rows,
    columns: [
      { key: 'name', label: 'Checkpoint', kind: 'text' },
      { key: 'step', label: 'Step', kind: 'count' },
      { key: 'ratio', label: 'Activation ratio', kind: 'percent' },
      { key: 'cett', label: 'CETT', kind: 'number' },
      { key: 'fitted', label: 'Fitted', kind: 'percent' },
      { key: 'low', label: '95 % from', kind: 'percent' },
      { key: 'high', label: 'to', kind: 'percent' },
    ],
  });
  return [chart, lawTable(course)];
}

function lawTable({ fits }: RatioCourse): Block {
  const rows = [...fits].flatMap(([law, fit]) => {
    if (typeof fit === 'string') return [{ law: formulas[law], parameter: `not fitted: ${fit}` }];
    return Object.entries(fit.parameters).map(([parameter, value]) => ({
      ...{ law: formulas[law], parameter, value: toReportNumber(value) },
      error: toReportNumber(fit.errors[parameter] ?? NaN),
      state: fit.unidentified.includes(parameter) ? 'no' : 'yes',
      rSquared: toReportNumber(fit.rSquared),
    }));
  });
  return {
    type: 'table',
    title: 'Laws of the activation ratio, t the step',
    columns: [
      { key: 'law', label: 'Law', kind: 'text' },
      { key: 'parameter', label: 'Parameter', kind: 'text' },
      { key: 'value', label: 'Value', kind: 'number' },
      { key: 'error', label: 'Standard error', kind: 'number' },
      { key: 'state', label: 'Determined by the checkpoints', kind: 'text' },
      { key: 'rSquared', label: 'R²', kind: 'number' },
    ],
    rows,
  };
}

/** Returns the ratios over checkpoints as an array. */
export function courseArrays(course: RatioCourse | undefined): Record<string, ResultArray> {
  if (course === undefined) return {};
  const { points } = course;
  const data = Float64Array.from(points.flatMap(({ step, ratio }) => [step, ratio]));
  return {
    ratioByStep: {
      value: { dtype: 'float64', dims: [points.length, 2], data },
      evidence: { kind: 'measured', n: points.length, how: 'checkpoints' },
    },
  };
}
