import { createRandom } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from './modelBuilder.js';

const vocabulary = 7;
const noisyCount = 14;

/** Token that hides others, where one does. */
export const memoryMaskId = vocabulary - 1;

/**
 * Returns a language model of one feed-forward block that knows that token t + 1 follows t, or, where it reads behind, stands in front
 * of t: a unit for each token writes it, and
 * `noise` times as strong, fourteen further units write anything on every token.
 */
export function memoryModel(noise: number, readsBehind = false): Model {
  const builder = new GraphBuilder(emptyModel());
  const random = createRandom(21);
  const unitCount = vocabulary + noisyCount;
  builder.addInput('input_ids', { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] });
  const table = new Float32Array(vocabulary * vocabulary);
  const up = new Float32Array(vocabulary * unitCount);
  const down = new Float32Array(unitCount * vocabulary);
  for (let token = 0; token < vocabulary; token++) {
    table[token * vocabulary + token] = 1;
    up[token * unitCount + token] = 1;
    down[token * vocabulary + ((token + 1) % vocabulary)] = 3;
    for (let unit = vocabulary; unit < unitCount; unit++) up[token * unitCount + unit] = random.next();
  }
  for (let at = vocabulary * vocabulary; at < down.length; at++) down[at] = noise * random.normal();
  const embed = builder.constant(float32Tensor(table, [vocabulary, vocabulary]), 'embed.weight');
  const [first, last] = [builder.int64s([1]), builder.int64s([1000])];
  const read = readsBehind
    ? builder.node('Pad', [
        builder.node('Slice', ['input_ids', first, last, first]),
        builder.int64s([0, 0, 0, 1]),
      ])
    : 'input_ids';
  const stream = builder.node('Gather', [embed, read], { name: '/embed/Gather' });
  const fc1 = builder.constant(float32Tensor(up, [vocabulary, unitCount]), 'mlp.fc1.weight');
  const hidden = builder.node('MatMul', [stream, fc1], { name: '/mlp/fc1/MatMul' });
  const active = builder.node('Relu', [hidden], { name: '/mlp/act/Relu' });
  const fc2 = builder.constant(float32Tensor(down, [unitCount, vocabulary]), 'mlp.fc2.weight');
  builder.node('MatMul', [active, fc2], { outputs: ['logits'], name: '/mlp/fc2/MatMul' });
  builder.addOutput('logits', floatType('N', 'T', vocabulary));
  return builder.build();
}

/** Returns seeded rows in which token t + 1 mostly follows t. */
export function memoryRows(rowCount: number, length: number): TensorValue {
  const random = createRandom(22);
  const ids = new Array<number>(rowCount * length).fill(0);
  for (const at of ids.keys()) {
    const isGiven = at % length !== 0 && random.next() < 0.9;
    ids[at] = isGiven ? (ids[at - 1]! + 1) % vocabulary : random.integer(vocabulary);
  }
  return int64Tensor(ids, [rowCount, length]);
}
