import { type CurveFit, fitCurve } from '../../../engine/numeric/curves/fitCurve.js';
import type { AnalysisContext, ListedModel } from '../../analysis.js';
import { stepOf } from '../../shared/checkpoints.js';
import { measureMassive, type MassiveRule } from './measure.js';

/** The ratio of the largest |a| to the median |a| over a training. */
export interface RatioCourse {
  readonly points: readonly {
    readonly name: string;
    readonly step: number;
    /** Largest over the hidden states. */
    readonly ratio: number;
    /** The state that has it. */
    readonly state: string;
  }[];
  /** The emergence curve, or why there is none. */
  readonly fit: CurveFit | string;
}

/** Measures every checkpoint alike, and fits the emergence curve through their ratios. */
export async function measureCourse(
  context: AnalysisContext,
  checkpoints: readonly ListedModel[],
  { rule, onPoint }: { readonly rule: MassiveRule; readonly onPoint: (course: RatioCourse) => void },
): Promise<RatioCourse> {
  const points: RatioCourse['points'][number][] = [];
  for (const [index, checkpoint] of checkpoints.entries()) {
    const { name } = checkpoint;
    const { states } = await measureMassive(context, await checkpoint.open(), rule);
    const largest = states.reduce((a, b) => (b.ratio > a.ratio ? b : a));
    const step = stepOf(name, index);
    points.push({ name, step, ratio: largest.ratio, state: largest.state.target.layer });
    context.progress({ fractionDone: (index + 1) / (checkpoints.length + 1), message: `Checkpoint ${name}` });
    onPoint({ points, fit: 'not all checkpoints are measured yet' });
  }
  const fit = fitCurve(
    'emergence',
    points.map(({ step }) => step),
    points.map(({ ratio }) => ratio),
  );
  return { points, fit };
}
