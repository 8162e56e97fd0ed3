import { localScores } from '../localScores.js';
import { passesPerGradient } from '../passes.js';
import type { AttributionMethod } from '../problem.js';

/**
 * The gradient: ∂f/∂x at the input, or ∂f/∂L at a layer.
 *
 * Assumes that f is close to linear around x. High absolute values: a small change there changes the prediction most.
 * Low: f is flat there, which also happens where a unit is saturated and the feature matters all the same. Scores do not
 * add up to anything.
 *
 * Source: Simonyan, Vedaldi & Zisserman (2013), "Deep Inside Convolutional Networks: Visualising Image Classification
 * Models and Saliency Maps", https://arxiv.org/abs/1312.6034. Differs: signed, per channel; the paper shows the largest
 * absolute value over channels.
 */
export const gradient: AttributionMethod = {
  title: 'Gradient',
  scoresAre: 'slopes',
  reading:
    'Each score is the slope of the explained value: how much it would rise if this element grew by one.',
  paperIds: ['simonyan2013'],
  usesBaseline: false,
  passesPerRow: () => passesPerGradient,
  attribute: async (problem) => ({ scores: (await localScores(problem)).scores, isComplete: false }),
};
