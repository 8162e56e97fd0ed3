import { type GraphNode, type Model, intsAttribute } from '../../onnx/model.js';

/** Operators that keep the axes of their first input. */
const keepsAxes = new Set([
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Cast',
  'Identity',
  'Dropout',
  'Clip',
  'Pad',
  'Relu',
  'QuantizeLinear',
  'DequantizeLinear',
]);

/** Operators whose channels are axis 1. */
const channelsFirst = new Set([
  'Conv',
  'ConvInteger',
  'QLinearConv',
  'ConvTranspose',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'BatchNormalization',
  'InstanceNormalization',
]);

/**
 * Returns the channel axis of a value (row axis counted), or undefined when every element is a position of its own.
 *
 * The operator that first reads the value decides (through elementwise operators and Transpose): axis 1 for convolutions
 * and pooling. Where none is found: the last axis of a `[N, T, D]` sequence, and for four and more axes the smaller of
 * axis 1 and the last.
 */
export function channelAxisOf(model: Model, value: string, dims: readonly number[]): number | undefined {
  const rank = dims.length + 1;
  if (rank <= 2) return undefined;
  const axes = dims.map((_, i) => i + 1);
  const found = followReaders(model, value, [0, ...axes]);
  if (found !== undefined) return found;
  if (rank === 3) return 2;
  const [first = 0] = dims;
  const last = dims[dims.length - 1] ?? 0;
  return last < first ? rank - 1 : 1;
}

/** `order[i]` is the original axis that axis i of the current value holds. */
function followReaders(model: Model, value: string, order: readonly number[]): number | undefined {
  let current = value;
  let axes = order;
  // A chain this long without a deciding operator has none.
  for (let step = 0; step < 64; step++) {
    const reader = model.graph.nodes.find((node) => node.inputs.includes(current));
    if (reader === undefined) return undefined;
    if (channelsFirst.has(reader.opType)) return axes[1];
    const next = axesAfter(reader, axes);
    if (next === undefined) return undefined;
    axes = next;
    current = reader.outputs[0] ?? '';
  }
  return undefined;
}

function axesAfter(node: GraphNode, axes: readonly number[]): readonly number[] | undefined {
  if (keepsAxes.has(node.opType)) return axes;
  if (node.opType !== 'Transpose') return undefined;
  const permutation = intsAttribute(node, 'perm') ?? axes.map((_, i) => axes.length - 1 - i);
  return permutation.map((axis) => axes[axis] ?? axis);
}
