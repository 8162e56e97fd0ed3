import { intAttribute, type GraphNode } from '../../../onnx/model.js';
import { isAffine } from '../../bounds/affine.js';
import type { InputCotangent } from '../../gradients/gradientRule.js';
import { type Difference, middleOf, ownAt } from './differences.js';
import { isElementwise, rescale } from './elementwise.js';
import { isExtreme, throughExtreme } from './extremes.js';
import { normalisedRule } from './normalised.js';

/** Affine in the operands named here, whatever the others are as long as they do not vary. */
const linearIn: Readonly<Record<string, readonly number[]>> = {
  Cast: [0],
  CastLike: [0],
  Resize: [0],
  ReverseSequence: [0],
  CenterCropPad: [0],
  Compress: [0],
  Col2Im: [0],
  MaxUnpool: [0],
  DFT: [0],
  AffineGrid: [0],
  ScatterElements: [0, 2],
  ScatterND: [0, 2],
  TensorScatter: [0, 1],
};

/** Of second degree in all their operands together: the gradient in the middle is the exact multiplier. */
const quadratic = new Set(['Mul', 'MatMul', 'Gemm', 'Conv', 'ConvTranspose', 'ReduceSumSquare']);

/** Passes a multiplier through one node. */
export type MultiplierRule = (difference: Difference) => readonly InputCotangent[];

/**
 * Returns the rule that a node's multipliers follow when the given operands vary, or undefined where there is none.
 *
 * All rules are complete: Σ multiplier · (x − r) over the operands is the change of the result.
 */
export function multiplierRule(node: GraphNode, varying: readonly number[]): MultiplierRule | undefined {
  if (isLinear(node, varying)) return linear;
  if (node.domain === '' && quadratic.has(node.opType)) return product;
  if (isElementwise(node, varying)) return rescale;
  if (node.domain !== '') return undefined;
  return isExtreme(node.opType) ? throughExtreme : normalisedRule(node.opType, varying);
}

/** Returns whether a node is affine in its varying operands. */
export function isLinear(node: GraphNode, varying: readonly number[]): boolean {
  if (node.opType === 'BatchNormalization' && intAttribute(node, 'training_mode', 0) === 1) return false;
  if (isAffine(node, varying)) return true;
  const operands =
    node.domain === '' && Object.hasOwn(linearIn, node.opType) ? linearIn[node.opType] : undefined;
  return operands !== undefined && varying.every((index) => operands.includes(index));
}

const linear: MultiplierRule = ({ own, context }) => own.backward(context);

/** Δ(ab) = Δa·(b + b_r)/2 + Δb·(a + a_r)/2: each factor gets its Shapley value. */
function product(difference: Difference): readonly InputCotangent[] {
  const { context, run, g } = difference;
  const inputs = context.node.inputs.map((name) => (run.varies(name) ? middleOf(difference, name) : name));
  return ownAt(difference, { inputs, g });
}
