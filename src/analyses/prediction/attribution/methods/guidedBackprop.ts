import { rectifiedPass } from '../../../../engine/relevance/rectifiedPass.js';
import { localScores } from '../localScores.js';
import { passesPerGradient } from '../passes.js';
import type { AttributionMethod } from '../problem.js';
import { rectifierFindings } from '../rectifierFindings.js';

/**
 * Guided backpropagation: the gradient, but every ReLU passes back only what is positive and where it was active:
 * R(z) = 1[z > 0] · max(g, 0).
 *
 * Assumes a network of rectifiers. High: growing the element excites units that excite the target. Makes sharp pictures
 * of strong local patterns; caveat: they hardly depend on the upper layers' weights, so they tell classes apart badly.
 * Scores do not add up to the prediction.
 *
 * Source: Springenberg, Dosovitskiy, Brox & Riedmiller (2014), "Striving for Simplicity: The All Convolutional Net",
 * https://arxiv.org/abs/1412.6806; the caveat: Adebayo et al. (2018), "Sanity Checks for Saliency Maps",
 * https://arxiv.org/abs/1810.03292.
 */
export const guidedBackprop: AttributionMethod = {
  title: 'Guided backpropagation',
  scoresAre: 'slopes',
  reading:
    'Each score is the slope of the explained value, counting only paths on which every ReLU is active and pushes upwards. The pictures hardly depend on the class: compare them with another method before believing them.',
  paperIds: ['springenberg2014', 'qin2018', 'adebayo2018'],
  usesBaseline: false,
  passesPerRow: () => passesPerGradient,
  attribute: async (problem) => {
    const { scores, withoutRule } = await localScores(problem, { backward: rectifiedPass('guided') });
    return { scores, isComplete: false, withoutRule, findings: rectifierFindings(withoutRule) };
  },
};
