import { createRandom } from '../../src/base/random.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import { normalTensor } from './modelBuilder.js';
import { float, type OldNode } from './oldModel.js';

const random = createRandom(7);
/** `[2, 3, 4, 4]` */
export const x4 = normalTensor(random, [2, 3, 4, 4]);
/** `[2, 3, 4]` */
export const x3 = normalTensor(random, [2, 3, 4]);
const perChannel = (): TensorValue => normalTensor(random, [3]);
const positive = (dims: readonly number[]): TensorValue =>
  float32Tensor(
    Float32Array.from(normalTensor(random, dims).data as Float32Array, (v) => Math.abs(v) + 0.5),
    dims,
  );
const constant = (value: TensorValue): { readonly constant: TensorValue } => ({ constant: value });
const scales = (...values: number[]): { readonly constant: TensorValue } =>
  constant(float32Tensor(values, [values.length]));

/** Old forms that the runtime still runs: the original's own outputs are the truth, bit by bit. */
export const oldForms: readonly (readonly [title: string, form: OldNode])[] = [
  ...['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((op) =>
    [0, 1, 2, 3].map(
      (axis) =>
        [`${op}-1 flattens from axis ${axis}`, { opset: 9, op, inputs: [x4], attributes: { axis } }] as const,
    ),
  ),
  ['Softmax-1 has axis 1 by default', { opset: 11, op: 'Softmax', inputs: [x3] }],
  [
    'Softmax-11 counts axes from the end',
    { opset: 11, op: 'Softmax', inputs: [x3], attributes: { axis: -2 } },
  ],
  [
    'Clip-6 has its limits as attributes',
    { opset: 7, op: 'Clip', inputs: [x4], attributes: { min: float(-0.3), max: float(0.4) } },
  ],
  ['Clip-6 may have one limit', { opset: 10, op: 'Clip', inputs: [x4], attributes: { max: float(0.1) } }],
  [
    'Pad-2 has its pads and value as attributes',
    { opset: 8, op: 'Pad', inputs: [x3], attributes: { pads: [0, 1, 2, 0, 0, 1], value: float(2.5) } },
  ],
  [
    'Pad-2 reflects',
    { opset: 8, op: 'Pad', inputs: [x3], attributes: { pads: [0, 1, 2, 0, 0, 1], mode: 'reflect' } },
  ],
  [
    'Slice-1 has its limits as attributes',
    { opset: 9, op: 'Slice', inputs: [x4], attributes: { starts: [0, -2], ends: [1, 100], axes: [0, 2] } },
  ],
  [
    'Slice-1 has all axes by default',
    { opset: 9, op: 'Slice', inputs: [x3], attributes: { starts: [1, 0, 1], ends: [2, 2, 3] } },
  ],
  [
    'TopK-1 has k as an attribute',
    { opset: 9, op: 'TopK', inputs: [x3], attributes: { k: 2, axis: 1 }, outputCount: 2 },
  ],
  [
    'Squeeze-1 has axes as an attribute',
    { opset: 11, op: 'Squeeze', inputs: [normalTensor(random, [1, 3, 1])], attributes: { axes: [0] } },
  ],
  ['Squeeze-1 may have no axes', { opset: 11, op: 'Squeeze', inputs: [normalTensor(random, [1, 3, 1])] }],
  [
    'Unsqueeze-1 has axes as an attribute',
    { opset: 8, op: 'Unsqueeze', inputs: [x3], attributes: { axes: [0, 4] } },
  ],
  [
    'ReduceSum-1 has axes as an attribute',
    { opset: 8, op: 'ReduceSum', inputs: [x4], attributes: { axes: [1, 3], keepdims: 0 } },
  ],
  ['ReduceSum-11 may have no axes', { opset: 12, op: 'ReduceSum', inputs: [x4] }],
  [
    'Split-2 has its parts as an attribute',
    { opset: 12, op: 'Split', inputs: [x4], attributes: { axis: 1, split: [1, 2] }, outputCount: 2 },
  ],
  [
    'Split-2 halves without parts',
    { opset: 7, op: 'Split', inputs: [x4], attributes: { axis: 2 }, outputCount: 2 },
  ],
  ['Dropout-7 passes on', { opset: 7, op: 'Dropout', inputs: [x4], attributes: { ratio: float(0.3) } }],
  ['Dropout-10 passes on', { opset: 10, op: 'Dropout', inputs: [x4] }],
  [
    'Slice-1 reaches to the end by the largest integer',
    {
      opset: 9,
      op: 'Slice',
      inputs: [x4],
      attributes: { starts: [1], ends: { kind: 'ints', value: [2n ** 63n - 1n] }, axes: [2] },
    },
  ],
  [
    'Upsample-7 repeats pixels',
    { opset: 7, op: 'Upsample', inputs: [x4], attributes: { scales: float([1, 1, 2, 3]), mode: 'nearest' } },
  ],
  [
    'Upsample-7 interpolates',
    { opset: 8, op: 'Upsample', inputs: [x4], attributes: { scales: float([1, 1, 2, 2]), mode: 'linear' } },
  ],
  ['Upsample-9 has scales as an input', { opset: 9, op: 'Upsample', inputs: [x4, scales(1, 1, 1.5, 2.5)] }],
  ['Resize-10 enlarges', { opset: 10, op: 'Resize', inputs: [x4, scales(1, 1, 1.7, 2.3)] }],
  ['Resize-10 shrinks', { opset: 10, op: 'Resize', inputs: [x4, scales(1, 1, 0.6, 0.5)] }],
  ['Resize-10 does both', { opset: 10, op: 'Resize', inputs: [x4, scales(1, 1, 0.6, 1.7)] }],
  [
    'Resize-10 interpolates',
    { opset: 10, op: 'Resize', inputs: [x4, scales(1, 1, 0.6, 1.7)], attributes: { mode: 'linear' } },
  ],
  [
    'BatchNormalization-7 has a spatial form',
    {
      opset: 8,
      op: 'BatchNormalization',
      inputs: [x4, perChannel(), perChannel(), perChannel(), positive([3])],
    },
  ],
  [
    'BatchNormalization-9',
    {
      opset: 9,
      op: 'BatchNormalization',
      inputs: [x4, perChannel(), perChannel(), perChannel(), positive([3])],
    },
  ],
  [
    'Scatter-9 is called ScatterElements',
    {
      opset: 9,
      op: 'Scatter',
      inputs: [x3, int64Tensor([2, 0, 1, 1], [1, 2, 2]), normalTensor(random, [1, 2, 2])],
      attributes: { axis: 1 },
    },
  ],
  [
    'RoiAlign-10 reads at pixel corners',
    {
      opset: 10,
      op: 'RoiAlign',
      inputs: [x4, float32Tensor([0, 0, 3, 3, 1, 1, 2, 3], [2, 4]), int64Tensor([0, 1], [2])],
      attributes: { output_height: 2, output_width: 2 },
    },
  ],
  ...[0, 1].flatMap((across) =>
    [0, 1].map(
      (variance) =>
        [
          `MeanVarianceNormalization-1 ${across === 1 ? 'across channels' : 'per channel'}, ${variance === 1 ? 'with' : 'without'} variance`,
          {
            opset: 8,
            op: 'MeanVarianceNormalization',
            inputs: [x4],
            attributes: { across_channels: across, normalize_variance: variance },
          },
        ] as const,
    ),
  ),
  ['Cast-9', { opset: 9, op: 'Cast', inputs: [x4], attributes: { to: 7 } }],
  [
    'LSTM-7',
    {
      opset: 7,
      op: 'LSTM',
      inputs: [
        normalTensor(random, [5, 2, 3]),
        normalTensor(random, [1, 16, 3]),
        normalTensor(random, [1, 16, 4]),
      ],
      attributes: { hidden_size: 4 },
      outputCount: 3,
    },
  ],
  [
    'GRU-7',
    {
      opset: 8,
      op: 'GRU',
      inputs: [
        normalTensor(random, [5, 2, 3]),
        normalTensor(random, [1, 12, 3]),
        normalTensor(random, [1, 12, 4]),
      ],
      attributes: { hidden_size: 4, linear_before_reset: 1 },
      outputCount: 2,
    },
  ],
  [
    'OneHot-9',
    {
      opset: 9,
      op: 'OneHot',
      inputs: [int64Tensor([0, 2], [2]), constant(int64Tensor([3], [1])), float32Tensor([0, 1], [2])],
    },
  ],
  ['ArgMax-1', { opset: 9, op: 'ArgMax', inputs: [x4], attributes: { axis: 1, keepdims: 0 } }],
  [
    'MaxPool-8 with indices',
    {
      opset: 8,
      op: 'MaxPool',
      inputs: [x4],
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
      outputCount: 2,
    },
  ],
];

/** The value of `f` at every index of a shape. */
function tensorOf(dims: readonly number[], f: (...index: number[]) => number): TensorValue {
  const data: number[] = [];
  const visit = (index: number[]): void => {
    if (index.length === dims.length) data.push(f(...index));
    else for (let i = 0; i < dims[index.length]!; i++) visit([...index, i]);
  };
  visit([]);
  return float32Tensor(data, dims);
}

function at(value: TensorValue, ...index: number[]): number {
  const flat = index.reduce((sum, i, axis) => sum * value.dims[axis]! + i, 0);
  return Number(value.data[flat]);
}

/** Forms that the runtime does not run any more, with their meaning written out. */
export function brokenForms(): readonly (readonly [title: string, form: OldNode, expected: TensorValue])[] {
  const b = perChannel();
  const b2 = normalTensor(random, [3, 4]);
  const matrix = normalTensor(random, [2, 3]);
  const right = normalTensor(random, [3, 4]);
  const row = normalTensor(random, [4]);
  const [scale, bias, mean, variance] = [perChannel(), perChannel(), perChannel(), positive([3])];
  const norm = (n: number, c: number, h: number, w: number): number =>
    ((at(x4, n, c, h, w) - at(mean, c)) / Math.sqrt(at(variance, c) + 1e-5)) * at(scale, c) + at(bias, c);
  return [
    [
      'Add-6 lays the second operand along an axis',
      { opset: 6, op: 'Add', inputs: [x4, b], attributes: { broadcast: 1, axis: 1 } },
      tensorOf([2, 3, 4, 4], (n, c, h, w) => at(x4, n, c, h, w) + at(b, c)),
    ],
    [
      'Mul-6 lays two axes along two',
      { opset: 6, op: 'Mul', inputs: [x4, b2], attributes: { broadcast: 1, axis: 1 } },
      tensorOf([2, 3, 4, 4], (n, c, h, w) => at(x4, n, c, h, w) * at(b2, c, h)),
    ],
    [
      'Sub-6 aligns the last axes without an axis',
      { opset: 6, op: 'Sub', inputs: [x4, row], attributes: { broadcast: 1 } },
      tensorOf([2, 3, 4, 4], (n, c, h, w) => at(x4, n, c, h, w) - at(row, w)),
    ],
    [
      'PRelu-6 has a slope per channel',
      { opset: 6, op: 'PRelu', inputs: [x4, b] },
      tensorOf([2, 3, 4, 4], (n, c, h, w) => {
        const value = at(x4, n, c, h, w);
        return value < 0 ? value * at(b, c) : value;
      }),
    ],
    [
      'Gemm-6 broadcasts its bias on request',
      { opset: 6, op: 'Gemm', inputs: [matrix, right, row], attributes: { broadcast: 1 } },
      tensorOf([2, 4], (i, j) =>
        [0, 1, 2].reduce((sum, k) => sum + at(matrix, i, k) * at(right, k, j), at(row, j)),
      ),
    ],
    [
      'BatchNormalization-6 says that it is no training',
      {
        opset: 6,
        op: 'BatchNormalization',
        inputs: [x4, scale, bias, mean, variance],
        attributes: { is_test: 1 },
      },
      tensorOf([2, 3, 4, 4], (n, c, h, w) => norm(n, c, h, w)),
    ],
    [
      'Upsample-1 has a scale per side',
      {
        opset: 6,
        op: 'Upsample',
        inputs: [x4],
        attributes: { height_scale: float(2), width_scale: float(3), mode: 'nearest' },
      },
      tensorOf([2, 3, 8, 12], (n, c, h, w) => at(x4, n, c, Math.floor(h / 2), Math.floor(w / 3))),
    ],
    ['Dropout-6 passes on', { opset: 6, op: 'Dropout', inputs: [x4], attributes: { is_test: 1 } }, x4],
    [
      'BatchNormalization-7 has a form with statistics per element',
      {
        opset: 7,
        op: 'BatchNormalization',
        inputs: [x3, b2, b2, b2, constant(tensorOf([3, 4], () => 2))],
        attributes: { spatial: 0 },
      },
      tensorOf([2, 3, 4], (n, c, d) => {
        const p = at(b2, c, d);
        return ((at(x3, n, c, d) - p) / Math.sqrt(2 + 1e-5)) * p + p;
      }),
    ],
  ];
}
