import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor } from '../../src/onnx/tensorValue.js';
import { emptyModel } from './modelBuilder.js';

/** Items 0 … 11; item i is of topic i mod 4. */
export const itemCount = 12;

/** Topic of an item. */
export function topicOf(item: number): number {
  return item % 4;
}

/** Behaviours in a history. */
export const historyLength = 6;

/**
 * Returns a Deep Interest Network whose answer is known: `history` [N, 6] and `candidate` [N, 1] hold items, whose embeddings
 * say their topics; a local activation unit with Dice weighs each behaviour by whether its topic is the candidate's: 1.76
 * where it is, −0.24 elsewhere; `logit` [N, 1] is the weighted sum's product with the candidate.
 */
export function interestModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  const ids = { kind: 'tensor', elementType: 'int64' } as const;
  const history = builder.addInput('history', { ...ids, shape: ['N', historyLength] });
  const candidate = builder.addInput('candidate', { ...ids, shape: ['N', 1] });
  const topics = Array.from({ length: itemCount * 4 }, (_, i) =>
    i % 4 === topicOf(Math.floor(i / 4)) ? 1 : 0,
  );
  const table = builder.constant(float32Tensor(topics, [itemCount, 4]), 'item.weight');
  const behaviours = builder.node('Gather', [table, history]);
  const query = builder.node('Gather', [table, candidate]);
  const repeated = builder.node('Tile', [
    query,
    builder.constant(int64Tensor([1, historyLength, 1], [3]), 'repeats'),
  ]);
  const parts = [
    ...[repeated, behaviours, builder.node('Sub', [repeated, behaviours])],
    builder.node('Mul', [repeated, behaviours]),
  ];
  const features = builder.node('Concat', parts, { attributes: { axis: -1 } });
  // Only products count: s = 4 · (q · k) − 2.
  const kernel = Array.from({ length: 32 }, (_, i) => (i >= 24 ? 4 : 0));
  const product = builder.node('MatMul', [
    features,
    builder.constant(float32Tensor(kernel, [16, 2]), 'unit1.weight'),
  ]);
  const hidden = dice(
    builder,
    builder.node('Add', [product, builder.constant(float32Tensor([-2, -2], [2]), 'unit1.bias')]),
  );
  const weights = builder.node('MatMul', [
    hidden,
    builder.constant(float32Tensor([0.5, 0.5], [2, 1]), 'unit2.weight'),
  ]);
  const turned = builder.node('Transpose', [weights], { attributes: { perm: [0, 2, 1] } });
  const interest = builder.node('MatMul', [turned, behaviours]);
  const agreement = builder.node('Mul', [interest, query]);
  const logit = builder.reduce('ReduceSum', agreement, [2], false);
  builder.addOutput(builder.node('Identity', [logit], { outputs: ['logit'] }));
  return builder.build();
}

/** p(s) s + (1 − p(s)) α s with p = σ((s − 0) / 1) and α = 0.1. */
function dice(builder: GraphBuilder, s: string): string {
  const centred = builder.node('Sub', [s, builder.constant(float32Tensor([0, 0], [2]), 'dice.mean')]);
  const p = builder.node('Sigmoid', [
    builder.node('Mul', [centred, builder.constant(float32Tensor([1, 1], [2]), 'dice.rate')]),
  ]);
  const off = builder.node('Mul', [builder.node('Sub', [builder.scalar(1), p]), builder.scalar(0.1)]);
  return builder.node('Add', [builder.node('Mul', [off, s]), builder.node('Mul', [p, s])]);
}
