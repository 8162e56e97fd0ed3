import type { Random } from '../../src/base/random.js';
import { type AttributeInput, GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model, ValueType } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor } from '../../src/onnx/tensorValue.js';

// Untrained networks as PyTorch would export them: weights `fc1.weight`, nodes `/fc1/Gemm`; dots of names are scopes.

/** A network being laid layer by layer: `value` is the output of what was laid so far. */
export interface Network {
  readonly builder: GraphBuilder;
  readonly random: Random;
  value: string;
}

/** Starts a network with one float32 input `image` [N, …shape]. */
export function startNetwork(name: string, inputShape: readonly number[], random: Random): Network {
  return startWith(name, { input: 'image', type: floatType(['N', ...inputShape]) }, random);
}

/** Starts a network with one input. */
export function startWith(
  name: string,
  { input, type }: { readonly input: string; readonly type: ValueType },
  random: Random,
): Network {
  const builder = new GraphBuilder(emptyModel(name));
  return { builder, random, value: builder.addInput(input, type) };
}

/** Returns a model without nodes. */
export function emptyModel(name: string): Model {
  const metadata = new Map<string, string>();
  return {
    file: { path: '', realPath: '', fileSizeBytes: 0, sizeBytes: 0, externalPaths: [] },
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
}

/** Ends the network at an output named `logits` [N, classCount]. */
export function finishNetwork(network: Network, classCount: number): Model {
  return finishAt(network, 'logits', ['N', classCount]);
}

/** Ends the network at an output. */
export function finishAt(network: Network, output: string, shape: readonly (number | string)[]): Model {
  network.builder.node('Identity', [network.value], { outputs: [output], name: '/Identity' });
  network.builder.addOutput(output, floatType(shape));
  return network.builder.build();
}

/** A convolution's shape; without `bias: false` it has one. */
export interface ConvShape {
  readonly in: number;
  readonly out: number;
  readonly size: number;
  readonly stride?: number;
  readonly bias?: boolean;
}

/** Lays `nn.Conv2d(in, out, size, stride, padding=size // 2)`. */
export function layConv(network: Network, name: string, shape: ConvShape): void {
  const { size, stride = 1 } = shape;
  const fanIn = shape.in * size * size;
  const weight = parameter(network, `${name}.weight`, [shape.out, shape.in, size, size], fanIn);
  const biases = shape.bias === false ? [] : [parameter(network, `${name}.bias`, [shape.out], fanIn)];
  const pad = Math.floor(size / 2);
  lay(network, { opType: 'Conv', name }, [weight, ...biases], {
    kernel_shape: [size, size],
    pads: [pad, pad, pad, pad],
    strides: [stride, stride],
  });
}

/** Lays `nn.Linear(in, out)` on [N, in]. */
export function layLinear(network: Network, name: string, shape: { in: number; out: number }): void {
  const weight = parameter(network, `${name}.weight`, [shape.out, shape.in], shape.in);
  const bias = parameter(network, `${name}.bias`, [shape.out], shape.in);
  lay(network, { opType: 'Gemm', name }, [weight, bias], { transB: 1 });
}

/** Lays `nn.BatchNorm2d(channels)`. */
export function layBatchNorm(network: Network, name: string, channels: number): void {
  const filled = (suffix: string, value: number): string =>
    constant(network, `${name}.${suffix}`, new Float32Array(channels).fill(value), [channels]);
  const operands = [
    filled('weight', 1),
    filled('bias', 0),
    filled('running_mean', 0),
    filled('running_var', 1),
  ];
  lay(network, { opType: 'BatchNormalization', name }, operands, {
    epsilon: { kind: 'float', value: 1e-5 },
    momentum: { kind: 'float', value: 0.9 },
  });
}

/** Lays `nn.ReLU()`. */
export function layRelu(network: Network, name: string): void {
  lay(network, { opType: 'Relu', name }, [], {});
}

/** Lays `nn.Sigmoid()`. */
export function laySigmoid(network: Network, name: string): void {
  lay(network, { opType: 'Sigmoid', name }, [], {});
}

/** Lays `nn.MaxPool2d(2)`. */
export function layMaxPool(network: Network, name: string): void {
  lay(network, { opType: 'MaxPool', name }, [], { kernel_shape: [2, 2], strides: [2, 2] });
}

/** Lays `nn.AdaptiveAvgPool2d(1)`. */
export function layGlobalPool(network: Network, name: string): void {
  lay(network, { opType: 'GlobalAveragePool', name }, [], {});
}

/** Lays `nn.Flatten()`. */
export function layFlatten(network: Network, name: string): void {
  lay(network, { opType: 'Flatten', name }, [], { axis: 1 });
}

/** Lays an operator of a module's own code, such as a sum, with further operands; `name` is the module. */
export function layOperator(
  network: Network,
  { opType, name }: { readonly opType: string; readonly name: string },
  operands: readonly string[],
): void {
  lay(network, { opType, name }, operands, {});
}

/** Adds integers that an operator reads. */
export function int64s(network: Network, values: readonly number[]): string {
  return network.builder.constant(int64Tensor(values, [values.length]));
}

/** Lays a node; its value and the given operands are its inputs. */
export function lay(
  network: Network,
  { opType, name }: { readonly opType: string; readonly name: string },
  operands: readonly string[],
  attributes: Readonly<Record<string, AttributeInput>>,
): void {
  const path = `${name === '' ? '' : `/${name.replaceAll(/\.(?!\d)/gu, '/')}`}/${opType}`;
  const output = network.builder.freshName(`${path}_output_0`);
  network.value = network.builder.node(opType, [network.value, ...operands], {
    attributes,
    outputs: [output],
    name: output.replace('_output_0', ''),
  });
}

/** Adds weights drawn from U(−1/√fanIn, 1/√fanIn), PyTorch's default for Linear and Conv2d. */
export function parameter(network: Network, name: string, dims: readonly number[], fanIn: number): string {
  const bound = 1 / Math.sqrt(fanIn);
  const count = dims.reduce((product, dim) => product * dim, 1);
  const data = Float32Array.from({ length: count }, () => (2 * network.random.next() - 1) * bound);
  return network.builder.constant(float32Tensor(data, dims), name);
}

/** Adds weights drawn from a normal distribution. */
export function normalParameter(
  network: Network,
  name: string,
  dims: readonly number[],
  deviation: number,
): string {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const data = Float32Array.from({ length: count }, () => network.random.normal() * deviation);
  return constant(network, name, data, dims);
}

/** Adds numbers under a name of their own, even where equal ones are there. */
export function constant(
  network: Network,
  name: string,
  data: Float32Array,
  dims: readonly number[],
): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return network.builder.initializer({
    name,
    elementType: 'float32',
    dims,
    source: { kind: 'inline', bytes },
  });
}

/** Returns a float32 tensor type. */
export function floatType(shape: readonly (number | string)[]): ValueType {
  return { kind: 'tensor', elementType: 'float32', shape };
}
