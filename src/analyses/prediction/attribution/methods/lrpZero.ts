import type { AttributionMethod } from '../problem.js';
import { relevanceFacts, relevances } from '../relevance.js';

/**
 * LRP-0: every layer hands its relevance to its inputs by their share of the sum, R_j = Σ_k a_j·w_jk / z_k · R_k, with the
 * bias in z.
 *
 * Assumes that shares of a sum are meaningful, which they are not where large terms cancel. For a ReLU network it is
 * input × gradient. High: the element speaks for the target. The scores add up to f(x) but for what biases take; the
 * conservation error says how much that is, row by row. BatchNormalization counts as part of the layer before it;
 * normalisations over elements are taken for constant factors, products give half to each factor or all to the one that
 * is no gate, and max pooling gives all to the maximum.
 *
 * Source: Bach et al. (2015), "On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance
 * Propagation", https://doi.org/10.1371/journal.pone.0130140; Montavon et al. (2019), "Layer-Wise Relevance Propagation:
 * An Overview", https://doi.org/10.1007/978-3-030-28954-6_10.
 */
export const lrpZero: AttributionMethod = {
  ...relevanceFacts,
  title: 'LRP-0',
  scoresAre: 'shares',
  reading:
    'Each score is the relevance that reached the element: its share of the explained value, handed down layer by layer in proportion to what each input added.',
  paperIds: ['bach2015', 'becker2018', 'montavon2019'],
  attribute: (problem) => {
    const rule = { kind: 'epsilon', epsilon: 0 } as const;
    return relevances(problem, { convolution: rule, dense: rule, poolEpsilon: 0 });
  },
};
