import { int64Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import type { GradientCase } from './gradientCase.js';

/** A case of a composite, with the opset it is tried at. */
export type LoweringCase = Omit<GradientCase, 'op' | 'domain'>;

const ints = (...values: number[]): TensorValue => int64Tensor(values, [values.length]);
const int32 = (dims: readonly number[], values: readonly number[]): TensorValue => ({
  dtype: 'int32',
  dims,
  data: Int32Array.from(values),
});
const bytes = (dims: readonly number[], values: readonly number[]): TensorValue => ({
  dtype: 'uint8',
  dims,
  data: Uint8Array.from(values),
});
const flags = (dims: readonly number[], values: readonly number[]): TensorValue => ({
  dtype: 'bool',
  dims,
  data: Uint8Array.from(values),
});
const float = (value: number): { readonly kind: 'float'; readonly value: number } => ({
  kind: 'float',
  value,
});
const floats = (...value: number[]): { readonly kind: 'floats'; readonly value: readonly number[] } => ({
  kind: 'floats',
  value,
});

/** Moves sums away from an activation's corner. */
const apart = (value: number): number => 4 * value;

const image = [1, 2, 4, 4];
const kernels = [3, 2, 3, 3];
const rows = [2, 3, 8];
const tables = [
  [6, 2],
  [6, 2],
] as const;
/** Query, key and value of [B, T, heads·w]. */
const three = [rows, rows, rows];
const bytesOf = (count: number): number[] => Array.from({ length: count }, (_, i) => (i * 37 + 11) % 256);
const grouped = { num_heads: 4, kv_num_heads: 2 };
const firstRun = [int32([2], [2, 2]), int32([], [3])] as const;

/** Cases of every composite, by `domain:OpType`: each optional operand and attribute in some of them. */
export const loweringCases: Readonly<Record<string, readonly LoweringCase[]>> = {
  ':Einsum': [
    {
      inputs: [
        [2, 3],
        [3, 4],
      ],
      attributes: { equation: 'ij,jk->ik' },
    },
    {
      inputs: [
        [2, 3, 4],
        [2, 5, 4],
      ],
      attributes: { equation: 'bij, bkj -> bik' },
    },
    {
      inputs: [
        [2, 3, 4],
        [4, 5],
      ],
      attributes: { equation: '...j,jk' },
    },
    { inputs: [[3, 3], [3]], attributes: { equation: 'ii,i->i' } },
    { inputs: [[2, 3, 4]], attributes: { equation: 'abc->ca' } },
    {
      inputs: [
        [2, 3],
        [2, 4],
        [3, 4],
      ],
      attributes: { equation: 'ab,ac,bc->' },
    },
    {
      inputs: [
        [2, 3, 2, 4],
        [2, 5, 2, 4],
      ],
      attributes: { equation: 'bqhd,bkhd->bhqk' },
    },
    {
      inputs: [
        [1, 3, 4],
        [2, 4, 5],
      ],
      attributes: { equation: '...ij,...jk->...ik' },
    },
    { inputs: [[3], [4]], attributes: { equation: 'i,j->ij' } },
    {
      inputs: [
        [2, 3, 4],
        [3, 4, 5],
      ],
      attributes: { equation: 'abc,bcd->ad' },
      hidden: true,
    },
  ],
  ':MeanVarianceNormalization': [
    { inputs: [[2, 3, 2, 2]] },
    { inputs: [[2, 3, 4]], attributes: { axes: [1] } },
  ],
  ':RotaryEmbedding': [
    {
      inputs: [[2, 3, 8], [6, 2], [6, 2], int64Tensor([0, 1, 2, 2, 3, 5], [2, 3])],
      attributes: { num_heads: 2 },
      opset: 23,
    },
    {
      inputs: [
        [2, 2, 3, 4],
        [2, 3, 2],
        [2, 3, 2],
      ],
      attributes: { interleaved: 1 },
      opset: 23,
    },
    {
      inputs: [
        [2, 2, 3, 6],
        [2, 3, 2],
        [2, 3, 2],
      ],
      attributes: { rotary_embedding_dim: 4 },
      opset: 24,
    },
  ],
  ':Attention': [
    { inputs: three, attributes: { q_num_heads: 2, kv_num_heads: 2 }, opset: 23 },
    {
      inputs: [
        [2, 4, 3, 2],
        [2, 2, 3, 2],
        [2, 2, 3, 3],
      ],
      attributes: { is_causal: 1, scale: float(0.3) },
      opset: 24,
    },
    {
      inputs: [
        [1, 2, 3, 2],
        [1, 2, 4, 2],
        [1, 2, 4, 2],
        [3, 4],
      ],
      opset: 23,
    },
    {
      inputs: [[1, 2, 2, 2], [1, 2, 3, 2], [1, 2, 3, 2], flags([2, 3], [1, 0, 1, 1, 1, 0])],
      attributes: { softcap: float(0.7) },
      opset: 23,
    },
    {
      inputs: [
        [1, 2, 2, 2],
        [1, 2, 2, 2],
        [1, 2, 2, 2],
        [1, 1, 2, 5],
        [1, 2, 3, 2],
        [1, 2, 3, 2],
      ],
      outputCount: 3,
      opset: 23,
    },
    {
      inputs: [
        [1, 4, 3, 2],
        [1, 2, 3, 2],
        [1, 2, 3, 2],
        [1, 4, 3, 3],
      ],
      opset: 23,
    },
    { inputs: [[2, 2, 3, 2], [2, 2, 4, 2], [2, 2, 4, 2], '', '', '', ints(4, 2)], opset: 24 },
  ],
  'com.microsoft:FusedConv': [
    ...(['Relu', 'Tanh', 'Sigmoid'] as const).map((activation) => ({
      inputs: [image, kernels, [3]],
      attributes: { activation, pads: [1, 1, 1, 1] },
    })),
    {
      inputs: [image, kernels],
      attributes: { activation: 'LeakyRelu', activation_params: floats(0.2) },
      map: apart,
    },
    { inputs: [image, kernels, '', [1, 3, 2, 2]], attributes: { activation: 'Relu' } },
    {
      inputs: [image, kernels, [3]],
      attributes: { activation: 'Clip', activation_params: floats(-1, 2), strides: [2, 2] },
    },
    {
      inputs: [image, kernels],
      attributes: { activation: 'HardSigmoid', activation_params: floats(0.1, 0.5) },
    },
  ],
  'com.microsoft:FusedGemm': [
    { inputs: [[2, 3], [3, 4], [4]], attributes: { activation: 'Relu' } },
    {
      inputs: [
        [3, 2],
        [4, 3],
      ],
      attributes: {
        activation: 'LeakyRelu',
        activation_alpha: float(0.3),
        transA: 1,
        transB: 1,
        alpha: float(0.5),
      },
    },
  ],
  'com.microsoft:FusedMatMul': [
    {
      inputs: [
        [2, 3],
        [3, 4],
      ],
      attributes: { alpha: float(0.5) },
    },
    {
      inputs: [
        [2, 3, 2],
        [2, 4, 3],
      ],
      attributes: { transA: 1, transB: 1 },
    },
    {
      inputs: [
        [2, 2, 3, 4],
        [5, 4],
      ],
      attributes: { transB: 1 },
    },
    {
      inputs: [
        [3, 2, 2, 4],
        [2, 2, 4, 3],
      ],
      attributes: { transBatchA: 1 },
    },
  ],
  'com.microsoft:TransposeMatMul': [
    {
      inputs: [
        [3, 2],
        [3, 4],
      ],
      attributes: { transA: 1, alpha: float(2) },
    },
  ],
  'com.microsoft:SkipLayerNormalization': [
    { inputs: [rows, rows, [8], [8], [8]], outputCount: 1 },
    { inputs: [rows, rows, [8]] },
    { inputs: [rows, [3, 8], [8], [8]], attributes: { epsilon: float(1e-3) } },
  ],
  'com.microsoft:SkipSimplifiedLayerNormalization': [
    { inputs: [rows, rows, [8]] },
    { inputs: [rows, rows, [8], [8]], attributes: { epsilon: float(1e-3) } },
  ],
  'com.microsoft:EmbedLayerNormalization': [
    {
      inputs: [
        int32([2, 3], [0, 2, 1, 3, 3, 0]),
        int32([2, 3], [0, 0, 1, 1, 1, 0]),
        [4, 6],
        [5, 6],
        [2, 6],
        [6],
        [6],
      ],
      outputCount: 2,
      seeded: [0],
    },
    {
      inputs: [int32([1, 2], [0, 2]), '', [4, 6], [5, 6], '', [6], [6], '', int32([1, 2], [3, 1])],
      outputCount: 2,
      seeded: [0],
    },
  ],
  'com.microsoft:RotaryEmbedding': [
    { inputs: [rows, int64Tensor([0, 1, 2, 2, 3, 5], [2, 3]), ...tables], attributes: { num_heads: 2 } },
    { inputs: [rows, ints(2), ...tables] },
    { inputs: [[2, 2, 3, 4], ints(1), ...tables], attributes: { interleaved: 1 } },
    { inputs: [[2, 2, 3, 6], ints(1), ...tables], attributes: { rotary_embedding_dim: 4, num_heads: 2 } },
  ],
  'com.microsoft:Attention': [
    { inputs: [[2, 3, 4], [4, 12], [12]], attributes: { num_heads: 2 } },
    {
      inputs: [[2, 3, 4], [4, 12], [12], int32([2, 3], [1, 1, 0, 1, 1, 1])],
      attributes: { num_heads: 2, unidirectional: 1 },
    },
    {
      inputs: [[2, 3, 4], [4, 14], [14], int32([2], [2, 3])],
      attributes: { num_heads: 2, qkv_hidden_sizes: [4, 4, 6] },
    },
    { inputs: [[2, 3, 4], [4, 12], [12], int32([4], [2, 3, 0, 1])], attributes: { num_heads: 2 } },
    {
      inputs: [[1, 2, 4], [4, 12], [12], '', [2, 1, 2, 3, 2]],
      attributes: { num_heads: 2, unidirectional: 1, scale: float(0.4) },
      outputCount: 2,
    },
  ],
  'com.microsoft:MultiHeadAttention': [
    { inputs: three, attributes: { num_heads: 2 } },
    { inputs: [[2, 3, 4], [2, 5, 4], [2, 5, 6], [14]], attributes: { num_heads: 2, scale: float(0.4) } },
    {
      inputs: [[2, 3, 4], [2, 3, 4], [2, 3, 4], '', int32([2, 3], [1, 1, 0, 1, 1, 1])],
      attributes: { num_heads: 2 },
    },
    {
      inputs: [
        [2, 3, 4],
        [2, 2, 5, 2],
        [2, 2, 5, 2],
      ],
      attributes: { num_heads: 2 },
    },
    {
      inputs: [[1, 2, 4], [1, 2, 4], [1, 2, 4], '', '', [1, 2, 2, 5], [1, 2, 3, 2], [1, 2, 3, 2]],
      attributes: { num_heads: 2, unidirectional: 1 },
      outputCount: 3,
    },
  ],
  'com.microsoft:GroupQueryAttention': [
    {
      inputs: [[2, 3, 32], [2, 3, 16], [2, 3, 16], '', '', ...firstRun],
      attributes: grouped,
      outputCount: 3,
    },
    {
      inputs: [[1, 2, 64], '', '', '', '', int32([1], [1]), int32([], [2]), [4, 8], [4, 8]],
      attributes: { num_heads: 2, kv_num_heads: 1, do_rotary: 1 },
      outputCount: 3,
    },
    {
      inputs: [
        ...[
          [2, 1, 32],
          [2, 1, 16],
          [2, 1, 16],
          [2, 1, 4, 16],
          [2, 1, 4, 16],
        ],
        ...[int32([2], [2, 4]), int32([], [5]), [8, 8], [8, 8]],
      ],
      attributes: { num_heads: 2, kv_num_heads: 1, do_rotary: 1, rotary_interleaved: 1 },
      outputCount: 3,
      seeded: [0],
    },
    {
      inputs: [[2, 3, 32], [2, 3, 16], [2, 3, 16], '', '', ...firstRun],
      attributes: { ...grouped, local_window_size: 2, softcap: float(3), scale: float(0.2) },
      outputCount: 3,
    },
    {
      inputs: [[2, 3, 32], [2, 3, 16], [2, 3, 16], '', '', ...firstRun],
      attributes: { ...grouped, smooth_softmax: 1 },
      outputCount: 3,
    },
  ],
  'com.microsoft:MatMulNBits': [
    {
      inputs: [[2, 32], bytes([3, 2, 8], bytesOf(48)), [6]],
      attributes: { K: 32, N: 3, bits: 4, block_size: 16 },
    },
    {
      inputs: [[2, 24], bytes([3, 2, 8], bytesOf(48)), [6], bytes([3], [0x87, 0x96, 0xa8])],
      attributes: { K: 24, N: 3, bits: 4, block_size: 16 },
    },
    {
      inputs: [[2, 32], bytes([3, 2, 16], bytesOf(96)), [6]],
      attributes: { K: 32, N: 3, bits: 8, block_size: 16 },
    },
  ],
};
