import { identityMatrix, matrixProduct, meanOverHeads } from '../../../shared/attention/tokenMatrix.js';
import { attentionLayers } from '../attentionLayers.js';
import { passesPerGradient } from '../passes.js';
import { rowPoints } from '../points.js';
import type { AttributionMethod } from '../problem.js';
import { tokenAttributions } from '../tokenRelevance.js';

/**
 * Gradient-weighted attention: R ← R + mean over heads of (∂f/∂A_l ⊙ A_l)⁺ · R, layer by layer from R = I.
 *
 * Assumes that tokens mix by attention alone, and that only attention which raises the explained value counts. Unlike
 * rollout it knows the target. High: attention to this token, through all layers, speaks for the target at the token
 * (`query`). Scores do not add up to the prediction; a token's own part starts at 1.
 *
 * Source: Chefer, Gur & Wolf (2021), "Generic Attention-model Explainability for Interpreting Bi-Modal and
 * Encoder-Decoder Transformers", https://arxiv.org/abs/2103.15679. Differs: self-attention only.
 */
export const attentionGradient: AttributionMethod = {
  title: 'Gradient-weighted attention',
  scoresAre: 'places',
  reading:
    'Each score says how much attention to this token, followed through all layers, raises the explained value; the token that is asked about has 1 to start with.',
  paperIds: ['chefer2021', 'abnar2020'],
  readsAttention: true,
  usesBaseline: false,
  passesPerRow: () => passesPerGradient,
  attribute: async (problem) => {
    const { inputs, rows, model } = problem;
    const found = attentionLayers(model, rows.feeds);
    const { layers, tokenCount } = found;
    const matrices = rows.ids.map(() => identityMatrix(tokenCount));
    const field = problem.open({ coordinates: inputs, sites: layers });
    problem.expect(rows.count);
    await field.gradientsAndValues(rowPoints(inputs, rows.count), ({ point, value, gradient }) => {
      const weighted = meanOverHeads(tokenCount, { attention: value, gradient }, (attention, slope) =>
        Math.max(0, attention * slope),
      );
      const matrix = matrices[point];
      if (matrix === undefined) return;
      const added = matrixProduct(weighted, matrix, tokenCount);
      for (const [i, value] of added.entries()) matrix[i] = (matrix[i] ?? 0) + value;
    });
    return tokenAttributions(problem, found, matrices);
  },
};
