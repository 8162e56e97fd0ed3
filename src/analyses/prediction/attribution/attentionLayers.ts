import { UserError } from '../../../base/errors.js';
import { findAttentions } from '../../../onnx/blocks/attentions.js';
import { mainBlockContext } from '../../../onnx/blocks/findBlocks.js';
import type { Model } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import type { ExplainedTensor } from './problem.js';

/** The self-attention of a model: probabilities of every layer, `[N, heads, T, T]` or `[N · heads, T, T]`. */
export interface AttentionLayers {
  readonly layers: readonly ExplainedTensor[];
  readonly tokenCount: number;
}

/**
 * Returns the attention of a model whose probabilities are square in their last two axes, first layer first; attention across
 * two sequences is left out, since what it looks at is no token of this one.
 *
 * @throws UserError `no-attention` when there is none, or when layers differ in the number of tokens.
 */
export function attentionLayers(model: Model, feeds: Feeds): AttentionLayers {
  const inputShapes = Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims]));
  const types = inferTypes(model, { inputShapes });
  const layers: ExplainedTensor[] = [];
  for (const { probabilities } of findAttentions(mainBlockContext(model, types))) {
    const type = types.get(probabilities ?? '');
    if (probabilities === undefined || type?.kind !== 'tensor' || type.shape === null) continue;
    const dims = type.shape.filter((size): size is number => typeof size === 'number');
    const [rows, columns] = dims.slice(-2);
    if (dims.length !== type.shape.length || dims.length < 3 || rows !== columns) continue;
    layers.push({
      name: probabilities,
      value: probabilities,
      elementType: type.elementType,
      dims: dims.slice(1),
      channelAxis: undefined,
      elements: new Float32Array(),
    });
  }
  const counts = new Set(layers.map(({ dims }) => dims.at(-1)));
  const [tokenCount] = counts;
  if (tokenCount === undefined || counts.size > 1) throw noAttention(counts.size);
  return { layers, tokenCount };
}

function noAttention(sizeCount: number): UserError {
  return new UserError(
    'no-attention',
    sizeCount > 1
      ? 'The attention layers of this model differ in their number of tokens, so their maps cannot be multiplied. Use method=integrated-gradients.'
      : 'This model has no self-attention whose probabilities can be read: no Softmax of [N, heads, T, T] that is multiplied with values, and no fused attention that can be written out. Use method=integrated-gradients.',
  );
}
