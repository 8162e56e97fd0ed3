import { createRandom } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { int64Tensor, type TensorValue, toFloat64 } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType, normalTensor } from './modelBuilder.js';

/** What sets one tiny language model apart from another. */
export interface TinyLanguageOptions {
  /** Adds the mean over the row to every position, so that each sees what follows. */
  readonly seesAll?: boolean;
  /** Adds the input `attention_mask`, which no score depends on. */
  readonly hasMask?: boolean;
  /** Ends in a Softmax. */
  readonly isProbabilities?: boolean;
  /** Multiplies the scores. */
  readonly sharpness?: number;
  /** Repeats each score so often and takes their mean, to be slow. */
  readonly repeats?: number;
  /** [N, T] that it insists on. */
  readonly fixedShape?: readonly [number, number];
}

/** Tokens of the tiny model. */
export const tinyVocabulary = 7;

/** Returns a model that scores each next token by the token before it alone: `input_ids` [N, T] → `logits` [N, T, 7]. */
export function tinyLanguageModel(options: TinyLanguageOptions = {}): Model {
  const builder = new GraphBuilder(emptyModel());
  const type = { kind: 'tensor', elementType: 'int64', shape: options.fixedShape ?? ['N', 'T'] } as const;
  const ids = builder.addInput('input_ids', type);
  if (options.hasMask === true) builder.addInput('attention_mask', type);
  const random = createRandom(4);
  const table = builder.constant(
    normalTensor(random, [tinyVocabulary, tinyVocabulary], options.sharpness ?? 2),
    'head.weight',
  );
  let scores = builder.node('Gather', [table, ids], { name: '/head/Gather' });
  if (options.seesAll === true) {
    const mean = builder.node('ReduceMean', [scores], { attributes: { axes: [1], keepdims: 1 } });
    scores = builder.node('Add', [scores, mean]);
  }
  if (options.repeats !== undefined) {
    const column = builder.node('Unsqueeze', [scores, builder.int64s([3])]);
    const many = builder.node('Expand', [column, builder.int64s([1, 1, 1, options.repeats])]);
    scores = builder.node('ReduceMean', [many], { attributes: { axes: [3], keepdims: 0 } });
  }
  const isLast = options.isProbabilities !== true;
  let output = builder.node('Identity', [scores], isLast ? { outputs: ['logits'] } : {});
  if (!isLast) output = builder.node('Softmax', [output], { outputs: ['probabilities'] });
  builder.addOutput(output, floatType('N', 'T', tinyVocabulary));
  return builder.build();
}

/** Returns seeded rows of ids. */
export function tinyRows(rowCount: number, length: number, seed = 1): TensorValue {
  const random = createRandom(seed);
  const ids = Array.from({ length: rowCount * length }, () => Math.floor(random.next() * tinyVocabulary));
  return int64Tensor(ids, [rowCount, length]);
}

/** Returns Σ −log p of each next token and their number, from scores [N, T, V], in float64; both tokens must be unmasked. */
export function lossByHand(
  scores: TensorValue,
  ids: TensorValue,
  mask?: TensorValue,
): { sum: number; count: number } {
  const [rows = 0, length = 0, size = 0] = scores.dims;
  const values = toFloat64(scores);
  const tokens = toFloat64(ids);
  const flags = mask === undefined ? new Float64Array(tokens.length).fill(1) : toFloat64(mask);
  let sum = 0;
  let count = 0;
  for (let row = 0; row < rows; row++) {
    for (let at = row * length; at < (row + 1) * length - 1; at++) {
      if (flags[at] === 0 || flags[at + 1] === 0) continue;
      const own = values.subarray(at * size, (at + 1) * size);
      const largest = Math.max(...own);
      const total = own.reduce((all, score) => all + Math.exp(score - largest), 0);
      sum += largest + Math.log(total) - (own[tokens[at + 1] ?? -1] ?? NaN);
      count++;
    }
  }
  return { sum, count };
}
