import type { Model, ValueType } from '../../src/onnx/model.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import { createRandom, type Random } from '../../src/base/random.js';
import { float32Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';

/** Returns a model without nodes, to build small test models on. */
export function emptyModel(opset = 17): Model {
  return {
    file: {
      path: '/test/model.onnx',
      realPath: '/test/model.onnx',
      fileSizeBytes: 0,
      sizeBytes: 0,
      externalPaths: [],
    },
    irVersion: 8,
    opsets: new Map([['', opset]]),
    producerName: 'test',
    producerVersion: '',
    domain: '',
    modelVersion: 1,
    metadata: new Map(),
    functions: [],
    warnings: [],
    graph: {
      name: 'test',
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

/** Returns a float32 tensor type. */
export function floatType(...shape: (number | string)[]): ValueType {
  return { kind: 'tensor', elementType: 'float32', shape };
}

/** Returns normal float32 numbers. */
export function normalTensor(random: Random, dims: readonly number[], scale = 1): TensorValue {
  const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; i++) data[i] = random.normal() * scale;
  return float32Tensor(data, dims);
}

/** Returns a seeded chain of dense layers, `act` after each but the last, named `fc1`, `fc1.act`, … */
export function denseModel(sizes: readonly number[], opType = 'Relu', seed = 1): Model {
  const builder = new GraphBuilder(emptyModel());
  const random = createRandom(seed);
  let value = builder.addInput('x', floatType('N', sizes[0]!));
  for (let i = 1; i < sizes.length; i++) {
    const weight = builder.constant(normalTensor(random, [sizes[i - 1]!, sizes[i]!], 0.7), `fc${i}.weight`);
    const bias = builder.constant(normalTensor(random, [sizes[i]!], 0.3), `fc${i}.bias`);
    const isLast = i === sizes.length - 1;
    const dense = isLast ? 'logits' : `fc${i}_out`;
    value = builder.node('Gemm', [value, weight, bias], { outputs: [dense], name: `/fc${i}/Gemm` });
    if (!isLast) {
      value = builder.node(opType, [value], { outputs: [`act${i}_out`], name: `/act${i}/${opType}` });
    }
  }
  builder.addOutput(value, floatType('N', sizes.at(-1)!));
  return builder.build();
}
