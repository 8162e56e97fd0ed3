import { floatAttribute, intAttribute, intsAttribute } from '../../../onnx/model.js';
import type { InputCotangent } from '../../gradients/gradientRule.js';
import { axesFrom, constantInts, normalAxis, rankOf, shapeIfKnown } from '../../gradients/staticShapes.js';
import { type Difference, middleOf, referenceInput } from './differences.js';

type Throughput = (difference: Difference) => readonly InputCotangent[];

/**
 * Softmax as eᶻ/Σeᶻ with z = x − Σ w x: elementwise Rescale at eᶻ and 1/Σ, and their product shared out evenly.
 *
 * w is the mean of both runs' probabilities; subtracting a weighted mean changes no result, and makes a shift of all
 * elements by the same amount, which changes nothing, score nothing.
 */
function softmax(difference: Difference): readonly InputCotangent[] {
  const { emit, g } = difference;
  const { z, ofShifted } = shifted(difference, { isLogarithm: false });
  const { here, there, toPower } = exponentials(difference, z);
  const inverse = emit.scale(
    emit.add(emit.node('Reciprocal', [here.total]), emit.node('Reciprocal', [there.total])),
    0.5,
  );
  const middle = emit.scale(emit.add(here.power, there.power), 0.5);
  // Δ(1/S)/ΔS = −1/(S·S_r)
  const along = sumAlong(difference, emit.mul(g, middle));
  const toTotal = emit.neg(emit.div(along, emit.mul(here.total, there.total)));
  return [ofShifted(emit.mul(emit.add(emit.mul(g, inverse), toTotal), toPower))];
}

/** LogSoftmax as z − ln Σeᶻ, by Rescale at ln and eᶻ. */
function logSoftmax(difference: Difference): readonly InputCotangent[] {
  const { emit, g } = difference;
  const { z, ofShifted } = shifted(difference, { isLogarithm: true });
  const { here, there, toPower } = exponentials(difference, z);
  const ratio = emit.sub(emit.node('Log', [here.total]), emit.node('Log', [there.total]));
  const change = emit.sub(here.total, there.total);
  const middle = emit.scale(emit.add(here.total, there.total), 0.5);
  const isFar = emit.greater(emit.node('Abs', [change]), emit.scale(middle, 1e-2));
  const safe = emit.where(isFar, change, emit.scalar(1));
  const slope = emit.where(isFar, emit.div(ratio, safe), emit.node('Reciprocal', [middle]));
  const toTotal = emit.neg(emit.mul(sumAlong(difference, g), slope));
  return [ofShifted(emit.add(g, emit.mul(toTotal, toPower)))];
}

function sumAlong({ emit, context }: Difference, value: string): string {
  return emit.sum(value, [intAttribute(context.node, 'axis', -1)], true);
}

interface Shifted {
  readonly z: readonly [here: string, there: string];
  /** Multiplier of z → multiplier of x. */
  readonly ofShifted: (multiplier: string) => string;
}

function shifted(difference: Difference, { isLogarithm }: { readonly isLogarithm: boolean }): Shifted {
  const { emit, context } = difference;
  const { node } = context;
  const [x = ''] = node.inputs;
  const [y = ''] = node.outputs;
  const axis = intAttribute(node, 'axis', -1);
  const reference = referenceInput(difference, 0);
  const probability = (value: string): string => emit.node('Softmax', [value], { axis });
  const weights = isLogarithm
    ? emit.scale(emit.add(probability(x), probability(reference)), 0.5)
    : middleOf(difference, y);
  const isFree = emit.greater(weights, emit.scalar(0));
  const zOf = (value: string): string => {
    // Masked elements stand at −∞ with weight 0, whose product would be NaN.
    const weighted = emit.where(isFree, emit.mul(weights, value), emit.scalar(0));
    return emit.sub(value, sumAlong(difference, weighted));
  };
  return {
    z: [zOf(x), zOf(reference)],
    ofShifted: (multiplier) => emit.sub(multiplier, emit.mul(weights, sumAlong(difference, multiplier))),
  };
}

interface Exponentials {
  readonly here: { readonly power: string; readonly total: string };
  readonly there: { readonly power: string; readonly total: string };
  /** Δeᶻ/Δz, or eᶻ in the middle where z hardly changed. */
  readonly toPower: string;
}

function exponentials(difference: Difference, [z, zReference]: Shifted['z']): Exponentials {
  const { emit, context } = difference;
  const axis = intAttribute(context.node, 'axis', -1);
  // One constant for both runs, between their maxima: e^(z − c) neither overflows nor vanishes for maxima within 160.
  const top = (value: string): string => emit.builder.reduce('ReduceMax', value, [axis], true);
  const centre = emit.scale(emit.add(top(z), top(zReference)), 0.5);
  const [a, b] = [emit.sub(z, centre), emit.sub(zReference, centre)];
  const here = emit.node('Exp', [a]);
  const there = emit.node('Exp', [b]);
  const change = emit.sub(a, b);
  const isFar = emit.greater(emit.node('Abs', [change]), emit.scalar(1e-2));
  const safe = emit.where(isFar, change, emit.scalar(1));
  const middle = emit.node('Exp', [emit.scale(emit.add(a, b), 0.5)]);
  return {
    here: { power: here, total: sumAlong(difference, here) },
    there: { power: there, total: sumAlong(difference, there) },
    toPower: emit.where(isFar, emit.div(emit.sub(here, there), safe), middle),
  };
}

/** a/b as a · 1/b: the product shared out evenly, and Δ(1/b)/Δb = −1/(b·b_r). */
function quotient(difference: Difference): readonly InputCotangent[] {
  const { emit, context, g } = difference;
  const [a = '', b = ''] = context.node.inputs;
  const reference = referenceInput(difference, 1);
  const shape = shapeIfKnown(context, context.node.outputs[0] ?? '');
  const inverse = emit.scale(
    emit.add(emit.node('Reciprocal', [b]), emit.node('Reciprocal', [reference])),
    0.5,
  );
  const toDivisor = (): string =>
    emit.neg(emit.div(emit.mul(g, middleOf(difference, a)), emit.mul(b, reference)));
  return [
    context.wants(0) ? { value: emit.mul(g, inverse), shape } : undefined,
    context.wants(1) ? { value: toDivisor(), shape } : undefined,
  ];
}

/**
 * y = scale·c/s + bias with c = x − mean(x), s = √(mean(c²) + ε): c · 1/s shared out evenly, and with n averaged elements
 * Δ(1/s)/Δc = −(c + c_r)/(n·s·s_r·(s + s_r)).
 */
function standardised(
  difference: Difference,
  {
    axes,
    isCentred,
    u,
  }: { readonly axes: readonly number[]; readonly isCentred: boolean; readonly u: string },
): string {
  const { emit, context } = difference;
  const [x = ''] = context.node.inputs;
  const epsilon = floatAttribute(context.node, 'epsilon', 1e-5);
  const partsOf = (value: string): { readonly c: string; readonly s: string } => {
    const c = isCentred ? emit.sub(value, emit.mean(value, axes)) : value;
    return { c, s: emit.node('Sqrt', [emit.add(emit.mean(emit.square(c), axes), emit.scalar(epsilon))]) };
  };
  const here = partsOf(x);
  const there = partsOf(referenceInput(difference, 0));
  const inverse = emit.scale(
    emit.add(emit.node('Reciprocal', [here.s]), emit.node('Reciprocal', [there.s])),
    0.5,
  );
  const both = emit.add(here.c, there.c);
  const product = emit.mul(emit.mul(here.s, there.s), emit.add(here.s, there.s));
  const along = emit.div(emit.mean(emit.scale(emit.mul(u, both), 0.5), axes), product);
  const toCentred = emit.sub(emit.mul(u, inverse), emit.mul(both, along));
  return isCentred ? emit.sub(toCentred, emit.mean(toCentred, axes)) : toCentred;
}

function layerNormLike(isCentred: boolean): Throughput {
  return (difference) => {
    const { emit, context, g } = difference;
    const [x = '', scale = ''] = context.node.inputs;
    const rank = rankOf(context, x);
    const axes = axesFrom(normalAxis(intAttribute(context.node, 'axis', -1), rank), rank);
    return [standardised(difference, { axes, isCentred, u: emit.mul(g, scale) })];
  };
}

function instanceNorm(difference: Difference): readonly InputCotangent[] {
  const { emit, context, g } = difference;
  const [x = '', scale = ''] = context.node.inputs;
  const rank = rankOf(context, x);
  const u = emit.mul(g, emit.unsqueeze(scale, axesFrom(1, rank - 1)));
  return [standardised(difference, { axes: axesFrom(2, rank), isCentred: true, u })];
}

/** y = √Σx²: (x + r)/(y + y_r), 0 at the origin. */
function euclideanNorm(difference: Difference): readonly InputCotangent[] {
  const { emit, context, g } = difference;
  const { node } = context;
  const [x = ''] = node.inputs;
  const [y = ''] = node.outputs;
  const rank = rankOf(context, x);
  const axes = (intsAttribute(node, 'axes') ?? constantInts(context, 1) ?? axesFrom(0, rank)).map((axis) =>
    normalAxis(axis, rank),
  );
  const isKept = intAttribute(node, 'keepdims', 1) === 1;
  const kept = (value: string): string =>
    isKept
      ? value
      : emit.unsqueeze(
          value,
          [...axes].sort((a, b) => a - b),
        );
  const sum = kept(emit.scale(middleOf(difference, y), 2));
  const isOrigin = emit.node('Equal', [sum, emit.scalar(0)]);
  const share = emit.div(kept(g), emit.where(isOrigin, emit.scalar(1), sum));
  return [emit.mul(share, emit.scale(middleOf(difference, x), 2))];
}

/** Operators with a rule of their own, by their first operand alone unless the rule says otherwise. */
const rules: Readonly<
  Record<string, { readonly operands: readonly number[]; readonly through: Throughput }>
> = {
  Softmax: { operands: [0], through: softmax },
  LogSoftmax: { operands: [0], through: logSoftmax },
  Div: { operands: [0, 1], through: quotient },
  LayerNormalization: { operands: [0], through: layerNormLike(true) },
  RMSNormalization: { operands: [0], through: layerNormLike(false) },
  SimplifiedLayerNormalization: { operands: [0], through: layerNormLike(false) },
  InstanceNormalization: { operands: [0], through: instanceNorm },
  ReduceL2: { operands: [0], through: euclideanNorm },
};

/** Returns the rule of an operator whose results depend on many elements, or undefined. */
export function normalisedRule(opType: string, varying: readonly number[]): Throughput | undefined {
  const rule = Object.hasOwn(rules, opType) ? rules[opType] : undefined;
  return rule !== undefined && varying.every((index) => rule.operands.includes(index))
    ? rule.through
    : undefined;
}
