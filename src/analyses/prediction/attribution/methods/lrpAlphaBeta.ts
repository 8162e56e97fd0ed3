import type { AttributionMethod } from '../problem.js';
import { relevanceFacts, relevances, smallestSum } from '../relevance.js';

/**
 * LRP-αβ: R_j = Σ_k (α (a_j·w_jk)⁺ / Σ_j (a_j·w_jk)⁺ − β (a_j·w_jk)⁻ / Σ_j (a_j·w_jk)⁻) R_k, β = α − 1, with the bias in
 * the sum of its sign.
 *
 * Assumes that a unit is explained by what speaks for it (and, with α > 1, in a fixed proportion by what speaks against
 * it). α = 1 gives no negative scores to a positive prediction. High: the element speaks for the target. Scores add up to
 * f(x) but for what biases take.
 *
 * Source: Bach et al. (2015), "On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance
 * Propagation", https://doi.org/10.1371/journal.pone.0130140. Differs: Captum's Alpha1_Beta0 clamps weights only and
 * leaves the bias negative, which is another rule. Where nothing speaks against a unit (α > 1), what speaks for it gets
 * α − β = 1 of its relevance and not α, so that it is conserved.
 */
export const lrpAlphaBeta: AttributionMethod = {
  ...relevanceFacts,
  title: 'LRP-αβ',
  scoresAre: 'shares',
  reading:
    'Each score is the relevance that reached the element: α of each unit’s relevance goes to what speaks for it, and α − 1 of it, negative, to what speaks against it.',
  paperIds: ['bach2015', 'becker2018', 'montavon2019'],
  attribute: (problem) => {
    const rule = { kind: 'alpha-beta', alpha: problem.settings.alpha, epsilon: smallestSum } as const;
    return relevances(problem, { convolution: rule, dense: rule, poolEpsilon: 0 });
  },
};
