import { bestFit, type CurveFit, fitCurves } from '../../../engine/numeric/curves/fitCurve.js';
import type { CurveName } from '../../../engine/numeric/curves/curveFamilies.js';
import type { AnalysisContext, ListedModel } from '../../analysis.js';
import { type CheckpointPoint, followCheckpoints } from '../../shared/checkpoints.js';
import { measurePplSparsity, type PplOptions } from './ppl.js';

/** The activation ratio of a checkpoint; NaN where truncating everything costs less than p %. */
export interface RatioAtCett {
  readonly ratio: number;
  readonly cett: number;
}

/** The activation ratio over a training. */
export interface RatioCourse {
  readonly points: readonly CheckpointPoint<RatioAtCett>[];
  /** The law of SiLU models and that of ReLU models, or why one was not fitted. */
  readonly fits: ReadonlyMap<CurveName, CurveFit | string>;
  /** The law with the larger R²; undefined where none was fitted. */
  readonly best: CurveFit | undefined;
}

/** Measures every checkpoint alike, and fits both laws through their activation ratios; the step 0 has a place in neither. */
export async function measureRatios(
  context: AnalysisContext,
  checkpoints: readonly ListedModel[],
  options: PplOptions,
): Promise<RatioCourse> {
  const points = await followCheckpoints<RatioAtCett>(context, checkpoints, {
    measure: async (model, _checkpoint, progress) => {
      const { found } = await measurePplSparsity({ ...context, model, progress }, options);
      return { ratio: found?.activeShare ?? NaN, cett: found?.cett ?? NaN };
    },
  });
  const fitted = points.filter(({ step }) => step > 0);
  const fits = fitCurves(
    ['power', 'log-power'],
    fitted.map(({ step }) => step),
    fitted.map(({ value }) => value?.ratio ?? NaN),
  );
  return { points, fits, best: bestFit(fits, ({ rSquared }) => rSquared) };
}
