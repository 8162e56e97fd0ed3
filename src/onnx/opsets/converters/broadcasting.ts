import { type GraphNode, intAttribute } from '../../model.js';
import { int64Tensor } from '../../tensorValue.js';
import {
  type ConversionContext,
  type Converted,
  type Converter,
  newNode,
  notConvertible,
  shapeOf,
  type VersionChange,
  withInput,
  withoutAttributes,
} from '../converter.js';

// Before opset 7 the second operand lay along consecutive axes of the first, from `axis` on; since then operands are
// aligned at their last axes. Axes of size 1 after the second operand's own make the two agree.

function withTrailingAxes(
  node: GraphNode,
  { operand, rank, count }: { readonly operand: number; readonly rank: number; readonly count: number },
  context: ConversionContext,
): Converted {
  const axes = Array.from({ length: count }, (_, i) => rank + i);
  const name = node.inputs[operand] ?? '';
  const output = context.freshName(`${name}/aligned`);
  const inputs = [name, context.constant(int64Tensor(axes, [count]))];
  return { before: [newNode('Unsqueeze', { inputs, output })], node: withInput(node, operand, output) };
}

const binary: Converter = (node, context) => {
  const plain = withoutAttributes(node, 'axis', 'broadcast', 'consumed_inputs');
  if (intAttribute(node, 'broadcast', 0) === 0 || !node.attributes.has('axis')) return plain;
  const a = shapeOf(context, node.inputs[0] ?? '');
  const b = shapeOf(context, node.inputs[1] ?? '');
  if (a === undefined || b === undefined) {
    throw notConvertible(
      node,
      context.opset,
      'its operands are broadcast along an axis and their ranks are unknown',
    );
  }
  const axis = intAttribute(node, 'axis', 0);
  const count = a.length - (axis < 0 ? axis + a.length : axis) - b.length;
  return count <= 0 ? plain : withTrailingAxes(plain, { operand: 1, rank: b.length, count }, context);
};

const slopePerChannel: Converter = (node, context) => {
  const plain = withoutAttributes(node, 'consumed_inputs');
  const slope = shapeOf(context, node.inputs[1] ?? '');
  const data = shapeOf(context, node.inputs[0] ?? '');
  if (slope === undefined || data === undefined) {
    throw notConvertible(node, context.opset, 'the ranks of its operands are unknown');
  }
  // One slope is for all; several are one per channel, axis 1.
  if (slope.length !== 1 || slope[0] === 1 || data.length <= 2) return plain;
  return withTrailingAxes(plain, { operand: 1, rank: 1, count: data.length - 2 }, context);
};

/** Version changes to numpy's way of broadcasting. */
export const broadcasting: readonly VersionChange[] = [
  { operators: 'Add And Div Equal Greater Less Mul Or Pow Sub Xor', version: 7, convert: binary },
  { operators: 'Gemm', version: 7, convert: (node) => withoutAttributes(node, 'broadcast') },
  { operators: 'PRelu', version: 7, convert: slopePerChannel },
];
