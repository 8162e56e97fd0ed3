import { int64Tensor } from '../../src/onnx/tensorValue.js';
import { ints, int32, bytes, flags, float, type LoweringCase } from './caseOperands.js';

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

/** Cases of attention and what goes with it in transformers, by `domain:OpType`. */
export const attentionCases: Readonly<Record<string, readonly LoweringCase[]>> = {
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
