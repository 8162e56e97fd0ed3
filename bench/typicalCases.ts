import type { GraphBuilder } from '../src/engine/graph/graphBuilder.js';
import type { ValueType } from '../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../src/onnx/tensorValue.js';
import { bodyGraph, trip } from '../test/support/controlFlowModels.js';
import type { GradientCase } from '../test/support/gradientCase.js';
import { inside } from '../test/support/smallGradientCases.js';

/** A case without its operator; numbers stay inside the operator's domain unless `map` says otherwise. */
export type TypicalCase = Omit<GradientCase, 'op'>;

const ints = (...values: number[]): TensorValue => int64Tensor(values, [values.length]);
const counting = (count: number, at: (i: number) => number, dims: readonly number[] = [count]): TensorValue =>
  int64Tensor(
    Array.from({ length: count }, (_, i) => at(i)),
    dims,
  );
const float = (value: number): TensorValue => float32Tensor([value], []);
const constant = (dims: readonly number[], value: (i: number) => number): TensorValue =>
  float32Tensor(
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
    dims,
  );
const flags = (dims: readonly number[]): TensorValue => ({
  dtype: 'bool',
  dims,
  data: Uint8Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i % 2),
});

const as = (value: number): number => value;
/** A layer of a batch of vectors: 262,144 numbers. */
const flat = [64, 4096];
const feature = [4096];
/** Maps inside a convolutional network: 802,816 numbers. */
const maps = [4, 64, 56, 56];
/** Tokens of a small language model. */
const tokens = [8, 128, 256];

const one: TypicalCase = { inputs: [flat] };
const two: TypicalCase = { inputs: [flat, flat] };
const pooled: TypicalCase = {
  inputs: [maps],
  attributes: { kernel_shape: [2, 2], strides: [2, 2] },
  map: as,
};
const unary = [
  ...['Identity', 'Neg', 'Abs', 'Sqrt', 'Exp', 'Log', 'Reciprocal', 'Sin', 'Cos', 'Tan', 'Asin', 'Acos'],
  ...['Atan', 'Sinh', 'Cosh', 'Asinh', 'Atanh', 'Erf', 'Sigmoid', 'Tanh', 'Softplus', 'Softsign'],
  ...['Relu', 'LeakyRelu', 'Elu', 'Celu', 'Selu', 'ThresholdedRelu', 'HardSigmoid', 'HardSwish'],
  ...['Mish', 'Gelu', 'Swish', 'QuickGelu', 'Shrink'],
];
const reductions = ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'SumSquare', 'L1', 'L2', 'LogSumExp', 'LogSum'];

const untyped: ValueType = { kind: 'unknown' };

function loopBody(builder: GraphBuilder): readonly string[] {
  const next = builder.node('Tanh', ['h'], { outputs: ['next'] });
  return [builder.node('Identity', ['go'], { outputs: ['on'] }), next, builder.node('Mul', ['h', 'h'])];
}

function scanBody(builder: GraphBuilder): readonly string[] {
  const next = builder.node('Tanh', [builder.node('Mul', ['h', 'xt'])], { outputs: ['next'] });
  return [next, builder.node('Neg', [next])];
}

const arithmetic: Readonly<Record<string, TypicalCase>> = {
  ...Object.fromEntries(unary.map((op) => [op, one])),
  ...Object.fromEntries(
    ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max', 'Sum', 'Mean'].map((op) => [op, two]),
  ),
  ...Object.fromEntries(
    reductions.map((kind) => [`Reduce${kind}`, { inputs: [maps], attributes: { keepdims: 0 } }]),
  ),
  Relu: { inputs: [maps], map: as },
  Sigmoid: { inputs: [maps], map: as },
  Tanh: { inputs: [maps], map: as },
  Acosh: { inputs: [flat], map: (value) => inside(value) + 1 },
  PRelu: { inputs: [maps, [64, 1, 1]], map: as },
  Clip: { inputs: [maps, float(0), float(1)], map: as },
  Dropout: one,
  Cast: { ...one, attributes: { to: 1 } },
  CastLike: { inputs: [flat, float(1)] },
  Where: { inputs: [flags(flat), flat, flat] },
  Mod: { inputs: [flat, feature], attributes: { fmod: 1 }, map: (value) => 1.3 + value / 8 },
  BiasGelu: { inputs: [flat, feature], map: as },
  FastGelu: { inputs: [flat, feature], map: as },
};

const layers: Readonly<Record<string, TypicalCase>> = {
  Conv: { inputs: [maps, [64, 64, 3, 3]], attributes: { pads: [1, 1, 1, 1] }, map: as },
  ConvTranspose: {
    inputs: [
      [4, 64, 28, 28],
      [64, 32, 2, 2],
    ],
    attributes: { strides: [2, 2] },
    map: as,
  },
  Gemm: { inputs: [[64, 1024], [1024, 1024], [1024]], map: as },
  MatMul: {
    inputs: [
      [8, 128, 256],
      [256, 256],
    ],
    map: as,
  },
  MaxPool: pooled,
  AveragePool: pooled,
  LpPool: { ...pooled, map: inside },
  GlobalMaxPool: { inputs: [maps], map: as },
  GlobalAveragePool: { inputs: [maps], map: as },
  GlobalLpPool: { inputs: [maps] },
  Softmax: { inputs: [[4, 8, 128, 128]], map: as },
  LogSoftmax: { inputs: [[64, 4096]], map: as },
  BatchNormalization: { inputs: [maps, [64], [64], [64], constant([64], () => 1)], map: as },
  LayerNormalization: { inputs: [tokens, [256], [256]], map: as },
  RMSNormalization: { inputs: [tokens, [256]], map: as },
  SimplifiedLayerNormalization: { inputs: [tokens, [256]], map: as },
  InstanceNormalization: { inputs: [maps, [64], [64]], map: as },
  GroupNormalization: { inputs: [maps, [64], [64]], attributes: { num_groups: 64 }, map: as },
  LRN: { inputs: [maps], attributes: { size: 5 }, map: as },
  LpNormalization: one,
  Resize: {
    inputs: [[4, 64, 28, 28], '', constant([4], (i) => (i < 2 ? 1 : 2))],
    attributes: { mode: 'linear' },
    map: as,
  },
  AffineGrid: { inputs: [[8, 2, 3], ints(8, 3, 64, 64)], map: as },
  Det: { inputs: [[256, 8, 8]], map: as },
  DFT: { inputs: [[8, 256, 2]], map: as },
  DequantizeLinear: {
    inputs: [{ dtype: 'uint8', dims: flat, data: new Uint8Array(64 * 4096).fill(200) }, [4096]],
    attributes: { axis: 1 },
  },
  QuantizeLinear: {
    inputs: [flat, float(0.1), { dtype: 'uint8', dims: [], data: Uint8Array.of(128) }],
    map: as,
  },
  DynamicQuantizeLinear: { inputs: [flat], outputCount: 3, seeded: [0], map: as },
};

const moves: Readonly<Record<string, TypicalCase>> = {
  Reshape: { inputs: [flat, ints(64, 64, 64)] },
  Flatten: { inputs: [maps] },
  Squeeze: { inputs: [[64, 1, 4096], ints(1)] },
  Unsqueeze: { inputs: [flat, ints(1)] },
  Transpose: { inputs: [[8, 128, 8, 32]], attributes: { perm: [0, 2, 1, 3] } },
  Expand: { inputs: [[64, 1, 256], ints(64, 16, 256)] },
  Tile: { inputs: [[64, 1, 256], ints(1, 16, 1)] },
  Concat: { inputs: [maps, maps], attributes: { axis: 1 } },
  Split: { inputs: [maps], outputCount: 2, attributes: { axis: 1, num_outputs: 2 }, opset: 18 },
  Slice: { inputs: [maps, ints(8, 8), ints(48, 48), ints(2, 3)] },
  Pad: { inputs: [maps, ints(0, 0, 1, 1, 0, 0, 1, 1)] },
  Gather: { inputs: [[4096, 256], counting(1024, (i) => (i * 7919) % 4096)] },
  GatherND: { inputs: [flat, counting(8192, (i) => (i % 2 === 0 ? (i / 2) % 64 : i % 4096), [4096, 2])] },
  GatherElements: {
    inputs: [flat, counting(64 * 256, (i) => (i * 31) % 4096, [64, 256])],
    attributes: { axis: 1 },
  },
  ScatterElements: {
    inputs: [flat, counting(64 * 256, (i) => (i % 256) * 16, [64, 256]), [64, 256]],
    attributes: { axis: 1 },
  },
  ScatterND: { inputs: [[4096, 64], counting(1024, (i) => i * 4, [1024, 1]), [1024, 64]] },
  TopK: { inputs: [flat, ints(16)], outputCount: 2, seeded: [0], map: as },
  DepthToSpace: { inputs: [maps], attributes: { blocksize: 2 } },
  SpaceToDepth: { inputs: [maps], attributes: { blocksize: 2 } },
  CumSum: { inputs: [flat, int64Tensor([1], [])] },
  CumProd: { inputs: [[64, 256], int64Tensor([1], [])] },
  Trilu: { inputs: [[32, 128, 128]] },
  ReverseSequence: { inputs: [[128, 32, 64], counting(32, (i) => 64 + i)] },
  Compress: { inputs: [[4096, 64], flags([4096])], attributes: { axis: 0 } },
  CenterCropPad: { inputs: [[256, 1024], ints(224, 1100)] },
  MaxUnpool: {
    inputs: [[4, 16, 28, 28], counting(4 * 16 * 28 * 28, (i) => i * 4, [4, 16, 28, 28])],
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
  },
  Col2Im: { inputs: [[4, 36, 900], ints(32, 32), ints(3, 3)] },
  TensorScatter: { inputs: [[8, 128, 64], [8, 1, 64], counting(8, (i) => i * 8)] },
  OneHot: { inputs: [counting(512, (i) => (i * 37) % 1000), int64Tensor([1000], []), [2]] },
  Range: { inputs: [{ wrt: float(0.3) }, float(100_000), { wrt: float(1) }] },
  Loop: {
    inputs: [int64Tensor([16], []), '', [64, 256]],
    outputCount: 2,
    attributes: { body: bodyGraph({ ...trip, h: untyped }, loopBody) },
  },
  Scan: {
    inputs: [
      [64, 256],
      [16, 64, 256],
    ],
    outputCount: 2,
    attributes: { body: bodyGraph({ h: untyped, xt: untyped }, scanBody), num_scan_inputs: 1 },
  },
};

const heads = { attributes: { num_heads: 8 }, domain: 'com.microsoft', map: as } as const;
const recurrent = (gates: number): TypicalCase => ({
  inputs: [
    [8, 16, 64],
    [1, gates * 64, 64],
    [1, gates * 64, 64],
  ],
  attributes: { hidden_size: 64 },
  map: as,
});

/** Composites that networks are made of: differentiated through the core operators they stand for. */
const composites: Readonly<Record<string, TypicalCase>> = {
  LSTM: recurrent(4),
  GRU: recurrent(3),
  RNN: recurrent(1),
  Einsum: {
    inputs: [
      [8, 8, 128, 32],
      [8, 8, 128, 32],
    ],
    attributes: { equation: 'bhqd,bhkd->bhqk' },
    map: as,
  },
  MultiHeadAttention: { inputs: [tokens, tokens, tokens], ...heads },
  SkipLayerNormalization: { inputs: [tokens, tokens, [256], [256]], domain: 'com.microsoft', map: as },
};

/** What `If` works on is captured; it is measured with the models that hold it. */
export const unmeasuredOperators = ['If'];

/** A case of every operator with a rule at a size that networks have, and some composites, by operator. */
export const typicalCases = new Map<string, TypicalCase>(
  Object.entries({ ...arithmetic, ...layers, ...moves, ...composites }),
);
