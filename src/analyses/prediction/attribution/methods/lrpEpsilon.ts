import type { AttributionMethod } from '../problem.js';
import { relevanceFacts, relevances } from '../relevance.js';

/** ε unless it is set: a small part of what units of a trained network hold. */
const defaultEpsilon = 0.01;

/**
 * LRP-ε: as LRP-0, but every sum is kept away from 0: R_j = Σ_k a_j·w_jk / (z_k + ε·sign z_k) · R_k.
 *
 * Assumes that units with a value of the order of ε carry nothing. Their relevance is lost: a larger ε gives sparser and
 * less noisy scores that add up to less of f(x); the conservation error says how much. High: the element speaks for the
 * target. ε acts at dense and convolution layers and at pools, as in Captum; otherwise as LRP-0.
 *
 * Source: Bach et al. (2015), "On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance
 * Propagation", https://doi.org/10.1371/journal.pone.0130140.
 */
export const lrpEpsilon: AttributionMethod = {
  ...relevanceFacts,
  title: 'LRP-ε',
  scoresAre: 'shares',
  reading:
    'Each score is the relevance that reached the element: its share of the explained value, with weak and contradictory contributions damped by ε at every layer.',
  paperIds: ['bach2015', 'becker2018', 'montavon2019'],
  attribute: (problem) => {
    const epsilon = problem.settings.epsilon ?? defaultEpsilon;
    const rule = { kind: 'epsilon', epsilon } as const;
    return relevances(problem, { convolution: rule, dense: rule, poolEpsilon: epsilon });
  },
};
