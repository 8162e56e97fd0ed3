import type { LayerRules } from '../../../../engine/relevance/lrp/layerRule.js';
import type { AttributionMethod, Problem } from '../problem.js';
import { relevanceFacts, relevances } from '../relevance.js';

/**
 * LRP by a composite: epsilon-plus takes LRP-α1β0 for convolutions and LRP-ε for dense layers; epsilon-gamma-box takes
 * LRP-γ for convolutions, LRP-ε for dense layers, and for the first convolution the box rule
 * R_j ∝ x_j·w_jk − low·w⁺_jk − high·w⁻_jk, which counts from the least that a pixel could add.
 *
 * Assumes what its rules do, each where it holds best: weak evidence is damped near the output, noise in the maps below.
 * `low` and `high` are the range of valid inputs, by default of the explained rows. High: the element speaks for the
 * target. Scores add up to f(x) but for what biases and ε take.
 *
 * Source: Montavon et al. (2019), "Layer-Wise Relevance Propagation: An Overview",
 * https://doi.org/10.1007/978-3-030-28954-6_10; Anders et al. (2021), "Software for Dataset-wide XAI: From Local
 * Explanations to Global Insights with Zennit, CoRelAy, and ViRelAy", https://arxiv.org/abs/2106.13200. Differs: starts
 * from the explained value, where Zennit is usually given 1.
 */
export const lrpComposite: AttributionMethod = {
  ...relevanceFacts,
  title: 'LRP (composite)',
  scoresAre: 'shares',
  reading:
    'Each score is the relevance that reached the element, handed down by another rule in each kind of layer.',
  paperIds: ['bach2015', 'becker2018', 'montavon2019', 'anders2021'],
  attribute: (problem) => relevances(problem, compositeRules(problem)),
};

/** ε unless it is set: only keeps sums from 0. */
const defaultEpsilon = 1e-6;

function compositeRules({ settings, inputs }: Problem): LayerRules {
  const epsilon = settings.epsilon ?? defaultEpsilon;
  const dense = { kind: 'epsilon', epsilon } as const;
  if (settings.composite === 'epsilon-plus') {
    return { convolution: { kind: 'alpha-beta', alpha: 1, epsilon }, dense, poolEpsilon: 0 };
  }
  const range = rangeOf(inputs.map(({ elements }) => elements));
  return {
    convolution: { kind: 'gamma', gamma: settings.gamma, epsilon, isBiasStrengthened: true },
    dense,
    first: { kind: 'box', low: settings.low ?? range.low, high: settings.high ?? range.high, epsilon },
    poolEpsilon: 0,
  };
}

function rangeOf(arrays: readonly Float32Array[]): { readonly low: number; readonly high: number } {
  let [low, high] = [Infinity, -Infinity];
  for (const array of arrays) {
    for (const value of array) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return { low, high };
}
