import { counted } from '../../../protocol/formatReport.js';
import { curveFamilies } from '../../../engine/numeric/curves/curveFamilies.js';
import type { Block } from '../../../protocol/blocks.js';
import type { Evidence } from '../../../protocol/report.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { ResultArray } from '../../analysis.js';
import { courseChart, fitTable, openText } from '../../shared/courseBlocks.js';
import type { RatioCourse } from './training.js';

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
  const how = `the curve ${curveFamilies[best.name].formula} over ${counted(course.points.length, 'checkpoint')}`;
  return {
    metrics: { limitRatio: best.parameters['R0'] ?? NaN, fitRSquared: best.rSquared },
    evidence: {
      limitRatio: { kind: 'estimated', how: `${how}${openText(best)}` },
      fitRSquared: { kind: 'measured', how },
    },
  };
}

function whyNot({ fits }: RatioCourse): string {
  return [...fits.values()].find((fit) => typeof fit === 'string') ?? 'no law was fitted';
}

/** Returns the ratios over checkpoints with the law that fits better, and both laws; nothing for a single model. */
export function courseBlocks(course: RatioCourse | undefined): Block[] {
  if (course === undefined) return [];
  const { points, best, fits } = course;
  const chart = courseChart({
    ...{ title: 'Activation ratio over training', quantity: 'Activation ratio', format: 'percent' },
    points: points.map(({ name, step, value, problem }) => ({
      ...{ name, time: step, value: value?.ratio },
      more: { cett: value === undefined ? null : toReportNumber(value.cett), problem: problem ?? '' },
    })),
    fit: best,
    columns: [
      { key: 'cett', label: 'CETT', kind: 'number' },
      { key: 'problem', label: 'Problem', kind: 'text' },
    ],
  });
  return [chart, fitTable('Laws of the activation ratio, t the step', fits)];
}

/** Returns the ratios over checkpoints as an array. */
export function courseArrays(course: RatioCourse | undefined): Record<string, ResultArray> {
  if (course === undefined) return {};
  const { points } = course;
  const data = Float64Array.from(points.flatMap(({ step, value }) => [step, value?.ratio ?? NaN]));
  return {
    ratioByStep: {
      value: { dtype: 'float64', dims: [points.length, 2], data },
      evidence: { kind: 'measured', n: points.length, how: 'checkpoints' },
    },
  };
}
