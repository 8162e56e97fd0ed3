import { expectedGradients as expected, expectedGradientsFacts, inputAt } from '../expectedGradients.js';
import { gaussianNoise } from '../noiseTunnel.js';
import { rowOf } from '../points.js';
import type { AttributionMethod } from '../problem.js';
import { sampleCountOf } from '../sampled.js';

/**
 * GradientSHAP: expected gradients that end at a noisy copy x′ = x + ε of the row, ε ~ N(0, σ²): the mean of
 * (x′ᵢ − bᵢ) · ∂f/∂xᵢ (b + α (x′ − b)) over draws of b, α and ε.
 *
 * Assumes what expected gradients do, and that features are independent and the model is close to linear where it
 * claims to approximate SHAP values. The noise smooths the scores; with noise=0 this is expected-gradients. High: the
 * element lifted the prediction above the background's. Completeness error and standard errors are reported. A layer and its
 * path are those of expected-gradients.
 *
 * Source: Lundberg & Lee (2017), "A Unified Approach to Interpreting Model Predictions",
 * https://arxiv.org/abs/1705.07874; Erion et al. (2019), "Improving performance of deep learning models with axiomatic
 * attribution priors and expected gradients", https://arxiv.org/abs/1906.10670. Differs: the noise is relative to the
 * range of the row's values, as in SmoothGrad; Captum takes an absolute deviation, zero unless it is given.
 */
export const gradientShap: AttributionMethod = {
  ...expectedGradientsFacts,
  title: 'GradientSHAP',
  scoresAre: 'shares',
  reading:
    'Each score is the element’s share of f(x) − mean f(background), estimated from random points between noisy copies of the row and the background.',
  paperIds: ['lundberg2017', 'erion2019'],
  whyIncomplete: (settings) => ({
    severity: 'warning',
    reason: 'the paths end at noisy copies of the row, and are too few to average that out',
    advice: `Lower noise, or raise samples, e.g. samples=${String(sampleCountOf(settings) * 4)}; noise=0 is expected-gradients.`,
  }),
  attribute: (problem) => {
    const addNoise = gaussianNoise(problem);
    return expected(problem, (row, coordinate) => {
      const values = Float32Array.from(rowOf(inputAt(problem.inputs, coordinate), row));
      addNoise({ sample: 0, row, coordinate }, values);
      return values;
    });
  },
};
