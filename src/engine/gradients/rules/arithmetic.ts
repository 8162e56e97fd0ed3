import { toFloat64 } from '../../../onnx/tensorValue.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { compactOf } from '../expansion.js';
import { type GradientRule, type InputCotangent, latestOpset, type RuleContext } from '../gradientRule.js';
import { shapeIfKnown } from '../staticShapes.js';
import { unbroadcast } from '../unbroadcast.js';

interface Operands {
  readonly emit: Emitter;
  readonly context: RuleContext;
  /** Names of the operands. */
  readonly inputs: readonly string[];
  readonly y: string;
  readonly g: string;
}

/** A rule for an elementwise operator whose operands broadcast; `derive` is asked per wanted operand. */
function broadcasting(opType: string, derive: (operands: Operands, index: number) => string): GradientRule {
  return {
    opType,
    domain: '',
    opsets: [13, latestOpset],
    backward(context) {
      const [g] = context.outputCotangents;
      const [y = ''] = context.node.outputs;
      if (g === undefined) return [];
      const operands = { emit: emitterFor(context), context, inputs: context.node.inputs, y, g };
      const shape = shapeIfKnown(context, y);
      return context.node.inputs.map((_, index): InputCotangent => {
        return context.wants(index) ? { value: derive(operands, index), shape } : undefined;
      });
    },
  };
}

/** Gradient of Add: g to both. */
export const addRule = broadcasting('Add', ({ g }) => g);

/** Gradient of Sub: g and −g. */
export const subRule = broadcasting('Sub', ({ emit, g }, index) => (index === 0 ? g : emit.neg(g)));

/** Gradient of Mul: g·b and g·a. */
export const mulRule = broadcasting('Mul', (operands, index) => {
  const { emit, context, inputs, y, g } = operands;
  const other = inputs[1 - index] ?? '';
  return isWhole(context, other, y)
    ? emit.mul(compactOf(emit, g), other)
    : emit.mul(g, inLongerRuns(context, emit, { operand: other, y }));
});

/** Elements in a row below which the runtime's broadcasting takes longer between rows than in them. */
const shortRun = 64;

/**
 * Repeats an operand along its last broadcast axis where it is used in short runs, over and over: the tables of rotary
 * embeddings, [1, T, 1, d/2] for [N, T, heads, d/2].
 */
function inLongerRuns(
  context: RuleContext,
  emit: Emitter,
  { operand, y }: { readonly operand: string; readonly y: string },
): string {
  const sizes = shapeIfKnown(context, y) ?? [];
  const own = shapeIfKnown(context, operand);
  if (own?.length !== sizes.length) return operand;
  const stretched = sizes.flatMap((size, axis) => (own[axis] === 1 && size !== 1 ? [axis] : []));
  const last = stretched.at(-1);
  const count = sizes[last ?? -1];
  if (last === undefined || stretched.length < 2 || typeof count !== 'number') return operand;
  const run = sizes.slice(last + 1).reduce<number>((product, size) => product * Number(size ?? NaN), 1);
  if (!(run > 1 && run < shortRun)) return operand;
  return emit.node('Expand', [operand, emit.ints(sizes.map((_, axis) => (axis === last ? count : 1)))]);
}

/** Whether an operand surely has the shape of the result. */
function isWhole(context: RuleContext, operand: string, y: string): boolean {
  const sizes = shapeIfKnown(context, y);
  const own = shapeIfKnown(context, operand);
  return (
    sizes?.length === own?.length && (own?.every((size, i) => size !== null && size === sizes?.[i]) ?? false)
  );
}

/** Gradient of Div: g/b and −g·y/b, summed over what was broadcast first: what is left to divide is small. */
export const divRule: GradientRule = {
  opType: 'Div',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    const [, b = ''] = context.node.inputs;
    const [y = ''] = context.node.outputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const shape = shapeIfKnown(context, y);
    const toDivisor = (): InputCotangent => {
      const product = emit.mul(g, y);
      const to = shapeIfKnown(context, b);
      if (shape === null || to === null) return { value: emit.neg(emit.div(product, b)), shape };
      return emit.neg(emit.div(unbroadcast(emit, { value: product, from: shape, target: b, to }), b));
    };
    return [
      context.wants(0) ? { value: emit.div(g, b), shape } : undefined,
      context.wants(1) ? toDivisor() : undefined,
    ];
  },
};

/** Gradient of Pow: g·e·aᵉ⁻¹ and g·y·ln a. */
export const powRule = broadcasting('Pow', (operands, index) =>
  index === 0 ? powBase(operands) : powExponent(operands),
);

function powBase({ emit, context, inputs: [a = '', e = ''], g }: Operands): string {
  const known = context.constantOf(e);
  const exponent = known?.data.length === 1 ? toFloat64(known)[0] : undefined;
  if (exponent === 2) return emit.mul(emit.scale(compactOf(emit, g), 2), a);
  const type = context.typeOf(e);
  const isCast = type.kind === 'tensor' && type.elementType !== emit.elementType;
  const power = isCast ? emit.castTo(e, emit.elementType) : e;
  const lower = emit.node('Pow', [a, emit.sub(power, emit.scalar(1))]);
  const slope = emit.mul(power, lower);
  // a⁰ is constant, also at a = 0, where 0 · 0⁻¹ would be NaN.
  const isFlat = emit.node('Equal', [power, emit.scalar(0)]);
  return emit.mul(g, exponent === undefined ? emit.where(isFlat, emit.scalar(0), slope) : slope);
}

function powExponent({ emit, inputs: [a = ''], y, g }: Operands): string {
  // ln a exists for a > 0 only; at a = 0 the limit of aᵉ ln a is 0.
  const isPositive = emit.greater(a, emit.scalar(0));
  const safe = emit.where(isPositive, a, emit.scalar(1));
  return emit.mul(g, emit.mul(y, emit.node('Log', [safe])));
}

/** Gradient of Sum: g to every operand. */
export const sumRule = broadcasting('Sum', ({ g }) => g);

/** Gradient of Mean: g over the number of operands. */
export const meanRule = broadcasting('Mean', ({ emit, inputs, g }) => emit.scale(g, 1 / inputs.length));

/** Gradient of Max: all to the first operand that equals the maximum. */
export const maxRule = broadcasting('Max', firstExtreme);

/** Gradient of Min: all to the first operand that equals the minimum. */
export const minRule = broadcasting('Min', firstExtreme);

function firstExtreme({ emit, inputs, y, g }: Operands, index: number): string {
  let isMine = emit.node('Equal', [inputs[index] ?? '', y]);
  for (const earlier of inputs.slice(0, index)) {
    const isTheirs = emit.node('Equal', [earlier, y]);
    isMine = emit.node('And', [isMine, emit.node('Not', [isTheirs])]);
  }
  return emit.keepWhere(isMine, g);
}
