import { type Dimension, intAttribute } from '../../../onnx/model.js';
import { boundUnsupported } from '../boundErrors.js';
import type { Interval, IntervalContext, IntervalRule } from '../intervalRule.js';

/** A probability is least when its own score is low and all others are high: eˡ / (eˡ + Σ others' eᵘ). */
function probabilities({ node, emit, operands: [x] }: IntervalContext): Interval {
  const { lower = '', upper = '' } = x ?? {};
  const axis = intAttribute(node, 'axis', -1);
  const highest = emit.builder.reduce('ReduceMax', upper, [axis], true);
  const low = emit.node('Exp', [emit.sub(lower, highest)]);
  const high = emit.node('Exp', [emit.sub(upper, highest)]);
  const share = (own: string, others: string, ownAmongOthers: string): string => {
    const rest = emit.sub(emit.sum(others, [axis], true), ownAmongOthers);
    // Rounding must not take the rest below 0.
    return emit.div(own, emit.add(own, emit.node('Max', [rest, emit.scalar(0)])));
  };
  return { lower: share(low, high, high), upper: share(high, low, low) };
}

const softmax: IntervalRule = { opTypes: ['Softmax'], bound: (context) => [probabilities(context)] };

const logSoftmax: IntervalRule = {
  opTypes: ['LogSoftmax'],
  bound(context) {
    const { lower, upper } = probabilities(context);
    const log = (value: string): string => context.emit.node('Log', [value]);
    return [{ lower: log(lower), upper: log(upper) }];
  },
};

/** No standardised number of n is further than √(n − 1) from 0; √n when the mean is not taken off. */
const layerNormalization: IntervalRule = {
  opTypes: ['LayerNormalization', 'RMSNormalization'],
  bound(context) {
    const { node, emit, operands, typeOf } = context;
    const [x, scale, bias] = operands;
    const type = typeOf(node.inputs[0] ?? '');
    const shape: readonly Dimension[] = type.kind === 'tensor' ? (type.shape ?? []) : [];
    const axis = intAttribute(node, 'axis', -1);
    const count = shape
      .slice(axis)
      .reduce<number>((n, size) => (typeof size === 'number' ? n * size : NaN), 1);
    if (x === undefined || scale === undefined || !context.isExact(1) || !(count > 0)) {
      throw boundUnsupported(node, 'a scale that is bounded or sizes that are not known');
    }
    const furthest = Math.sqrt(node.opType === 'LayerNormalization' ? Math.max(count - 1, 0) : count);
    const radius = emit.expandLike(emit.scale(emit.node('Abs', [scale.lower]), furthest), x.lower);
    const middle = bias === undefined ? emit.scalar(0) : bias.lower;
    const top = bias === undefined ? middle : bias.upper;
    return [{ lower: emit.sub(middle, radius), upper: emit.add(top, radius) }];
  },
};

/** Rules of operators whose results share one sum. */
export const normalisedRules: readonly IntervalRule[] = [softmax, logSoftmax, layerNormalization];
