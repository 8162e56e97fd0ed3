import { createRandom } from '../src/base/random.js';
import { GraphBuilder } from '../src/engine/graph/graphBuilder.js';
import type { Model } from '../src/onnx/model.js';
import { float32Tensor } from '../src/onnx/tensorValue.js';

/** Returns a model shaped like ResNet-18 (BatchNorm folded) with seeded random weights: `x` [N, 3, S, S] → `logits`. */
export function resnet18(): Model {
  const builder = new GraphBuilder(noModel());
  const random = createRandom(18);
  let layerCount = 0;
  const conv = (input: string, [from, to]: [number, number], kernel: number, stride: number): string => {
    const name = `conv${layerCount++}`;
    const scale = Math.sqrt(2 / (from * kernel * kernel));
    const weights = Float32Array.from({ length: to * from * kernel * kernel }, () => random.normal() * scale);
    const weight = builder.constant(float32Tensor(weights, [to, from, kernel, kernel]), `${name}.weight`);
    const bias = builder.constant(
      float32Tensor(
        Array.from({ length: to }, () => random.normal() * 0.1),
        [to],
      ),
      `${name}.bias`,
    );
    const pad = Math.floor(kernel / 2);
    return builder.node('Conv', [input, weight, bias], {
      attributes: { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] },
      name: `/${name}/Conv`,
    });
  };
  const relu = (input: string): string => builder.node('Relu', [input], { name: `/relu${layerCount}/Relu` });
  const block = (input: string, [from, to]: [number, number], stride: number): string => {
    const inner = relu(conv(input, [from, to], 3, stride));
    const outer = conv(inner, [to, to], 3, 1);
    const skip = from === to ? input : conv(input, [from, to], 1, stride);
    return relu(builder.node('Add', [outer, skip]));
  };
  builder.addInput('x', { kind: 'tensor', elementType: 'float32', shape: ['N', 3, 'S', 'S'] });
  let value = relu(conv('x', [3, 64], 7, 2));
  value = builder.node('MaxPool', [value], {
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  });
  for (const [from, to] of [
    [64, 64],
    [64, 128],
    [128, 256],
    [256, 512],
  ] as [number, number][]) {
    value = block(value, [from, to], from === to ? 1 : 2);
    value = block(value, [to, to], 1);
  }
  const pooled = builder.node('Flatten', [builder.node('GlobalAveragePool', [value])]);
  const weights = Float32Array.from({ length: 512 * 1000 }, () => random.normal() * 0.05);
  const weight = builder.constant(float32Tensor(weights, [512, 1000]), 'fc.weight');
  builder.addOutput(builder.node('Gemm', [pooled, weight], { outputs: ['logits'], name: '/fc/Gemm' }));
  return builder.build();
}

function noModel(): Model {
  return {
    file: { path: '', realPath: '', fileSizeBytes: 0, sizeBytes: 0, externalPaths: [] },
    irVersion: 8,
    opsets: new Map([['', 17]]),
    producerName: 'bench',
    producerVersion: '',
    domain: '',
    modelVersion: 1,
    metadata: new Map(),
    functions: [],
    warnings: [],
    graph: {
      name: 'resnet18',
      inputs: [],
      outputs: [],
      nodes: [],
      initializers: new Map(),
      sparseInitializers: [],
      valueInfo: new Map(),
      metadata: new Map(),
    },
  };
}
