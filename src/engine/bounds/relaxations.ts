import { floatAttribute, type GraphNode, stringAttribute } from '../../onnx/model.js';
import { toFloat64 } from '../../onnx/tensorValue.js';
import type { Emitter } from '../gradients/emitter.js';
import type { RuleContext } from '../gradients/gradientRule.js';
import { findRule } from '../gradients/ruleTable.js';

/** y = slope·x + offset, element by element. */
export interface Line {
  readonly slope: string;
  readonly offset: string;
}

/** A line below and a line above a function on an interval. */
export interface Lines {
  readonly below: Line;
  readonly above: Line;
}

/** A function of one operand on its interval. */
export interface Relaxed {
  readonly context: RuleContext;
  readonly emit: Emitter;
  readonly lower: string;
  readonly upper: string;
  /** Appends the function of a value. */
  readonly of: (x: string) => string;
  /** Appends the derivative of the function at a value. */
  readonly slopeAt: (x: string) => string;
}

type Relaxation = (relaxed: Relaxed) => Lines;

/** The line with a slope through (x, f(x)). */
function through({ emit, of }: Relaxed, x: string, slope: string): Line {
  return { slope, offset: emit.sub(of(x), emit.mul(slope, x)) };
}

function tangentInTheMiddle(relaxed: Relaxed): Line {
  const { emit, lower, upper, slopeAt } = relaxed;
  const middle = emit.scale(emit.add(lower, upper), 0.5);
  return through(relaxed, middle, slopeAt(middle));
}

/** The line through both ends; where they meet, the tangent. */
function chord(relaxed: Relaxed): Line {
  const { emit, lower, upper, of, slopeAt } = relaxed;
  const width = emit.sub(upper, lower);
  // Differences of nearly equal numbers are rounding: the tangent is as good there.
  const isWide = emit.greater(width, emit.scalar(1e-3));
  const safe = emit.where(isWide, width, emit.scalar(1));
  const slope = emit.where(isWide, emit.div(emit.sub(of(upper), of(lower)), safe), slopeAt(lower));
  return through(relaxed, lower, slope);
}

function pick(emit: Emitter, condition: string, a: Line, b: Line): Line {
  return {
    slope: emit.where(condition, a.slope, b.slope),
    offset: emit.where(condition, a.offset, b.offset),
  };
}

/** A tangent is below a convex function and the chord above it. */
const convex: Relaxation = (relaxed) => ({ below: tangentInTheMiddle(relaxed), above: narrowChord(relaxed) });

/** A chord lies above; where the interval is too narrow for one, the higher end does. */
function narrowChord(relaxed: Relaxed): Line {
  return safeLine(relaxed, chord(relaxed), 'Max');
}

function narrowChordBelow(relaxed: Relaxed): Line {
  return safeLine(relaxed, chord(relaxed), 'Min');
}

/** A line of another slope through the end where the function leaves it on the right side. */
function safeLine({ emit, lower, upper, of }: Relaxed, line: Line, opType: 'Max' | 'Min'): Line {
  const offsetAt = (x: string): string => emit.sub(of(x), emit.mul(line.slope, x));
  return { slope: line.slope, offset: emit.node(opType, [line.offset, offsetAt(lower), offsetAt(upper)]) };
}

const concave: Relaxation = (relaxed) => ({
  below: narrowChordBelow(relaxed),
  above: tangentInTheMiddle(relaxed),
});

/**
 * Functions that are convex up to a point and concave from another (or the same) on.
 *
 * Elsewhere both lines have the smaller slope of the two ends, which is the least slope between them: from the lower end
 * the function grows at least so fast, and towards the upper end as well.
 */
function sigmoidal(
  bend: (context: RuleContext) => { readonly convexTo: number; readonly concaveFrom: number },
): Relaxation {
  return (relaxed) => {
    const { context, emit, lower, upper, slopeAt } = relaxed;
    const { convexTo, concaveFrom } = bend(context);
    const isConvex = emit.node('LessOrEqual', [upper, emit.scalar(convexTo)]);
    const isConcave = emit.node('GreaterOrEqual', [lower, emit.scalar(concaveFrom)]);
    const least = emit.node('Min', [slopeAt(lower), slopeAt(upper)]);
    const [bent, hollow] = [convex(relaxed), concave(relaxed)];
    const between: Lines = { below: through(relaxed, lower, least), above: through(relaxed, upper, least) };
    const choose = (side: keyof Lines): Line =>
      pick(emit, isConvex, bent[side], pick(emit, isConcave, hollow[side], between[side]));
    return { below: choose('below'), above: choose('above') };
  };
}

/**
 * Functions between max(x, 0) − dip and max(x, 0) that are convex from `from` to `to`: there a tangent and a chord,
 * elsewhere the lines of max(x, 0), the lower one shifted by the dip.
 */
function nearRelu({
  dip,
  from,
  to,
}: {
  readonly dip: number;
  readonly from: number;
  readonly to: number;
}): Relaxation {
  return (relaxed) => {
    const { emit, lower, upper } = relaxed;
    const zero = emit.scalar(0);
    const isConvex = emit.node('And', [
      emit.node('GreaterOrEqual', [lower, emit.scalar(from)]),
      emit.node('LessOrEqual', [upper, emit.scalar(to)]),
    ]);
    const rectify = (x: string): string => emit.node('Max', [x, zero]);
    const width = emit.node('Max', [emit.sub(upper, lower), emit.scalar(1e-6)]);
    const slope = emit.div(emit.sub(rectify(upper), rectify(lower)), width);
    const offsetAt = (x: string): string => emit.sub(rectify(x), emit.mul(slope, x));
    const above = { slope, offset: emit.node('Max', [offsetAt(lower), offsetAt(upper)]) };
    const isMostlyAbove = emit.greater(emit.add(lower, upper), zero);
    const below = {
      slope: emit.castTo(isMostlyAbove, emit.elementType),
      offset: emit.scalar(-dip),
    };
    const bent = convex(relaxed);
    return { below: pick(emit, isConvex, bent.below, below), above: pick(emit, isConvex, bent.above, above) };
  };
}

const clipBends = (context: RuleContext): { readonly convexTo: number; readonly concaveFrom: number } => {
  const bound = (index: number, otherwise: number): number => {
    const name = context.node.inputs[index] ?? '';
    if (name === '') return otherwise;
    const value = context.constantOf(name);
    return value === undefined ? NaN : (toFloat64(value)[0] ?? NaN);
  };
  // NaN compares false: bounds that are not constant give the least slope, which is right for any.
  return { convexTo: bound(2, Infinity), concaveFrom: bound(1, -Infinity) };
};

const hardSigmoidBends = ({
  node,
}: RuleContext): { readonly convexTo: number; readonly concaveFrom: number } => {
  const alpha = floatAttribute(node, 'alpha', 0.2);
  const beta = floatAttribute(node, 'beta', 0.5);
  return { convexTo: (1 - beta) / alpha, concaveFrom: -beta / alpha };
};

const aroundZero = sigmoidal(() => ({ convexTo: 0, concaveFrom: 0 }));

/** Elu and its like bend upwards as long as their left slope at 0 is no larger than their right one. */
const ifAlphaAtMostOne =
  (fallback: number): ((node: GraphNode) => boolean) =>
  (node) =>
    floatAttribute(node, 'alpha', fallback) <= 1;

interface RelaxationEntry {
  readonly relax: Relaxation;
  /** Whether it holds for a node; without, it holds for all. */
  holdsFor?(node: GraphNode): boolean;
}

/** Lines around functions of one operand. */
const relaxations: Readonly<Record<string, RelaxationEntry>> = {
  Relu: { relax: convex },
  LeakyRelu: { relax: convex, holdsFor: ifAlphaAtMostOne(0.01) },
  Elu: { relax: convex, holdsFor: ifAlphaAtMostOne(1) },
  Softplus: { relax: convex },
  Exp: { relax: convex },
  Abs: { relax: convex },
  Log: { relax: concave },
  Sqrt: { relax: concave },
  Sigmoid: { relax: aroundZero },
  Tanh: { relax: aroundZero },
  Softsign: { relax: aroundZero },
  Atan: { relax: aroundZero },
  Erf: { relax: aroundZero },
  Clip: { relax: sigmoidal(clipBends) },
  HardSigmoid: { relax: sigmoidal(hardSigmoidBends) },
  Gelu: {
    relax: nearRelu({ dip: 0.17005, from: -1.41, to: 1.41 }),
    holdsFor: (node) => stringAttribute(node, 'approximate', 'none') === 'none',
  },
  Swish: {
    relax: nearRelu({ dip: 0.27847, from: -2.399, to: 2.399 }),
    holdsFor: (node) => floatAttribute(node, 'alpha', 1) === 1,
  },
  Mish: { relax: nearRelu({ dip: 0.30885, from: -2.25, to: 1.49 }) },
  HardSwish: { relax: nearRelu({ dip: 0.37501, from: -3, to: 3 }) },
};

/** Returns the lines around a node's function of its first operand, or undefined where there is no relaxation. */
export function relaxationOf(node: GraphNode): Relaxation | undefined {
  const entry = node.domain === '' ? relaxations[node.opType] : undefined;
  return entry === undefined || entry.holdsFor?.(node) === false ? undefined : entry.relax;
}

/** Returns what a relaxation asks about a node's function, on the interval of its first operand. */
export function relaxed(
  context: RuleContext,
  emit: Emitter,
  { lower, upper }: { readonly lower: string; readonly upper: string },
): Relaxed {
  const { node, builder } = context;
  const attributes = Object.fromEntries(node.attributes);
  const of = (x: string): string => builder.node(node.opType, [x, ...node.inputs.slice(1)], { attributes });
  const rule = findRule(node, { overrides: [], opset: builder.opset });
  const slopeAt = (x: string): string => {
    // The gradient rule gives the derivative when the cotangent is 1 everywhere.
    const ones = builder.node('Expand', [emit.scalar(1), emit.shape(x)]);
    const at = { ...node, inputs: [x, ...node.inputs.slice(1)], outputs: [of(x)] };
    const typeOf: RuleContext['typeOf'] = (name) =>
      context.typeOf(name === x ? (node.inputs[0] ?? '') : name);
    const [slope] =
      rule?.backward({
        ...context,
        node: at,
        outputCotangents: [ones],
        typeOf,
        wants: (index) => index === 0,
      }) ?? [];
    return typeof slope === 'string' ? slope : (slope?.value ?? ones);
  };
  return { context, emit, lower, upper, of, slopeAt };
}
