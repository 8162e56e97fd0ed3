import { multipliedDifferences, multiplierFacts } from '../multiplied.js';
import type { AttributionMethod } from '../problem.js';

/**
 * DeepLIFT with the RevealCancel rule: as with Rescale, but what adds to a unit and what takes away from it get
 * multipliers of their own: each part's effect is averaged over coming first and coming second.
 *
 * Assumes that the baseline is a neutral input. The parts are those of the dense or convolution layer (or sum) in front of
 * an activation; other nonlinearities follow Rescale. The scores add up to f(x) − f(b) under the same condition. High: the
 * element lifted the prediction, even where another took the effect back. min(a, b) built from ReLUs gives both half.
 *
 * Source: Shrikumar, Greenside & Kundaje (2017), "Learning Important Features Through Propagating Activation
 * Differences", section 3.5.3, https://arxiv.org/abs/1704.02685. Differs: used at convolutions too, where the authors
 * prefer Rescale.
 */
export const deepliftRevealCancel: AttributionMethod = {
  ...multiplierFacts,
  title: 'DeepLIFT (RevealCancel)',
  scoresAre: 'shares',
  reading:
    'Each score is the element’s share of f(x) − f(baseline), with what adds to a unit and what takes away from it followed apart.',
  paperIds: ['shrikumar2017'],
  attribute: (problem) => multipliedDifferences(problem, 'revealcancel'),
};
