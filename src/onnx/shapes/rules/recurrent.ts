import { type Dimension, intAttribute, stringAttribute } from '../../model.js';
import { product } from '../dimensions.js';
import { type InferRule, like, type RuleEntries, shapeOf } from '../rule.js';

/** Outputs: all steps `[T, D, B, H]`, last hidden state `[D, B, H]`, for LSTM also the last cell state. */
function recurrent(gateCount: number): InferRule {
  return (view) => {
    const { node } = view;
    const data = shapeOf(view, 0);
    const weight = shapeOf(view, 1);
    const directions =
      stringAttribute(node, 'direction', 'forward').toLowerCase() === 'bidirectional' ? 2 : 1;
    const rows = weight?.[1];
    const fromWeight: Dimension = typeof rows === 'number' ? rows / gateCount : null;
    const given = intAttribute(node, 'hidden_size', 0);
    const hidden = shapeOf(view, 2)?.[2] ?? (given > 0 ? given : fromWeight);
    const isBatchFirst = intAttribute(node, 'layout', 0) === 1;
    const steps = data?.[isBatchFirst ? 1 : 0] ?? null;
    const batch = data?.[isBatchFirst ? 0 : 1] ?? null;
    const all = isBatchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];
    const last = isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
    return [like(view, 0, all), like(view, 0, last), like(view, 0, last)];
  };
}

/** Attention over `[B, T, heads · width]` or `[B, heads, T, width]`. */
const attention: InferRule = (view) => {
  const query = shapeOf(view, 0);
  const values = shapeOf(view, 2);
  if (query === null || values === null) return [like(view, 0, null)];
  if (query.length === 4) return [like(view, 0, [...query.slice(0, 3), values[3] ?? null])];
  const heads = intAttribute(view.node, 'q_num_heads', 0);
  const valueHeads = intAttribute(view.node, 'kv_num_heads', 0);
  const width = values[2];
  const perHead = typeof width === 'number' && valueHeads > 0 ? width / valueHeads : null;
  return [like(view, 0, [...query.slice(0, 2), product([perHead, heads])])];
};

/** Recurrent layers and ai.onnx attention. */
export const recurrentRules: RuleEntries = [
  ['RNN', recurrent(1)],
  ['GRU', recurrent(3)],
  ['LSTM', recurrent(4)],
  ['Attention', attention],
  ['RotaryEmbedding', (view) => [like(view, 0, shapeOf(view, 0))]],
];
