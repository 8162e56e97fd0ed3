import { noiseTunnel, noiseTunnelFacts } from '../noiseTunnel.js';
import type { AttributionMethod } from '../problem.js';

/**
 * SmoothGrad²: the mean of g(x + ε)² over noisy copies of the input, ε ~ N(0, σ²).
 *
 * Assumes what SmoothGrad does. High: the model reacts strongly to this element around x, in whichever direction; signs
 * are gone, so it says how much and not for what. Scores do not add up to the prediction; each comes with its standard
 * error.
 *
 * Source: Hooker, Erhan, Kindermans & Kim (2018), "A Benchmark for Interpretability Methods in Deep Neural Networks",
 * https://arxiv.org/abs/1806.10758.
 */
export const smoothGradSquared: AttributionMethod = {
  ...noiseTunnelFacts,
  title: 'SmoothGrad²',
  scoresAre: 'places',
  reading:
    'Each score is the mean squared slope of the explained value over noisy copies of the row: how strongly it reacts, not in which direction.',
  paperIds: ['hooker2018', 'smilkov2017'],
  attribute: (problem) => noiseTunnel(problem, 'mean-square'),
};
