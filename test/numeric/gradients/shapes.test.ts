import { float32Tensor, int64Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import { checkCase, type GradientCase } from '../../support/gradientCase.js';

const ints = (...values: number[]): TensorValue => int64Tensor(values, [values.length]);
const scalar = (value: number): TensorValue => int64Tensor([value], []);
const flags = (...values: number[]): TensorValue => ({
  dtype: 'bool',
  dims: [values.length],
  data: Uint8Array.from(values),
});

type ShapeCase = GradientCase & { readonly title?: string };

const cases: readonly ShapeCase[] = [
  { op: 'Reshape', inputs: [[2, 3, 4], ints(0, -1)] },
  { op: 'Flatten', inputs: [[2, 3, 4]], attributes: { axis: 2 } },
  { op: 'Squeeze', inputs: [[2, 1, 3, 1], ints(1, -1)] },
  { op: 'Unsqueeze', inputs: [[2, 3], ints(0, -1)] },
  { op: 'Transpose', inputs: [[2, 3, 4]], attributes: { perm: [2, 0, 1] } },
  { op: 'Transpose', title: 'without perm', inputs: [[2, 3, 4]] },
  { op: 'Expand', inputs: [[3, 1], ints(2, 1, 4)] },
  { op: 'Tile', inputs: [[2, 3], ints(3, 2)] },
  { op: 'Tile', title: 'of one axis', inputs: [[2, 1, 3], ints(1, 2, 1)] },
  { op: 'Tile', title: 'of nothing', inputs: [[2, 3], ints(1, 1)] },
  {
    op: 'Concat',
    inputs: [
      [2, 3],
      [2, 1],
      [2, 4],
    ],
    attributes: { axis: 1 },
  },
  {
    op: 'Concat',
    title: 'on the first axis',
    inputs: [
      [2, 3],
      [1, 3],
    ],
    attributes: { axis: 0 },
  },
  {
    op: 'Concat',
    title: 'from the end, with a constant',
    inputs: [[2, 3], float32Tensor([1, 2], [2, 1])],
    attributes: { axis: -1 },
  },
  { op: 'Split', inputs: [[2, 6], ints(1, 3, 2)], outputCount: 3, attributes: { axis: 1 } },
  { op: 'Split', title: 'with unused parts', inputs: [[6, 2]], outputCount: 3, seeded: [1] },
  {
    op: 'Split',
    title: 'by num_outputs',
    inputs: [[2, 7]],
    outputCount: 3,
    attributes: { axis: 1, num_outputs: 3 },
    opset: 18,
  },
  { op: 'Slice', inputs: [[4, 5], ints(1, 2), ints(3, 5)] },
  {
    op: 'Slice',
    title: 'from the end, past the end',
    inputs: [[4, 5], ints(-3, -2), ints(-1, 99), ints(-2, 1)],
  },
  { op: 'Slice', title: 'with a start before the beginning', inputs: [[4, 5], ints(-9), ints(2), ints(1)] },
  { op: 'Slice', title: 'with steps', inputs: [[5, 6], ints(0, 1), ints(5, 6), ints(0, 1), ints(2, 3)] },
  { op: 'Slice', title: 'backwards', inputs: [[4, 5], ints(-1, 3), ints(-99, 0), ints(0, 1), ints(-1, -2)] },
  { op: 'Pad', inputs: [[2, 3], ints(1, 0, 2, 1)] },
  { op: 'Pad', title: 'with a fill', inputs: [[2, 3], ints(1, 0, 0, 1), []] },
  { op: 'Pad', title: 'cropping', inputs: [[4, 5], ints(-1, 1, 0, -2)] },
  { op: 'Pad', title: 'reflecting', inputs: [[3, 4], ints(1, 2, 2, 1)], attributes: { mode: 'reflect' } },
  {
    op: 'Pad',
    title: 'repeating the edge',
    inputs: [[3, 4], ints(1, 0, 2, 1)],
    attributes: { mode: 'edge' },
  },
  { op: 'Pad', title: 'by axes', inputs: [[3, 4], ints(1, 2), '', ints(-1)], opset: 18 },
  { op: 'Gather', inputs: [[4, 3], int64Tensor([1, 3, 1, -1], [2, 2])] },
  { op: 'Gather', title: 'of one row', inputs: [[4, 3], scalar(2)] },
  { op: 'Gather', title: 'on another axis', inputs: [[2, 4, 3], ints(1, 3, 1)], attributes: { axis: 1 } },
  { op: 'Gather', title: 'of one column', inputs: [[2, 4, 3], scalar(0)], attributes: { axis: 1 } },
  { op: 'Gather', title: 'of the last', inputs: [[2, 4, 3], scalar(-1)], attributes: { axis: -1 } },
  { op: 'Gather', title: 'of neighbours', inputs: [[2, 4, 3], ints(1, 2)], attributes: { axis: 1 } },
  { op: 'Gather', title: 'of all', inputs: [[2, 3], ints(-3, 1, 2)], attributes: { axis: 1 } },
  {
    op: 'GatherElements',
    inputs: [[3, 3], int64Tensor([0, 2, 2, 1, 1, 0], [3, 2])],
    attributes: { axis: 1 },
  },
  { op: 'GatherND', inputs: [[3, 4], int64Tensor([0, 1, 2, 3, 0, 1], [3, 2])] },
  {
    op: 'GatherND',
    title: 'per batch',
    inputs: [[2, 4, 2], int64Tensor([1, 3], [2, 1])],
    attributes: { batch_dims: 1 },
  },
  {
    op: 'ScatterElements',
    inputs: [[3, 3], int64Tensor([0, 2, 1, 0], [2, 2]), [2, 2]],
    attributes: { axis: 1 },
  },
  {
    op: 'ScatterElements',
    title: 'adding',
    inputs: [[3, 3], int64Tensor([2, 2, 1, 0], [2, 2]), [2, 2]],
    attributes: { reduction: 'add' },
  },
  { op: 'ScatterND', inputs: [[4, 2], int64Tensor([3, 1], [2, 1]), [2, 2]] },
  {
    op: 'ScatterND',
    title: 'adding',
    inputs: [[4, 2], int64Tensor([1, 1], [2, 1]), [2, 2]],
    attributes: { reduction: 'add' },
  },
  { op: 'TopK', inputs: [[3, 5], ints(2)], outputCount: 2, seeded: [0] },
  { op: 'DepthToSpace', inputs: [[2, 8, 2, 3]], attributes: { blocksize: 2 } },
  { op: 'DepthToSpace', title: 'CRD', inputs: [[2, 8, 2, 3]], attributes: { blocksize: 2, mode: 'CRD' } },
  { op: 'SpaceToDepth', inputs: [[2, 3, 4, 6]], attributes: { blocksize: 2 } },
  { op: 'CumSum', inputs: [[3, 4], scalar(1)] },
  {
    op: 'CumSum',
    title: 'exclusive, reversed',
    inputs: [[3, 4], scalar(0)],
    attributes: { exclusive: 1, reverse: 1 },
  },
  { op: 'Trilu', inputs: [[2, 3, 4], scalar(1)], attributes: { upper: 0 } },
  { op: 'Where', inputs: [flags(1, 0, 1), [2, 3], [3]] },
  { op: 'Where', title: 'with a scalar', inputs: [flags(1, 0, 1), [], [2, 3]] },
  { op: 'Dropout', inputs: [[2, 3]] },
  {
    op: 'PRelu',
    inputs: [
      [2, 3, 4],
      [3, 1],
    ],
  },
  { op: 'PRelu', title: 'with one slope', inputs: [[2, 3, 4], [1]] },
  { op: 'Clip', inputs: [[3, 4], float32Tensor([-0.6], []), float32Tensor([0.7], [])] },
  { op: 'Clip', title: 'from above, by its bound', inputs: [[3, 4], '', { wrt: float32Tensor([0.4], []) }] },
  { op: 'Clip', title: 'from below, by its bound', inputs: [[3, 4], { wrt: float32Tensor([0.1], []) }] },
];

describe('gradients of operators that move or choose elements', () => {
  for (const { title = '', ...given } of cases) {
    it(`of ${given.op} equal central differences ${title}`.trim(), async () => {
      const map = (value: number): number => (Math.abs(value) < 0.1 ? value + 0.2 : value);
      await checkCase({ map, ...given });
      await checkCase({ map, ...given, hidden: true }, 9);
    });
  }
});
