import { noiseTunnel, noiseTunnelFacts } from '../noiseTunnel.js';
import type { AttributionMethod } from '../problem.js';

/**
 * VarGrad: the variance E[g²] − E[g]² of the scores g(x + ε) over noisy copies of the input, ε ~ N(0, σ²).
 *
 * Assumes what SmoothGrad does. High: the slope changes much around x, so the element takes part in something that is
 * not linear. Zero for a linear model, whatever its weights: it measures curvature and not importance. Scores do not add
 * up to the prediction; each comes with its standard error.
 *
 * Source: Adebayo, Gilmer, Goodfellow & Kim (2018), "Local Explanation Methods for Deep Neural Networks Lack
 * Sensitivity to Parameter Values", https://arxiv.org/abs/1810.03307.
 */
export const varGrad: AttributionMethod = {
  ...noiseTunnelFacts,
  title: 'VarGrad',
  scoresAre: 'places',
  reading:
    'Each score is the variance of the slope of the explained value over noisy copies of the row: how far the model is from linear there.',
  paperIds: ['adebayo2018local', 'smilkov2017'],
  attribute: (problem) => noiseTunnel(problem, 'variance'),
};
