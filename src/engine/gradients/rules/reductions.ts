import { intAttribute, intsAttribute } from '../../../onnx/model.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { emitExpansion } from '../expansion.js';
import { emitFirstExtreme } from '../firstExtreme.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';
import { axesFrom, constantInts, fixedSize, normalAxis, rankOf } from '../staticShapes.js';

/** Operand x, result y and cotangent g of a reduction, y and g with the reduced axes kept as 1. */
interface Reduced {
  readonly emit: Emitter;
  readonly x: string;
  readonly y: string;
  readonly g: string;
  /** Ascending. Only rules that ask need axes that are known before running. */
  readonly axes: readonly number[];
  readonly rank: number;
  /** Returns a value over the number of elements that make one result. */
  readonly perElement: (value: string) => string;
}

function reduction(opType: string, derive: (operands: Reduced) => string): GradientRule {
  return {
    opType,
    domain: '',
    opsets: [13, latestOpset],
    backward(context) {
      const [g] = context.outputCotangents;
      const [x = ''] = context.node.inputs;
      const [y = ''] = context.node.outputs;
      if (g === undefined) return [];
      const emit = emitterFor(context);
      const rank = rankOf(context, x);
      const isKept = intAttribute(context.node, 'keepdims', 1) === 1;
      const kept = (value: string): string =>
        isKept ? value : emit.unsqueeze(value, reducedAxes(context, rank));
      const operands = {
        ...{ emit, x, y: kept(y), g: kept(g), rank },
        perElement: (value: string) => {
          const count = elementCountIfFixed(context, rank);
          return count === undefined
            ? emit.div(value, elementsPerResult(emit, x, kept(y)))
            : emit.scale(value, 1 / count);
        },
      };
      return [
        derive({
          ...operands,
          get axes() {
            return reducedAxes(context, rank);
          },
        }),
      ];
    },
  };
}

/** Axes are an attribute up to opset 17 (ReduceSum: 12), an operand after. */
function reducedAxes(context: RuleContext, rank: number): readonly number[] {
  const axes = intsAttribute(context.node, 'axes') ?? constantInts(context, 1) ?? [];
  if (axes.length > 0) return axes.map((axis) => normalAxis(axis, rank)).sort((a, b) => a - b);
  return intAttribute(context.node, 'noop_with_empty_axes', 0) === 1 ? [] : axesFrom(0, rank);
}

/** Axes and sizes may both be open until the run. */
function elementCountIfFixed(context: RuleContext, rank: number): number | undefined {
  const [x = '', axes = ''] = context.node.inputs;
  if (axes !== '' && context.constantOf(axes) === undefined) return undefined;
  const sizes = reducedAxes(context, rank).map((axis) => fixedSize(context, x, axis));
  const known = sizes.filter((size) => size !== undefined);
  const count = known.reduce((product, size) => product * size, 1);
  return known.length === sizes.length && count > 0 ? count : undefined;
}

function elementsPerResult(emit: Emitter, x: string, y: string): string {
  const count = (value: string): string => emit.castTo(emit.node('Size', [value]), emit.elementType);
  return emit.div(count(x), count(y));
}

/** Π of the others: P/x, but exact where x has zeros: with one zero only it has a slope, with two none has. */
function productSlope({ emit, x, g, axes }: Reduced): string {
  const isZero = emit.node('Equal', [x, emit.scalar(0)]);
  const filled = emit.where(isZero, emit.scalar(1), x);
  const product = emit.builder.reduce('ReduceProd', filled, axes, true);
  const zeroCount = emit.sum(emit.castTo(isZero, emit.elementType), axes, true);
  const others = emit.div(product, filled);
  const isFree = emit.less(zeroCount, emit.scalar(0.5));
  const isOnlyZero = emit.node('And', [isZero, emit.less(zeroCount, emit.scalar(1.5))]);
  return emit.mul(g, emit.where(isFree, others, emit.where(isOnlyZero, others, emit.scalar(0))));
}

/** Sums, means, extremes and norms over axes. */
export const reductionRules: readonly GradientRule[] = [
  reduction('ReduceSum', ({ emit, x, g }) => emitExpansion(emit, g, x)),
  reduction('ReduceMean', ({ emit, x, g, perElement }) => emitExpansion(emit, perElement(g), x)),
  reduction('ReduceMax', (operands) => emitFirstExtreme(operands.emit, 'ArgMax', operands)),
  reduction('ReduceMin', (operands) => emitFirstExtreme(operands.emit, 'ArgMin', operands)),
  reduction('ReduceProd', productSlope),
  reduction('ReduceSumSquare', ({ emit, x, g }) => emit.mul(emit.scale(g, 2), x)),
  reduction('ReduceL1', ({ emit, x, g }) => emit.mul(g, emit.node('Sign', [x]))),
  // x/‖x‖; 0 at the origin, where the norm has a corner.
  reduction('ReduceL2', ({ emit, x, y, g }) => {
    const isOrigin = emit.node('Equal', [y, emit.scalar(0)]);
    return emit.mul(emit.div(g, emit.where(isOrigin, emit.scalar(1), y)), x);
  }),
  // y = ln Σx: 1/Σx = e⁻ʸ
  reduction('ReduceLogSum', ({ emit, x, y, g }) =>
    emit.expandLike(emit.mul(g, emit.node('Exp', [emit.neg(y)])), x),
  ),
  reduction('ReduceLogSumExp', ({ emit, x, y, g }) => emit.mul(g, emit.node('Exp', [emit.sub(x, y)]))),
];
