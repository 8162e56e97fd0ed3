import { UserError } from '../../../base/errors.js';
import { indexGraph, type GraphIndex, topologicalOrder } from '../../../onnx/graphIndex.js';
import type { Model } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import type { ExplainedTensor } from './problem.js';

/** The self-attention of a model: probabilities of every layer, `[N, heads, T, T]` or `[N · heads, T, T]`. */
export interface AttentionLayers {
  readonly layers: readonly ExplainedTensor[];
  readonly tokenCount: number;
}

/** Operators between the probabilities and their product with the values. */
const passing = new Set(['Identity', 'Dropout', 'Cast', 'Reshape', 'Where', 'Transpose']);

/**
 * Finds the softmaxes whose result is multiplied with values and is square in its last two axes, first layer first.
 *
 * @throws UserError `no-attention` when there is none, or when layers differ in the number of tokens.
 */
export function attentionLayers(model: Model, feeds: Feeds): AttentionLayers {
  const order = topologicalOrder(model.graph);
  const nodes = order.kind === 'cycle' ? model.graph.nodes : order.nodes;
  const index = indexGraph(model.graph);
  const inputShapes = Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims]));
  const types = inferTypes(model, { inputShapes });
  const layers: ExplainedTensor[] = [];
  for (const { opType, domain, outputs } of nodes) {
    const [value = ''] = outputs;
    const type = types.get(value);
    if (opType !== 'Softmax' || domain !== '' || type?.kind !== 'tensor' || type.shape === null) continue;
    const dims = type.shape.filter((size): size is number => typeof size === 'number');
    const [rows, columns] = dims.slice(-2);
    const isSquare = dims.length === type.shape.length && dims.length >= 3 && rows === columns;
    if (!isSquare || !entersProduct(index, value)) continue;
    layers.push({
      name: value,
      value,
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

function entersProduct(index: GraphIndex, value: string): boolean {
  return index
    .consumersOf(value)
    .some(
      ({ opType, inputs, outputs }) =>
        (opType === 'MatMul' && inputs[0] === value) ||
        (passing.has(opType) && entersProduct(index, outputs[0] ?? '')),
    );
}

function noAttention(sizeCount: number): UserError {
  return new UserError(
    'no-attention',
    sizeCount > 1
      ? 'The attention layers of this model differ in their number of tokens, so their maps cannot be multiplied. Use method=integrated-gradients.'
      : 'This model has no self-attention whose probabilities can be read: no Softmax of [N, heads, T, T] that is multiplied with values. Fused attention operators hide theirs. Use method=integrated-gradients.',
  );
}
