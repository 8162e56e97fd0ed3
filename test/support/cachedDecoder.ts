import { createRandom } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { int64Tensor } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType, normalTensor } from './modelBuilder.js';

/** Tokens and places that the cached decoder knows. */
export const cachedVocabulary = 11;
const width = 4;

/**
 * Returns a decoder of one head of attention that takes earlier keys and values and hands them back, as Optimum exports them;
 * `present` is what its outputs are called.
 */
export function cachedDecoder(present = 'present'): Model {
  const builder = new GraphBuilder(emptyModel());
  const random = createRandom(9);
  const ids = { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] } as const;
  builder.addInput('input_ids', ids);
  builder.addInput('attention_mask', { ...ids, shape: ['N', 'all'] });
  builder.addInput('position_ids', ids);
  const weight = (name: string, rows: number, columns: number): string =>
    builder.constant(normalTensor(random, [rows, columns], 1.2), name);
  const embedded = builder.node('Add', [
    builder.node('Gather', [weight('embed.weight', cachedVocabulary, width), 'input_ids']),
    builder.node('Gather', [weight('position.weight', 64, width), 'position_ids']),
  ]);
  const number = (value: number): string => builder.constant(int64Tensor([value], []));
  const one = builder.int64s([1]);
  const part = (name: string): string =>
    builder.node('Unsqueeze', [
      builder.node('MatMul', [embedded, weight(`${name}.weight`, width, width)]),
      one,
    ]);
  const cached = (name: string): { past: string; all: string } => {
    const past = builder.addInput(`past_key_values.0.${name}`, floatType('N', 1, 'past', width));
    const all = builder.node('Concat', [past, part(name)], {
      attributes: { axis: 2 },
      outputs: [`${present}.0.${name}`],
    });
    builder.addOutput(all, floatType('N', 1, 'all', width));
    return { past, all };
  };
  const [keys, values] = [cached('key'), cached('value')];
  const sizeOf = (value: string): string =>
    builder.node('Gather', [builder.node('Shape', [value]), number(2)]);
  const range = (from: string, axis: number): string =>
    builder.node('Unsqueeze', [
      builder.node('Range', [from, sizeOf(keys.all), number(1)]),
      builder.int64s([axis]),
    ]);
  const isSeen = builder.node('LessOrEqual', [range(number(0), 0), range(sizeOf(keys.past), 1)]);
  const transposed = builder.node('Transpose', [keys.all], { attributes: { perm: [0, 1, 3, 2] } });
  const scores = builder.node('MatMul', [part('query'), transposed]);
  const shares = builder.node('Softmax', [builder.node('Where', [isSeen, scores, builder.scalar(-1e9)])]);
  const mixed = builder.node('Squeeze', [builder.node('MatMul', [shares, values.all]), one]);
  const stream = builder.node('Add', [embedded, mixed]);
  const logits = builder.node('MatMul', [stream, weight('head.weight', width, cachedVocabulary)], {
    outputs: ['logits'],
  });
  builder.addOutput(logits, floatType('N', 'T', cachedVocabulary));
  return builder.build();
}
