import { float32Tensor, int64Tensor } from '../../src/onnx/tensorValue.js';
import { ints, int32, float, floats, type LoweringCase } from './caseOperands.js';
import { attentionCases } from './attentionCases.js';
import { recurrentCases } from './recurrentCases.js';

/** Moves sums away from an activation's corner. */
const apart = (value: number): number => 4 * value;

/** Moves no sample over a pixel's edge within a difference's step. */
const small = (value: number): number => (Math.round(value * 8) + 0.5) / 8;

/** Grid coordinates on both sides of the edges. */
const grid = float32Tensor(
  [-0.3, 0.2, 0.71, -0.9, 1.3, 0.4, -1.7, 0.1, 0.45, 2.6, -1.05, -1.2],
  [1, 2, 3, 2],
);
const regions = float32Tensor([0.3, 0.7, 4.4, 3.6, -0.9, 1.1, 5.3, 4.2], [2, 4]);
const pooledRegions = float32Tensor([1, 0, 1, 4, 3, 0, 2, 0, 7, 5], [2, 5]);

const image = [1, 2, 4, 4];
const kernels = [3, 2, 3, 3];
const rows = [2, 3, 8];

/** Cases of every composite, by `domain:OpType`: each optional operand and attribute in some of them. */
export const loweringCases: Readonly<Record<string, readonly LoweringCase[]>> = {
  ...attentionCases,
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
  ':SoftmaxCrossEntropyLoss': [
    { inputs: [[3, 4], ints(1, 0, 3)], outputCount: 2 },
    { inputs: [[3, 4], ints(1, 0, 3), [4]], map: (value) => Math.abs(value) + 0.1 },
    {
      inputs: [[2, 3, 2], int64Tensor([0, 2, 1, 1], [2, 2])],
      attributes: { reduction: 'none', ignore_index: 1 },
    },
    { inputs: [[2, 3, 2], int32([2, 2], [0, 2, 1, 1])], attributes: { reduction: 'sum' } },
  ],
  ':NegativeLogLikelihoodLoss': [
    { inputs: [[3, 4], ints(1, 0, 3), [4]], map: (value) => Math.abs(value) + 0.1 },
    { inputs: [[3, 4], ints(1, -1, 3)], attributes: { ignore_index: -1 } },
  ],
  ':GridSample': [
    ...(['zeros', 'border', 'reflection'] as const).flatMap((padding_mode) =>
      (['linear', 'nearest', 'cubic'] as const).flatMap((mode) =>
        [0, 1].map((align_corners) => ({
          inputs: [[1, 2, 3, 4], mode === 'nearest' ? grid : { wrt: grid }],
          attributes: { padding_mode, mode, align_corners },
          opset: 20,
        })),
      ),
    ),
    { inputs: [[1, 2, 3, 4], grid], attributes: { mode: 'bicubic' } },
    {
      inputs: [
        [1, 2, 2, 3, 2],
        [1, 2, 2, 1, 3],
      ],
      attributes: { mode: 'linear' },
      opset: 20,
    },
    {
      inputs: [
        [2, 1, 3, 3],
        [2, 2, 2, 2],
      ],
      attributes: { mode: 'cubic' },
      opset: 22,
      hidden: true,
    },
  ],
  ':DeformConv': [
    { inputs: [[1, 2, 4, 4], [3, 2, 2, 2], [1, 8, 3, 3], [3]], opset: 19, map: small },
    {
      inputs: [[2, 4, 3, 4], [2, 2, 2, 3], [2, 24, 2, 2], '', [2, 12, 2, 2]],
      attributes: { group: 2, offset_group: 2, pads: [1, 1, 0, 1], strides: [2, 2] },
      opset: 22,
      map: small,
    },
  ],
  ':RoiAlign': [
    {
      inputs: [[2, 2, 5, 6], { wrt: regions }, ints(1, 0)],
      attributes: { output_height: 2, output_width: 3, sampling_ratio: 2, mode: 'max' },
    },
    {
      inputs: [[2, 2, 5, 6], { wrt: regions }, ints(1, 0)],
      attributes: { output_height: 2, output_width: 2, mode: 'max' },
    },
    {
      inputs: [[2, 2, 5, 6], { wrt: regions }, ints(1, 0)],
      attributes: { output_height: 2, output_width: 3, sampling_ratio: 2 },
    },
    {
      inputs: [[2, 2, 5, 6], { wrt: regions }, ints(1, 0)],
      attributes: { output_height: 2, output_width: 2 },
    },
    {
      inputs: [[2, 2, 5, 6], { wrt: regions }, ints(1, 0)],
      attributes: {
        output_height: 1,
        output_width: 2,
        coordinate_transformation_mode: 'output_half_pixel',
        spatial_scale: float(0.5),
      },
    },
  ],
  ':MaxRoiPool': [
    {
      inputs: [[2, 2, 5, 6], pooledRegions],
      attributes: { pooled_shape: [2, 2] },
      map: (value) => Math.round(value * 1000) / 4,
    },
    {
      inputs: [[2, 2, 5, 6], pooledRegions],
      attributes: { pooled_shape: [3, 2], spatial_scale: float(0.5) },
      map: (value) => Math.round(value * 1000) / 4,
    },
  ],
  ':STFT': [
    { inputs: [[2, 8, 1], int64Tensor([2], []), [4]] },
    { inputs: [[1, 9, 1], int64Tensor([3], []), '', int64Tensor([4], [])], attributes: { onesided: 0 } },
    {
      inputs: [[1, 7, 2], int64Tensor([2], []), '', int64Tensor([3], [])],
      attributes: { onesided: 0 },
      opset: 20,
    },
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
  ...recurrentCases,
};
