import { floatAttribute, stringAttribute } from '../../../onnx/model.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import { boundUnsupported } from '../boundErrors.js';
import type { IntervalContext, IntervalRule } from '../intervalRule.js';

/** Where a function that first falls and then grows is lowest. */
const lowestAt: Readonly<Record<string, (context: IntervalContext) => number>> = {
  Gelu: ({ node }) => (stringAttribute(node, 'approximate', 'none') === 'tanh' ? -0.752461 : -0.7517916),
  Swish: ({ node }) => -1.2784645 / floatAttribute(node, 'alpha', 1),
  Mish: () => -1.1924312,
  HardSwish: () => -1.5,
  Abs: () => 0,
};

/** The lowest value is at the lowest point, moved into the interval; the highest at an end. */
function dip(context: IntervalContext, at: number): { readonly lower: string; readonly upper: string } {
  const { emit, operands, replay } = context;
  const [x, ...rest] = operands.map((operand) => operand);
  const others = rest.map((operand) => operand.lower);
  const of = (value: string): string => replay([value, ...others])[0] ?? '';
  const { lower = '', upper = '' } = x ?? {};
  const inside = emit.node('Min', [emit.node('Max', [emit.scalar(at), lower]), upper]);
  return { lower: of(inside), upper: emit.node('Max', [of(lower), of(upper)]) };
}

const dipping: IntervalRule = {
  opTypes: Object.keys(lowestAt),
  bound: (context) => [dip(context, lowestAt[context.node.opType]?.(context) ?? 0)],
};

const power: IntervalRule = {
  opTypes: ['Pow'],
  bound(context) {
    const { node, constantOf } = context;
    const exponents = constantOf(node.inputs[1] ?? '');
    const [exponent = NaN] = exponents?.data.length === 1 ? toFloat64(exponents) : [];
    if (exponent !== 2) throw boundUnsupported(node, 'an exponent other than 2');
    return [dip(context, 0)];
  },
};

/** Sines and cosines lie in [−1, 1] and change no faster than their operand. */
const waves: IntervalRule = {
  opTypes: ['Sin', 'Cos'],
  bound({ emit, operands: [x], replay }) {
    const { lower = '', upper = '' } = x ?? {};
    const middle = emit.scale(emit.add(lower, upper), 0.5);
    const radius = emit.scale(emit.sub(upper, lower), 0.5);
    const [at = ''] = replay([middle]);
    return [
      {
        lower: emit.node('Max', [emit.sub(at, radius), emit.scalar(-1)]),
        upper: emit.node('Min', [emit.add(at, radius), emit.scalar(1)]),
      },
    ];
  },
};

/** Rules of functions that fall and grow. */
export const dippingRules: readonly IntervalRule[] = [dipping, power, waves];
