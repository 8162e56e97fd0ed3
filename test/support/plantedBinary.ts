import { createRandom } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType, normalTensor } from './modelBuilder.js';

/** Times E[x³] of each instance and channel: the thresholds of the second layer. */
export const plantedScale = 0.2;

/** Thresholds of the last binarised layer: no output reaches the third. */
export const plantedThresholds = [0.5, -0.5, 1e6, 0, 1] as const;

/**
 * Three binarised layers: `conv1` by Sign; `conv2` by Sign after thresholds that each instance sets, 0.2 · E[x³]; `fc` by a
 * comparison with a constant for each unit, cast to numbers. What is binarised is called `pre1`, `pre2` and `pre3`.
 */
export function binaryModel(size = 4): Model {
  const builder = new GraphBuilder(emptyModel());
  const random = createRandom(11);
  const weight = (name: string, ...dims: number[]): string =>
    builder.constant(normalTensor(random, dims), name);
  builder.addInput('x', floatType('N', 2, size, size));
  builder.node('Conv', ['x', weight('conv1.weight', 3, 2, 1, 1), weight('conv1.bias', 3)], {
    outputs: ['pre1'],
    name: '/conv1/Conv',
  });
  const first = builder.node('Sign', ['pre1']);
  builder.node('Conv', [first, weight('conv2.weight', 4, 3, 3, 3), weight('conv2.bias', 4)], {
    attributes: { pads: [1, 1, 1, 1] },
    outputs: ['pre2'],
    name: '/conv2/Conv',
  });
  const cubes = builder.node('Mul', [builder.node('Mul', ['pre2', 'pre2']), 'pre2']);
  const mean = builder.node('ReduceMean', [cubes], { attributes: { axes: [2, 3], keepdims: 1 } });
  builder.node('Mul', [mean, builder.scalar(plantedScale)], { outputs: ['threshold2'] });
  const second = builder.node('Sign', [builder.node('Sub', ['pre2', 'threshold2'])]);
  const pooled = builder.node('GlobalAveragePool', [second]);
  const flat = builder.node('Flatten', [pooled]);
  builder.node('Gemm', [flat, weight('fc.weight', 4, 5), weight('fc.bias', 5)], {
    outputs: ['pre3'],
    name: '/fc/Gemm',
  });
  const limits = builder.constant(float32Tensor([...plantedThresholds], [5]), 'limits');
  const bits = builder.cast(builder.node('GreaterOrEqual', ['pre3', limits]), 1);
  builder.node('Gemm', [bits, weight('head.weight', 5, 3), weight('head.bias', 3)], {
    outputs: ['logits'],
    name: '/head/Gemm',
  });
  builder.addOutput('logits', floatType('N', 3));
  return builder.build();
}

/** Returns seeded images [N, 2, size, size], each with a mean of its own. */
export function binaryInput(sampleCount: number, size = 4): TensorValue {
  const random = createRandom(12);
  const data = new Float32Array(sampleCount * 2 * size * size);
  for (let i = 0; i < sampleCount; i++) {
    const shift = random.normal();
    for (let at = 0; at < 2 * size * size; at++) data[i * 2 * size * size + at] = shift + random.normal();
  }
  return float32Tensor(data, [sampleCount, 2, size, size]);
}
