import { type CurveFit, fitCurve } from '../../../engine/numeric/curves/fitCurve.js';
import type { AnalysisContext, ListedModel } from '../../analysis.js';
import { stepOf } from '../../shared/checkpoints.js';
import { measurePplSparsity, type PplOptions } from './ppl.js';

/** The laws that activation ratios follow over training: of SiLU models, and of ReLU models. */
export type RatioLaw = 'power' | 'log-power';

/** The activation ratio over a training. */
export interface RatioCourse {
  readonly points: readonly {
    readonly name: string;
    readonly step: number;
    /** NaN where truncating everything costs less than p %. */
    readonly ratio: number;
    readonly cett: number;
  }[];
  /** Each law, or why it was not fitted. */
  readonly fits: ReadonlyMap<RatioLaw, CurveFit | string>;
  /** The law with the larger R²; undefined where none was fitted. */
  readonly best: CurveFit | undefined;
}

/** Measures every checkpoint alike, and fits both laws through their activation ratios; the step 0 has a place in neither. */
export async function measureRatios(
  context: AnalysisContext,
  checkpoints: readonly ListedModel[],
  options: PplOptions,
): Promise<RatioCourse> {
  const points: RatioCourse['points'][number][] = [];
  for (const [index, checkpoint] of checkpoints.entries()) {
    const { name } = checkpoint;
    const model = await checkpoint.open();
    const progress: AnalysisContext['progress'] = ({ fractionDone, message }) => {
      context.progress({
        fractionDone: (index + fractionDone) / checkpoints.length,
        message: `${name}: ${message}`,
      });
    };
    const { found } = await measurePplSparsity({ ...context, model, progress }, options);
    points.push({
      ...{ name, step: stepOf(name, index) },
      ...{ ratio: found?.activeShare ?? NaN, cett: found?.cett ?? NaN },
    });
  }
  const fitted = points.filter(({ step }) => step > 0);
  const fits = new Map(
    (['power', 'log-power'] as const).map((law) => [
      law,
      fitCurve(
        law,
        fitted.map(({ step }) => step),
        fitted.map(({ ratio }) => ratio),
      ),
    ]),
  );
  const known = [...fits.values()].filter((fit) => typeof fit !== 'string');
  const best = known.reduce<CurveFit | undefined>(
    (a, b) => (a === undefined || b.rSquared > a.rSquared ? b : a),
    undefined,
  );
  return { points, fits, best };
}
