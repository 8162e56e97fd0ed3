import { createRandom, type Random } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Feeds } from '../../src/engine/runtime/session.js';
import { crossEntropy } from '../../src/engine/training/losses/crossEntropy.js';
import type { TrainingRequest } from '../../src/engine/training/train.js';
import { inlineValue } from '../../src/onnx/loadTensor.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor, toFloat64 } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType, normalTensor } from './modelBuilder.js';

/** Samples [N, 3] of two classes. */
export interface TestData {
  readonly inputs: Float32Array;
  readonly labels: readonly number[];
}

/** Seeded normal samples with random labels. */
export function testData(count: number, seed = 6): TestData {
  const random = createRandom(seed);
  return {
    inputs: Float32Array.from({ length: count * 3 }, () => random.normal()),
    labels: Array.from({ length: count }, () => random.integer(2)),
  };
}

/** `x` [N, 3] → Gemm `fc.weight` [2, 3], `fc.bias` → `logits`. */
export function linearModel(seed = 5): Model {
  const random = createRandom(seed);
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N', 3));
  const weight = builder.constant(normalTensor(random, [2, 3], 0.5), 'fc.weight');
  const bias = builder.constant(normalTensor(random, [2], 0.5), 'fc.bias');
  builder.node('Gemm', ['x', weight, bias], {
    attributes: { transB: 1 },
    outputs: ['logits'],
    name: '/fc/Gemm',
  });
  builder.addOutput('logits', floatType('N', 2));
  return builder.build();
}

/** The feeds of some samples. */
export function feedsOf(data: TestData, samples: Uint32Array): Feeds {
  const rows = [...samples];
  const inputs = rows.flatMap((row) => [...data.inputs.subarray(row * 3, row * 3 + 3)]);
  return {
    x: float32Tensor(inputs, [rows.length, 3]),
    labels: int64Tensor(
      rows.map((row) => data.labels[row]!),
      [rows.length],
    ),
  };
}

/** A request that trains every initializer of a model on labelled samples. */
export function requestFor(
  model: Model,
  data: TestData,
  rest: Pick<TrainingRequest, 'optimizer' | 'learningRate' | 'epochCount' | 'batchSize'> &
    Partial<TrainingRequest> & { readonly seed?: number },
): TrainingRequest {
  return {
    loss: crossEntropy({ logits: 'logits', classCount: 2 }),
    parameters: [...model.graph.initializers.keys()],
    sampleCount: data.labels.length,
    random: createRandom(rest.seed ?? 1),
    batch: (samples: Uint32Array, _random: Random) => feedsOf(data, samples),
    ...rest,
  };
}

/** The elements of an initializer. */
export function weightsOf(model: Model, name: string): Float64Array {
  return toFloat64(inlineValue(model.graph.initializers.get(name)!)!);
}
