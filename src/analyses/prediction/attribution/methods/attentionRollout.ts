import {
  identityMatrix,
  matrixProduct,
  meanOverHeads,
  withResidual,
} from '../../../shared/attention/tokenMatrix.js';
import { attentionLayers } from '../attentionLayers.js';
import { rowPoints } from '../points.js';
import type { AttributionMethod } from '../problem.js';
import { tokenAttributions } from '../tokenRelevance.js';

/**
 * Attention rollout: W_L · … · W_1 with W_l = ½ · mean over heads of A_l + ½ · I, rows scaled to sum to 1: where each token
 * of the last layer looks in the input, when attention is followed through all layers.
 *
 * Assumes that a token's residual stream and what attention adds to it weigh the same, that heads do, and that the parts
 * between attention layers mix nothing. It knows no target: it says what was looked at, not what it did to the
 * prediction, and needs no gradient. High: much of what reaches the token (`query`) came from here. Scores sum to 1.
 *
 * Source: Abnar & Zuidema (2020), "Quantifying Attention Flow in Transformers", https://arxiv.org/abs/2005.00928.
 */
export const attentionRollout: AttributionMethod = {
  title: 'Attention rollout',
  scoresAre: 'places',
  reading:
    'Each score is the share of what reaches the end that came from this token, when attention is followed through all layers. It is the same for every target.',
  paperIds: ['abnar2020'],
  readsAttention: true,
  usesBaseline: false,
  passesPerRow: () => 1,
  attribute: async (problem) => {
    const { inputs, rows, model } = problem;
    const found = attentionLayers(model, rows.feeds);
    const { layers, tokenCount } = found;
    const matrices = rows.ids.map(() => identityMatrix(tokenCount));
    const field = problem.open({ coordinates: inputs, sites: layers });
    problem.expect(rows.count);
    await field.observe(rowPoints(inputs, rows.count), ({ point, value }) => {
      const mean = meanOverHeads(tokenCount, { attention: value, gradient: [] }, (attention) => attention);
      const mixed = withResidual(mean, tokenCount);
      matrices[point] = matrixProduct(mixed, matrices[point] ?? mixed, tokenCount);
    });
    return tokenAttributions(problem, found, matrices);
  },
};
