import { expectedGradients as expected, expectedGradientsFacts } from '../expectedGradients.js';
import type { AttributionMethod } from '../problem.js';

/**
 * Expected gradients: the mean of (xᵢ − bᵢ) · ∂f/∂xᵢ (b + α (x − b)) over draws of a baseline b from the background and of
 * α ~ U(0, 1): integrated gradients averaged over many baselines, each looked at in one place.
 *
 * Assumes that the background stands for "nothing in particular" in your data, and that straight paths from it mean
 * something to the model. In the limit the scores of a row add up to f(x) − mean f(b); the completeness error and the
 * standard errors say how far the draws are from it. High: the element lifted the prediction above the background's.
 *
 * With a layer the scores are the layer's: the path runs between its values (`path=layer`), or on the input's straight path
 * with the gradient taken at the layer (`path=input`, as Captum's layer version does; it need not add up).
 *
 * Source: Erion, Janizek, Sturmfels, Lundberg & Lee (2019), "Improving performance of deep learning models with axiomatic
 * attribution priors and expected gradients", https://arxiv.org/abs/1906.10670.
 */
export const expectedGradients: AttributionMethod = {
  ...expectedGradientsFacts,
  title: 'Expected gradients',
  scoresAre: 'shares',
  reading:
    'Each score is the element’s share of f(x) − mean f(background), estimated from random points between the row and the background.',
  paperIds: ['erion2019', 'sundararajan2017'],
  attribute: (problem) => expected(problem),
};
