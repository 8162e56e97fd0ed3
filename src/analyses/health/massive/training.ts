import { type CurveFit, fitCurve } from '../../../engine/numeric/curves/fitCurve.js';
import type { AnalysisContext, ListedModel } from '../../analysis.js';
import { type CheckpointPoint, followCheckpoints } from '../../shared/checkpoints.js';
import { measureMassive, type MassiveRule } from './measure.js';

/** The hidden state of a checkpoint with the largest ratio of the largest |a| to the median |a|. */
export interface LargestRatio {
  readonly ratio: number;
  readonly state: string;
}

/** That ratio over a training. */
export interface RatioCourse {
  readonly points: readonly CheckpointPoint<LargestRatio>[];
  /** The emergence curve, or why there is none. */
  readonly fit: CurveFit | string;
}

/** Measures every checkpoint alike, and fits the emergence curve through their ratios. */
export async function measureCourse(
  context: AnalysisContext,
  checkpoints: readonly ListedModel[],
  { rule, onPoint }: { readonly rule: MassiveRule; readonly onPoint: (course: RatioCourse) => void },
): Promise<RatioCourse> {
  const points = await followCheckpoints<LargestRatio>(context, checkpoints, {
    measure: async (model, _checkpoint, progress) => {
      const { states } = await measureMassive({ ...context, progress }, model, rule);
      const largest = states.reduce((a, b) => (b.ratio > a.ratio ? b : a));
      return { ratio: largest.ratio, state: largest.state.target.layer };
    },
    onPoint: (known) => {
      onPoint({ points: known, fit: 'not all checkpoints are measured yet' });
    },
  });
  const fit = fitCurve(
    'emergence',
    points.map(({ step }) => step),
    points.map(({ value }) => value?.ratio ?? NaN),
  );
  return { points, fit };
}
