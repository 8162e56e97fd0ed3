import type { Random } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model, ValueType } from '../../src/onnx/model.js';
import { float32Tensor } from '../../src/onnx/tensorValue.js';

// Untrained networks as PyTorch would export them: weights `fc1.weight`, nodes `/fc1/Gemm`.

/** A network being laid layer by layer: `value` is the output of what was laid so far. */
export interface Network {
  readonly builder: GraphBuilder;
  readonly random: Random;
  value: string;
}

/** Starts a network with one float32 input [N, …shape]. */
export function startNetwork(name: string, inputShape: readonly number[], random: Random): Network {
  const metadata = new Map<string, string>();
  const file = { path: '', realPath: '', fileSizeBytes: 0, sizeBytes: 0, externalPaths: [] };
  const empty: Model = {
    file,
    irVersion: 8,
    opsets: new Map([['', 17]]),
    producerName: 'neuron-inspector',
    producerVersion: '',
    domain: '',
    modelVersion: 0,
    metadata,
    functions: [],
    warnings: [],
    graph: {
      name,
      inputs: [],
      outputs: [],
      nodes: [],
      initializers: new Map(),
      sparseInitializers: [],
      valueInfo: new Map(),
      metadata,
    },
  };
  const builder = new GraphBuilder(empty);
  const value = builder.addInput('image', floatType(['N', ...inputShape]));
  return { builder, random, value };
}

/** Ends the network at an output named `logits` [N, classCount]. */
export function finishNetwork(network: Network, classCount: number): Model {
  network.builder.node('Identity', [network.value], { outputs: ['logits'], name: '/Identity' });
  network.builder.addOutput('logits', floatType(['N', classCount]));
  return network.builder.build();
}

/** Lays `nn.Conv2d(in, out, size, padding=size // 2)`. */
export function layConv(
  network: Network,
  name: string,
  shape: { in: number; out: number; size: number },
): void {
  const { size } = shape;
  const fanIn = shape.in * size * size;
  const weight = parameter(network, `${name}.weight`, [shape.out, shape.in, size, size], fanIn);
  const bias = parameter(network, `${name}.bias`, [shape.out], fanIn);
  const pad = Math.floor(size / 2);
  lay(network, { opType: 'Conv', name }, [weight, bias], {
    kernel_shape: [size, size],
    pads: [pad, pad, pad, pad],
    strides: [1, 1],
  });
}

/** Lays `nn.Linear(in, out)`. */
export function layLinear(network: Network, name: string, shape: { in: number; out: number }): void {
  const weight = parameter(network, `${name}.weight`, [shape.out, shape.in], shape.in);
  const bias = parameter(network, `${name}.bias`, [shape.out], shape.in);
  lay(network, { opType: 'Gemm', name }, [weight, bias], { transB: 1 });
}

/** Lays `nn.ReLU()`. */
export function layRelu(network: Network, name: string): void {
  lay(network, { opType: 'Relu', name }, [], {});
}

/** Lays `nn.MaxPool2d(2)`. */
export function layMaxPool(network: Network, name: string): void {
  lay(network, { opType: 'MaxPool', name }, [], { kernel_shape: [2, 2], strides: [2, 2] });
}

/** Lays `nn.Flatten()`. */
export function layFlatten(network: Network, name: string): void {
  lay(network, { opType: 'Flatten', name }, [], { axis: 1 });
}

function lay(
  network: Network,
  { opType, name }: { opType: string; name: string },
  weights: readonly string[],
  attributes: Record<string, number | number[]>,
): void {
  const output = network.builder.freshName(`/${name}/${opType}_output_0`);
  network.value = network.builder.node(opType, [network.value, ...weights], {
    attributes,
    outputs: [output],
    name: `/${name}/${opType}`,
  });
}

/** Adds weights drawn from U(−1/√fanIn, 1/√fanIn), PyTorch's default for Linear and Conv2d. */
function parameter(network: Network, name: string, dims: readonly number[], fanIn: number): string {
  const bound = 1 / Math.sqrt(fanIn);
  const count = dims.reduce((product, dim) => product * dim, 1);
  const data = Float32Array.from({ length: count }, () => (2 * network.random.next() - 1) * bound);
  return network.builder.constant(float32Tensor(data, dims), name);
}

function floatType(shape: readonly (number | string)[]): ValueType {
  return { kind: 'tensor', elementType: 'float32', shape };
}
