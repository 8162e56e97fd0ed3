import type { AttributionMethod } from '../problem.js';
import { relevanceFacts, relevances, smallestSum } from '../relevance.js';

/**
 * LRP-γ: shares by weights whose helpful part is strengthened, w + γw⁺: R_j = Σ_k a_j(w_jk + γw⁺_jk) / Σ_j(…) · R_k; for
 * negative inputs or sums the other part is.
 *
 * Assumes that what speaks for a unit explains it better than what speaks against it. γ = 0 is LRP-0, large γ comes to
 * LRP-α1β0. High: the element speaks for the target. Scores add up to f(x) but for what biases take.
 *
 * Source: Montavon et al. (2019), "Layer-Wise Relevance Propagation: An Overview",
 * https://doi.org/10.1007/978-3-030-28954-6_10. Differs: the bias stays as it is, as in Captum; the source and Zennit
 * strengthen it too, which takes more relevance away (lrp-composite does). The form for negative inputs is Zennit's.
 */
export const lrpGamma: AttributionMethod = {
  ...relevanceFacts,
  title: 'LRP-γ',
  scoresAre: 'shares',
  reading:
    'Each score is the relevance that reached the element: its share of the explained value, with what speaks for a unit favoured over what speaks against it.',
  paperIds: ['bach2015', 'becker2018', 'montavon2019'],
  attribute: (problem) => {
    const rule = {
      kind: 'gamma',
      gamma: problem.settings.gamma,
      epsilon: smallestSum,
      isBiasStrengthened: false,
    } as const;
    return relevances(problem, { convolution: rule, dense: rule, poolEpsilon: 0 });
  },
};
