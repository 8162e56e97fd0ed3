import { findAttentions, type FoundAttention } from '../attentions.js';
import type { BlockContext, BlockKind } from '../blockKind.js';
import { isOperator, nodesBetween } from '../walks.js';
import { behindShape, layerReading } from '../walks.js';

/** softmax(Q Kᵀ / √d + mask) V, fused or written out, with the projections around it. */
export const attention: BlockKind = {
  id: 'attention',
  limits:
    'A softmax (or hardmax) between two products of computed values, or an attention operator of ai.onnx or com.microsoft. Self-attention is told from cross-attention by where queries and keys come from. Linear attention without a softmax is not recognised.',
  papers: [
    { id: 'vaswani2017', title: 'Attention Is All You Need', url: 'https://arxiv.org/abs/1706.03762' },
    {
      id: 'chaudhari2019',
      title: 'An Attentive Survey of Attention Models',
      url: 'https://arxiv.org/abs/1904.02874',
    },
  ],
  rows: [],
  find: (context) =>
    findAttentions(context).map((found) => {
      const output = projectedOutput(context, found.output);
      const nodes = nodesBetween(context, found.sources, output) ?? new Set();
      nodes.add(found.anchor);
      return { nodes, output, variant: attentionWords(found) };
    }),
};

/** Returns a kind of attention in words: `self, 8 heads`. */
export function attentionWords({ relation, headCount, selection }: FoundAttention): string {
  const heads = headCount === undefined ? '' : headCount === 1 ? '1 head' : `${String(headCount)} heads`;
  return [relation, selection === 'hard' ? 'hard' : '', heads].filter((word) => word !== '').join(', ');
}

/** Returns the value behind the projection that joins the heads, if there is one. */
function projectedOutput(context: BlockContext, value: string): string {
  const projection = layerReading(context, value);
  const isProjection =
    projection?.kind === 'dense' &&
    behindShape(context.view, projection.input) === behindShape(context.view, value);
  return isProjection && isOperator(projection.nodes[0], 'MatMul', 'Gemm', 'com.microsoft:MatMulNBits')
    ? projection.output
    : value;
}
