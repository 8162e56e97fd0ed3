import { noiseTunnel, noiseTunnelFacts } from '../noiseTunnel.js';
import type { AttributionMethod } from '../problem.js';

/**
 * SmoothGrad: the mean of the scores g(x + ε) of another method over noisy copies of the input, ε ~ N(0, σ²).
 *
 * Assumes that the copies still mean the same to the model: σ is `noise` times the range of the row's values, and too
 * much of it explains noise. High absolute values: the slope stays large around x. Low: it is small, or its sign changes
 * from place to place. Scores do not add up to the prediction; each comes with its standard error.
 *
 * Source: Smilkov, Thorat, Kim, Viégas & Wattenberg (2017), "SmoothGrad: removing noise by adding noise",
 * https://arxiv.org/abs/1706.03825. Differs: `around` lets it smooth other scores than the gradient, as Captum's noise
 * tunnel does.
 */
export const smoothGrad: AttributionMethod = {
  ...noiseTunnelFacts,
  title: 'SmoothGrad',
  scoresAre: 'slopes',
  reading: 'Each score is the mean slope of the explained value over noisy copies of the row.',
  paperIds: ['smilkov2017'],
  attribute: (problem) => noiseTunnel(problem, 'mean'),
};
