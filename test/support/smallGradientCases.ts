import type { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { ValueType } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import { bodyGraph, trip } from './controlFlowModels.js';
import type { GradientCase } from './gradientCase.js';

/** A case without its operator. */
export interface SmallCase extends Omit<GradientCase, 'op' | 'opset'> {
  /** Last opset at which the runtime has the operator. */
  readonly lastOpset?: number;
}

const ints = (...values: number[]): TensorValue => int64Tensor(values, [values.length]);
const scalar = (value: number): TensorValue => int64Tensor([value], []);
const scales = (...values: number[]): TensorValue => float32Tensor(values, [values.length]);
const bound = (value: number): TensorValue => float32Tensor([value], []);
/** One operand of two rows. */
export const one: SmallCase = { inputs: [[2, 3]] };
const two: SmallCase = {
  inputs: [
    [2, 3],
    [2, 3],
  ],
};
const pooled: SmallCase = { inputs: [[1, 2, 4, 4]], attributes: { kernel_shape: [2, 2], strides: [2, 2] } };
const maps: SmallCase = { inputs: [[2, 2, 3, 2]] };
const convolution: SmallCase = {
  inputs: [
    [1, 2, 4, 4],
    [2, 2, 3, 3],
  ],
};

/** Keeps every operator inside its domain and away from its corners. */
export const inside = (value: number): number => 0.3 + 0.5 / (1 + value * value);

/** Numbers apart from each other, so that no step of a difference changes which one is the maximum. */
const spread = (value: number): number => Math.round(value * 1000) / 4;

/** Reductions take their axes as an attribute up to opset 17 and as an operand later: without, both forms are one. */
const reductions = ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'SumSquare', 'L1', 'L2', 'LogSumExp', 'LogSum'];

const untyped: ValueType = { kind: 'unknown' };

/** h ← tanh(h), and every h·h. */
function loopBody(builder: GraphBuilder): readonly string[] {
  const next = builder.node('Tanh', ['h'], { outputs: ['next'] });
  const square = builder.node('Mul', ['h', 'h'], { outputs: ['square'] });
  return [builder.node('Identity', ['go'], { outputs: ['on'] }), next, square];
}

/** h ← sin(h·xt), and every one of them. */
function scanBody(builder: GraphBuilder): readonly string[] {
  const next = builder.node('Sin', [builder.node('Mul', ['h', 'xt'], { outputs: ['product'] })], {
    outputs: ['next'],
  });
  return [next, builder.node('Neg', [next], { outputs: ['negative'] })];
}

/** Operators that are not unary. */
const smallCases: Readonly<Record<string, SmallCase>> = {
  Add: two,
  Sub: two,
  Mul: two,
  Div: two,
  Pow: two,
  Min: two,
  Max: two,
  Sum: two,
  Mean: two,
  PRelu: { inputs: [[2, 3], [3]], map: (value) => value + Math.sign(value) },
  Clip: { inputs: [[3, 4], bound(0.4), bound(0.6)] },
  Dropout: one,
  Cast: { ...one, attributes: { to: 1 }, isSingle: true },
  CastLike: { inputs: [[2, 3], bound(1)] },
  Where: { inputs: [{ dtype: 'bool', dims: [3], data: Uint8Array.of(1, 0, 1) }, [2, 3], [3]] },
  Conv: convolution,
  ConvTranspose: convolution,
  Gemm: {
    inputs: [
      [2, 3],
      [3, 2],
    ],
  },
  MatMul: {
    inputs: [
      [2, 3],
      [3, 2],
    ],
  },
  MaxPool: { ...pooled, map: spread },
  AveragePool: pooled,
  LpPool: pooled,
  GlobalMaxPool: { ...maps, map: spread },
  GlobalAveragePool: maps,
  GlobalLpPool: { ...maps, lastOpset: 21 },
  Softmax: one,
  LogSoftmax: one,
  BatchNormalization: { inputs: [[2, 3, 2], [3], [3], [3], [3]] },
  LayerNormalization: { inputs: [[2, 3], [3], [3]] },
  RMSNormalization: { inputs: [[2, 3], [3]] },
  SimplifiedLayerNormalization: { inputs: [[2, 3], [3]] },
  BiasGelu: { inputs: [[2, 3], [3]] },
  FastGelu: { inputs: [[2, 3], [3]] },
  InstanceNormalization: { inputs: [[2, 3, 4], [3], [3]], map: (value) => value },
  GroupNormalization: {
    // As many groups as channels: one scale per group is one per channel.
    inputs: [[2, 4, 3], [4], [4]],
    attributes: { num_groups: 4 },
    isSingle: true,
    map: (value) => value,
  },
  LRN: { inputs: [[1, 4, 2, 2]], attributes: { size: 3 } },
  LpNormalization: one,
  ...Object.fromEntries(reductions.map((kind) => [`Reduce${kind}`, one])),
  Reshape: { inputs: [[2, 3], ints(3, 2)] },
  Flatten: { inputs: [[2, 3, 2]] },
  Squeeze: { inputs: [[2, 1, 3], ints(1)] },
  Unsqueeze: { inputs: [[2, 3], ints(1)] },
  Transpose: one,
  Expand: { inputs: [[3, 1], ints(2, 3, 2)] },
  Tile: { inputs: [[2, 3], ints(1, 2)] },
  Concat: { ...two, attributes: { axis: 1 } },
  Split: { inputs: [[2, 4], ints(1, 3)], outputCount: 2, attributes: { axis: 1 } },
  Slice: { inputs: [[4, 3], ints(1), ints(3)] },
  Pad: { inputs: [[2, 3], ints(1, 0, 0, 2)] },
  Gather: { inputs: [[4, 2], ints(2, 0, 2)] },
  GatherND: { inputs: [[3, 2], int64Tensor([2, 0], [2, 1])] },
  GatherElements: { inputs: [[3, 2], int64Tensor([0, 2], [1, 2])] },
  ScatterElements: { inputs: [[3, 2], int64Tensor([0, 2], [1, 2]), [1, 2]] },
  ScatterND: { inputs: [[3, 2], int64Tensor([2], [1, 1]), [1, 2]] },
  TopK: { inputs: [[2, 5], ints(2)], outputCount: 2, seeded: [0] },
  DepthToSpace: { inputs: [[1, 4, 2, 2]], attributes: { blocksize: 2 } },
  SpaceToDepth: { inputs: [[1, 1, 4, 2]], attributes: { blocksize: 2 } },
  CumSum: { inputs: [[2, 3], scalar(1)] },
  Trilu: { inputs: [[3, 3]] },
  Loop: {
    inputs: [scalar(3), '', [2, 3]],
    outputCount: 2,
    attributes: { body: bodyGraph({ ...trip, h: untyped }, loopBody) },
  },
  Scan: {
    inputs: [[2], [3, 2]],
    outputCount: 2,
    attributes: { body: bodyGraph({ h: untyped, xt: untyped }, scanBody), num_scan_inputs: 1 },
  },
  Resize: { inputs: [[1, 2, 3, 3], '', scales(1, 1, 2, 1.5)], attributes: { mode: 'linear' } },
  AffineGrid: { inputs: [[1, 2, 3], ints(1, 1, 2, 3)] },
  ReverseSequence: { inputs: [[4, 3], ints(1, 2, 4)] },
  Compress: {
    inputs: [[3, 2], { dtype: 'bool', dims: [3], data: Uint8Array.of(1, 0, 1) }],
    attributes: { axis: 0 },
  },
  CenterCropPad: { inputs: [[4, 3], ints(2, 5)] },
  MaxUnpool: {
    inputs: [[1, 1, 2, 2], int64Tensor([5, 2, 8, 15], [1, 1, 2, 2])],
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
  },
  Col2Im: { inputs: [[1, 8, 4], ints(3, 3), ints(2, 2)] },
  TensorScatter: { inputs: [[2, 4, 2], [2, 2, 2], ints(1, 2)] },
  Mod: { inputs: [[2, 3], [3]], attributes: { fmod: 1 }, map: (value) => 1.3 + value / 8 },
  OneHot: { inputs: [ints(0, 2), scalar(3), [2]] },
  Range: { inputs: [{ wrt: bound(0.3) }, bound(4), { wrt: bound(1.1) }] },
  Det: { inputs: [[2, 3, 3]], map: (value) => value },
  DequantizeLinear: {
    inputs: [
      { dtype: 'uint8', dims: [2, 3], data: Uint8Array.of(3, 200, 90, 17, 128, 255) },
      [3],
      { dtype: 'uint8', dims: [3], data: Uint8Array.of(128, 0, 7) },
    ],
    attributes: { axis: 1 },
  },
  CumProd: { inputs: [[2, 4], scalar(1)], map: (value) => value },
  DFT: { inputs: [[1, 4, 2]] },
};

/**
 * Operators whose derivatives have tests of their own: what works on what it captures, and what rounds, whose gradient
 * passes straight through and is not that of the jumps.
 */
export const withoutOperands = ['If', 'QuantizeLinear', 'DynamicQuantizeLinear'];

const unaryCases: Readonly<Record<string, SmallCase>> = {
  Shrink: { inputs: [[2, 3]], isSingle: true, map: (value) => value + 0.8 * Math.sign(value) },
  Acosh: { inputs: [[2, 3]], map: (value) => inside(value) + 1 },
  Swish: { inputs: [[2, 3]], lastOpset: 24 },
  ThresholdedRelu: { inputs: [[2, 3]], map: (value) => value + 1 + 0.2 * Math.sign(value) },
};

const unaryOperators = [
  ...['Identity', 'Neg', 'Abs', 'Sqrt', 'Exp', 'Log', 'Reciprocal', 'Sin', 'Cos', 'Tan', 'Asin', 'Acos'],
  ...['Atan', 'Sinh', 'Cosh', 'Asinh', 'Acosh', 'Atanh', 'Erf', 'Sigmoid', 'Tanh', 'Softplus', 'Softsign'],
  ...['Relu', 'LeakyRelu', 'Elu', 'Celu', 'Selu', 'ThresholdedRelu', 'HardSigmoid', 'HardSwish'],
  ...['Mish', 'Gelu', 'Swish', 'QuickGelu', 'Shrink'],
];

/** The smallest case of every operator that has a rule. */
export const caseByOperator = new Map<string, SmallCase>([
  ...Object.entries(smallCases),
  ...unaryOperators.map((op) => [op, unaryCases[op] ?? one] as const),
]);
