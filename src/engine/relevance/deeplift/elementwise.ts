import type { GraphNode } from '../../../onnx/model.js';
import type { InputCotangent } from '../../gradients/gradientRule.js';
import { shapeIfKnown } from '../../gradients/staticShapes.js';
import { changeOf, type Difference, middleOf, ownAt, replay } from './differences.js';

/**
 * Where a difference is too small to divide by, so that the slope in the middle is the better multiplier.
 *
 * For a smooth f the slope in the middle is wrong by f‴Δ²/24 and the quotient of float32 differences by some 1e-7·|f|/Δ:
 * they meet near Δ = 1e-2 of the scale on which f bends.
 */
interface Smallness {
  /** Largest small difference: in the operand's own unit, or as a share of its size. */
  readonly limit: number;
  readonly isRelative: boolean;
  /** Whether f has a corner at 0, so that x and r must lie on one side of it. */
  readonly hasCornerAtZero: boolean;
}

const smooth: Smallness = { limit: 1e-2, isRelative: false, hasCornerAtZero: false };
const smoothFromZero: Smallness = { limit: 1e-2, isRelative: true, hasCornerAtZero: false };
const bent: Smallness = { limit: 1e-2, isRelative: false, hasCornerAtZero: true };
/** Straight on both sides of 0: on one side the slope is right at any distance. */
const cornered: Smallness = { limit: Infinity, isRelative: false, hasCornerAtZero: true };
/** Straight pieces with corners elsewhere: only what rounding makes equal is small. */
const pieces: Smallness = { limit: 1e-6, isRelative: true, hasCornerAtZero: false };

const smallness: Readonly<Record<string, Smallness>> = {
  ...Object.fromEntries(
    ['Sigmoid', 'Tanh', 'Softplus', 'Erf', 'Gelu', 'FastGelu', 'QuickGelu', 'BiasGelu', 'Mish', 'Swish'].map(
      (name) => [name, smooth],
    ),
  ),
  ...Object.fromEntries(
    ['Exp', 'Sin', 'Cos', 'Atan', 'Sinh', 'Cosh', 'Asinh', 'Asin', 'Acos', 'Atanh'].map((name) => [
      name,
      smooth,
    ]),
  ),
  ...Object.fromEntries(
    ['Sqrt', 'Log', 'Reciprocal', 'Pow', 'Acosh', 'Tan'].map((name) => [name, smoothFromZero]),
  ),
  ...Object.fromEntries(['Elu', 'Selu', 'Celu', 'Softsign'].map((name) => [name, bent])),
  ...Object.fromEntries(['Relu', 'LeakyRelu', 'PRelu', 'Abs'].map((name) => [name, cornered])),
  ...Object.fromEntries(
    ['Clip', 'ThresholdedRelu', 'Shrink', 'HardSigmoid', 'HardSwish'].map((name) => [name, pieces]),
  ),
};

/** Returns whether a node applies a function to its first operand element by element, the others being fixed. */
export function isElementwise(node: GraphNode, varying: readonly number[]): boolean {
  return varying.join() === '0' && Object.hasOwn(smallness, node.opType);
}

/**
 * Rescale: the multiplier of y = f(x) is (f(x) − f(r))/(x − r), or f′ in the middle where x and r are too close.
 *
 * Source: Shrikumar, Greenside & Kundaje (2017), "Learning Important Features Through Propagating Activation
 * Differences", section 3.5.2, https://arxiv.org/abs/1704.02685.
 */
export function rescale(difference: Difference): readonly InputCotangent[] {
  const { context, emit, g } = difference;
  const [x = '', ...rest] = context.node.inputs;
  const [y = ''] = context.node.outputs;
  const change = changeOf(difference, x);
  const isFar = isFarApart(difference, change);
  const middle = middleOf(difference, x);
  const inputs = [middle, ...rest];
  const [slope] = ownAt(difference, { inputs, outputs: [replay(difference, inputs)], g });
  const near = typeof slope === 'string' ? slope : (slope?.value ?? emit.zeros(emit.shape(y)));
  const safe = emit.where(isFar, change, emit.scalar(1));
  const quotient = emit.div(changeOf(difference, y), safe);
  return [{ value: emit.where(isFar, emit.mul(g, quotient), near), shape: shapeIfKnown(context, y) }];
}

/** NaN (∞ − ∞) is not far: comparisons with it are false. */
function isFarApart(difference: Difference, change: string): string {
  const { context, emit, run } = difference;
  const [x = ''] = context.node.inputs;
  const { limit, isRelative, hasCornerAtZero } = smallness[context.node.opType] ?? pieces;
  const size = emit.node('Abs', [change]);
  const isDifferent = emit.greater(size, emit.scalar(0));
  const reference = run.referenceOf(x);
  const extent = (): string => emit.add(emit.node('Abs', [x]), emit.node('Abs', [reference]));
  const least = isRelative ? emit.scale(extent(), limit / 2) : emit.scalar(limit);
  const isOneSided = (): string => emit.greater(emit.mul(x, reference), emit.scalar(0));
  const isSmall = limit === Infinity ? undefined : emit.node('LessOrEqual', [size, least]);
  const isNear = !hasCornerAtZero
    ? isSmall
    : isSmall === undefined
      ? isOneSided()
      : emit.node('And', [isSmall, isOneSided()]);
  return isNear === undefined ? isDifferent : emit.node('And', [isDifferent, emit.node('Not', [isNear])]);
}
