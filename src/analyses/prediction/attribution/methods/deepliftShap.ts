import { multipliedDifferences, multiplierFacts } from '../multiplied.js';
import type { AttributionMethod } from '../problem.js';

/**
 * DeepLIFT SHAP: DeepLIFT (Rescale) scores averaged over the baselines of a background.
 *
 * Assumes that the background stands for "nothing in particular" in your data; it approximates SHAP values where the
 * model is close to linear between a row and the background. The scores of a row add up to f(x) − mean f(b) where every
 * nonlinearity has a rule. High: the element lifted the prediction above the background's. Costs a pass per baseline.
 *
 * Source: Lundberg & Lee (2017), "A Unified Approach to Interpreting Model Predictions", section 4.2,
 * https://arxiv.org/abs/1705.07874. Differs: as deeplift-rescale does.
 */
export const deepliftShap: AttributionMethod = {
  ...multiplierFacts,
  title: 'DeepLIFT SHAP',
  scoresAre: 'shares',
  reading:
    'Each score is the element’s share of f(x) − mean f(background), the mean of its DeepLIFT scores against each baseline.',
  paperIds: ['lundberg2017', 'shrikumar2017'],
  attribute: async (problem) => {
    const { baselines } = problem;
    const found = await multipliedDifferences(problem, 'rescale');
    const from =
      baselines.count > 1
        ? `Averaged over ${String(baselines.count)} baselines.`
        : 'Against one baseline, as deeplift-rescale: set background to a file with many.';
    return { ...found, notes: [from] };
  },
};
