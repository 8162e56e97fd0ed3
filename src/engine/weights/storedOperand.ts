import { dataTypeFacts, type DataType, dataTypeOfCode } from '../../onnx/dataTypes.js';
import type { GraphView } from '../../onnx/layers/graphView.js';
import { type GraphNode, intAttribute, intsAttribute, type Tensor } from '../../onnx/model.js';
import { elementCountOf, type TensorValue } from '../../onnx/tensorValue.js';
import { forEachElement } from './operandElements.js';

/** A constant operand as it is stored, and what stands between the file and the node that reads it. */
export interface StoredOperand {
  readonly stored: Tensor | TensorValue;
  /** Shape of what is stored. */
  readonly storedDims: readonly number[];
  /** Shape as the node reads it. */
  readonly dims: readonly number[];
  /** In order, from the file to the node. */
  readonly steps: readonly OperandStep[];
}

/** One thing that happens to every element on its way. */
export type OperandStep =
  /** Moves elements: axis i of the result is axis `order[i]` of `dims`. */
  | { readonly kind: 'transpose'; readonly dims: readonly number[]; readonly order: readonly number[] }
  /** value ↦ (value − zero point) · scale. */
  | { readonly kind: 'dequantize'; readonly by: Quantization }
  /** value ↦ the nearest of the quantised values. */
  | { readonly kind: 'quantize'; readonly by: Quantization; readonly range: readonly [number, number] }
  | { readonly kind: 'cast'; readonly to: DataType };

/** Scales and zero points, and which element takes which: `[outer, size, inner]`, one for each run of `block` along `size`. */
export interface Quantization {
  readonly scale: Float64Array;
  readonly zeroPoint: Float64Array | undefined;
  readonly size: number;
  readonly inner: number;
  readonly block: number;
}

/**
 * Returns a constant operand; undefined when it is computed, or from constants in a way that is not followed.
 *
 * @throws UserError when the scales of a quantised one cannot be read.
 */
export async function storedOperand(view: GraphView, name: string): Promise<StoredOperand | undefined> {
  const initializer = view.graph.initializers.get(name);
  if (initializer !== undefined) return leaf(initializer);
  const node = view.index.producerOf(name);
  if (node !== undefined) {
    return node.opType === 'Constant' ? constantOperand(view, name, node) : await through(view, node);
  }
  const outer = view.outerValue(name);
  return outer === undefined ? undefined : await storedOperand(outer.view, outer.name);
}

/**
 * Returns all elements of a constant operand, which must be small (scales, biases); undefined as for `storedOperand`.
 *
 * @throws UserError when it cannot be read.
 */
export async function operandValues(
  view: GraphView,
  name: string | undefined,
): Promise<Float64Array | undefined> {
  const operand = name === undefined || name === '' ? undefined : await storedOperand(view, name);
  if (operand === undefined) return undefined;
  const values = new Float64Array(elementCountOf(operand.dims));
  await forEachElement(operand, (value, flat) => {
    values[flat] = value;
  });
  return values;
}

function leaf(stored: Tensor | TensorValue): StoredOperand {
  return { stored, storedDims: stored.dims, dims: stored.dims, steps: [] };
}

function constantOperand(view: GraphView, name: string, node: GraphNode): StoredOperand | undefined {
  const attribute = node.attributes.get('value');
  if (attribute?.kind === 'tensor') return leaf(attribute.value);
  const value = view.constants.get(name)?.value;
  return value === undefined ? undefined : leaf(value);
}

async function through(view: GraphView, node: GraphNode): Promise<StoredOperand | undefined> {
  const seen = view.constants.get(node.outputs[0] ?? '');
  const from = seen === undefined ? undefined : await storedOperand(view, node.inputs[0] ?? '');
  if (from === undefined) return undefined;
  switch (node.opType) {
    case 'Identity':
      return from;
    case 'Transpose': {
      const order = intsAttribute(node, 'perm') ?? from.dims.map((_, axis) => from.dims.length - 1 - axis);
      const step: OperandStep = { kind: 'transpose', dims: from.dims, order };
      return { ...from, dims: order.map((axis) => from.dims[axis] ?? 1), steps: [...from.steps, step] };
    }
    case 'Reshape':
    case 'Flatten':
    case 'Squeeze':
    case 'Unsqueeze': {
      const dims = seen?.dims ?? undefined;
      return dims === undefined ? undefined : { ...from, dims };
    }
    case 'Cast':
      return {
        ...from,
        steps: [...from.steps, { kind: 'cast', to: dataTypeOfCode(intAttribute(node, 'to', 1)) }],
      };
    case 'DequantizeLinear':
    case 'QuantizeLinear':
      return withQuantization(view, node, from);
    default:
      return undefined;
  }
}

async function withQuantization(
  view: GraphView,
  node: GraphNode,
  from: StoredOperand,
): Promise<StoredOperand | undefined> {
  const axis = intAttribute(node, 'axis', 1);
  const by = await quantization(view, from.dims, {
    scale: node.inputs[1],
    zeroPoint: node.inputs[2],
    axis,
    block: intAttribute(node, 'block_size', 0),
  });
  if (by === undefined) return undefined;
  if (node.opType === 'DequantizeLinear') {
    return { ...from, steps: [...from.steps, { kind: 'dequantize', by }] };
  }
  const range = integerRange(zeroPointType(view, node));
  if (range === undefined) return undefined;
  return { ...from, steps: [...from.steps, { kind: 'quantize', by, range }] };
}

/** Returns how elements of a shape are quantised; undefined where scales or zero points are computed. */
export async function quantization(
  view: GraphView,
  dims: readonly number[],
  operands: {
    readonly scale: string | undefined;
    readonly zeroPoint: string | undefined;
    readonly axis: number;
    /** Elements along the axis that share a scale; 0: all have the scale of their index. */
    readonly block: number;
  },
): Promise<Quantization | undefined> {
  const hasZeroPoint = operands.zeroPoint !== undefined && operands.zeroPoint !== '';
  const zeroPoint = await operandValues(view, operands.zeroPoint);
  if (hasZeroPoint && zeroPoint === undefined) return undefined;
  // Operators on integers leave the scale to what comes behind: their weights count in steps.
  const scale =
    operands.scale === undefined
      ? new Float64Array(zeroPoint?.length ?? 1).fill(1)
      : await operandValues(view, operands.scale);
  if (scale === undefined) return undefined;
  const total = elementCountOf(dims);
  if (scale.length === 1) return { scale, zeroPoint, size: 1, inner: total, block: 1 };
  const axis = operands.axis < 0 ? operands.axis + dims.length : operands.axis;
  const inner = elementCountOf(dims.slice(axis + 1));
  const size = dims[axis] ?? 1;
  if (operands.block === 0) return { scale, zeroPoint, size, inner, block: 1 };
  return { scale, zeroPoint, size, inner, block: operands.block };
}

/** Type of the zero point, which is that of the quantised values; uint8 without one. */
function zeroPointType(view: GraphView, node: GraphNode): DataType {
  const zeroPoint = node.inputs[2];
  const value = zeroPoint === undefined ? undefined : view.constants.get(zeroPoint)?.value;
  const written = intAttribute(node, 'output_dtype', 0);
  return value?.dtype ?? (written === 0 ? 'uint8' : dataTypeOfCode(written));
}

function integerRange(type: DataType): readonly [number, number] | undefined {
  if (!/^u?int/.test(type)) return undefined;
  const { bits } = dataTypeFacts(type);
  return type.startsWith('u') ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}
