import type { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import { float32Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';

/** Steps of the input, of weights and of results. */
export const step = 0.05;
const weightStep = 0.02;
export const resultStep = 0.1;

type Write = (builder: GraphBuilder, operands: Operands) => string;

/** What a quantised operator works on: levels with scale and zero point; scale and zero point of its result. */
export interface Operands {
  readonly x: readonly [levels: string, scale: string, zero: string];
  readonly result: readonly [scale: string, zero: string];
  /** The real x, for the real equivalent. */
  readonly real: string;
}

export interface QuantisedCase {
  readonly dims: readonly number[];
  readonly ours: Write;
  readonly real: Write;
  /** Whether the result is real already, and not levels. */
  readonly isReal?: boolean;
}

const options = { domain: 'com.microsoft' };
const numbers = [3, -7, 40, -25, 12, 60, -3, 18, 5, -44, 27, 9];
const weight = (dims: readonly number[]): TensorValue => ({
  dtype: 'int8',
  dims,
  data: Int8Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => numbers[i % numbers.length]!),
});

/** The weight as real numbers. */
function realWeight(builder: GraphBuilder, dims: readonly number[], by = weightStep): string {
  const data = Float32Array.from(weight(dims).data as Int8Array, (level) => level * by);
  return builder.constant(float32Tensor(data, dims));
}

export const scalar = (builder: GraphBuilder, value: number): string =>
  builder.constant(float32Tensor([value], []));
export const zeroPoint = (builder: GraphBuilder, dtype: 'uint8' | 'int8', value: number): string =>
  builder.constant({ dtype, dims: [], data: dtype === 'uint8' ? Uint8Array.of(value) : Int8Array.of(value) });

/** An operator of one quantised operand and its real equivalent. */
function ofOne(
  opType: string,
  dims: readonly number[],
  attributes: Readonly<Record<string, number | readonly number[] | { kind: 'float'; value: number }>> = {},
  real = opType.replace('QLinear', ''),
): QuantisedCase {
  return {
    dims,
    ours: (builder, { x, result }) => builder.node(opType, [...x, ...result], { ...options, attributes }),
    real: (builder, operands) => builder.node(real, [operands.real], { attributes: realOnly(attributes) }),
  };
}

/** Attributes that the real operator has too. */
function realOnly<T>(attributes: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Object.entries(attributes).filter(([name]) => !['opset', 'channels_last'].includes(name)),
  );
}

function channelsLast(op: string, attributes: Readonly<Record<string, readonly number[]>>): Write {
  return (builder, { real }) => {
    const turned = builder.node('Transpose', [real], { attributes: { perm: [0, 3, 1, 2] } });
    const pool = builder.node(op, [turned], { attributes });
    return builder.node('Transpose', [pool], { attributes: { perm: [0, 2, 3, 1] } });
  };
}

/** The cases by operator, some with what is special about them. */
export const quantisedCases: Readonly<Record<string, QuantisedCase>> = {
  QLinearMul: {
    dims: [3, 4],
    ours: (builder, { x, result }) => {
      const b = [builder.constant(weight([4])), scalar(builder, weightStep), zeroPoint(builder, 'int8', 0)];
      // Both operands are of one type.
      const signed = [builder.node('QuantizeLinear', ['x', x[1], b[2]!]), x[1], b[2]!];
      return builder.node('QLinearMul', [...signed, ...b, result[0], b[2]!], options);
    },
    real: (builder, { real }) => builder.node('Mul', [real, realWeight(builder, [4])]),
  },
  QLinearSigmoid: ofOne('QLinearSigmoid', [3, 4]),
  QLinearLeakyRelu: ofOne('QLinearLeakyRelu', [3, 4], { alpha: { kind: 'float', value: 0.2 } }),
  QLinearSoftmax: ofOne('QLinearSoftmax', [3, 4], { axis: -1, opset: 13 }),
  QLinearConcat: {
    dims: [3, 4],
    ours: (builder, { x, result }) =>
      builder.node('QLinearConcat', [...result, ...x, ...x], { ...options, attributes: { axis: 1 } }),
    real: (builder, { real }) => builder.node('Concat', [real, real], { attributes: { axis: 1 } }),
  },
  QLinearAveragePool: ofOne('QLinearAveragePool', [1, 2, 4, 4], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 0, 0],
    count_include_pad: 1,
  }),
  'QLinearAveragePool with the channels last': {
    ...ofOne('QLinearAveragePool', [1, 5, 4, 2], { kernel_shape: [2, 3], channels_last: 1 }),
    real: channelsLast('AveragePool', { kernel_shape: [2, 3] }),
  },
  'QLinearGlobalAveragePool with the channels last': {
    ...ofOne('QLinearGlobalAveragePool', [2, 4, 2, 3], { channels_last: 1 }),
    real: channelsLast('GlobalAveragePool', {}),
  },
  QLinearGlobalAveragePool: ofOne('QLinearGlobalAveragePool', [2, 3, 4, 2], { channels_last: 0 }),
  ConvInteger: {
    dims: [1, 2, 4, 4],
    isReal: true,
    ours: (builder, { x }) => {
      const sums = builder.node('ConvInteger', [x[0], builder.constant(weight([3, 2, 3, 3])), x[2]], {
        attributes: { pads: [1, 1, 1, 1] },
      });
      return builder.node('Mul', [builder.cast(sums, 1), scalar(builder, step * weightStep)]);
    },
    real: (builder, { real }) =>
      builder.node('Conv', [real, realWeight(builder, [3, 2, 3, 3])], { attributes: { pads: [1, 1, 1, 1] } }),
  },
  MatMulIntegerToFloat: {
    dims: [3, 4],
    isReal: true,
    ours: (builder, { x }) => {
      const b = [builder.constant(weight([4, 3])), x[1], scalar(builder, weightStep)];
      const zero = zeroPoint(builder, 'int8', 0);
      const bias = builder.constant(float32Tensor([1, 2, 3], [3]));
      return builder.node('MatMulIntegerToFloat', [x[0], ...b, x[2], zero, bias], options);
    },
    real: (builder, { real }) => builder.node('MatMul', [real, realWeight(builder, [4, 3])]),
  },
  DynamicQuantizeMatMul: {
    dims: [3, 4],
    isReal: true,
    ours: (builder) => {
      const operands = [builder.constant(weight([4, 3])), scalar(builder, weightStep)];
      return builder.node(
        'DynamicQuantizeMatMul',
        ['x', ...operands, zeroPoint(builder, 'int8', 0)],
        options,
      );
    },
    real: (builder, { real }) => builder.node('MatMul', [real, realWeight(builder, [4, 3])]),
  },
};
