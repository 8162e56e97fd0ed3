import { rectifiedPass } from '../../../../engine/relevance/rectifiedPass.js';
import { localScores } from '../localScores.js';
import { passesPerGradient } from '../passes.js';
import type { AttributionMethod } from '../problem.js';
import { rectifierFindings } from '../rectifierFindings.js';

/**
 * DeconvNet: the gradient, but every ReLU passes back max(g, 0), whether it was active or not; max-pooling passes it to
 * the place of the maximum (the paper's switches).
 *
 * Assumes a network of rectifiers and max-pooling. High: the pattern that would excite the target has something here. The
 * input only enters through the switches, so a network without max-pooling shows nearly the same picture for all inputs.
 * Scores do not add up to the prediction.
 *
 * Source: Zeiler & Fergus (2013), "Visualizing and Understanding Convolutional Networks",
 * https://arxiv.org/abs/1311.2901.
 */
export const deconvnet: AttributionMethod = {
  title: 'DeconvNet',
  scoresAre: 'slopes',
  reading:
    'Each score shows the pattern that the explained value projects back to, with what pushes downwards cut off at every ReLU. The pictures hardly depend on the class: compare them with another method before believing them.',
  paperIds: ['zeiler2013', 'qin2018', 'adebayo2018'],
  usesBaseline: false,
  passesPerRow: () => passesPerGradient,
  attribute: async (problem) => {
    const { scores, withoutRule } = await localScores(problem, { backward: rectifiedPass('deconvnet') });
    return { scores, isComplete: false, withoutRule, findings: rectifierFindings(withoutRule) };
  },
};
