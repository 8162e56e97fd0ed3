import { intAttribute } from '../../../onnx/model.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset } from '../gradientRule.js';
import { axesFrom, constantInts, normalAxis, rankOf, shapeIfKnown, shapeOf } from '../staticShapes.js';

/** Gradient of Mod on floats (fmod=1), y = a − ⌊a/b⌉·b rounded towards 0: g and g·(y − a)/b. */
export const modRule: GradientRule = {
  opType: 'Mod',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    const [a = '', b = ''] = node.inputs;
    const [y = ''] = node.outputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const shape = shapeIfKnown(context, y);
    const toDivisor = (): string => emit.mul(g, emit.div(emit.sub(y, a), b));
    return [{ value: g, shape }, context.wants(1) ? { value: toDivisor(), shape } : undefined];
  },
};

/** Gradient of OneHot by its two values: the sums of g where each was written. */
export const oneHotRule: GradientRule = {
  opType: 'OneHot',
  domain: '',
  opsets: [11, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    const [indices = '', depth = '', values = ''] = node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context, values);
    const marks = emit.concat([emit.reshapeTo(emit.scalar(0), [1]), emit.reshapeTo(emit.scalar(1), [1])], 0);
    const isHot = emit.node('OneHot', [indices, depth, marks], { axis: intAttribute(node, 'axis', -1) });
    const total = (value: string): string =>
      emit.builder.reduce('ReduceSum', emit.reshapeTo(value, [-1]), [0], true);
    const on = total(emit.mul(g, isHot));
    return [undefined, undefined, emit.concat([emit.sub(total(g), on), on], 0)];
  },
};

/** Gradient of Range on floats, yᵢ = start + i·delta: Σ g and Σ i·g; how many there are changes in jumps. */
export const rangeRule: GradientRule = {
  opType: 'Range',
  domain: '',
  opsets: [11, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    const [start = '', , delta = ''] = context.node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const total = (value: string, like: string): string =>
      emit.reshapeLike(emit.builder.reduce('ReduceSum', value, [0], true), like);
    const counts = emit.node('Range', [emit.intScalar(0), emit.node('Size', [g]), emit.intScalar(1)]);
    const steps = emit.castTo(counts, emit.elementType);
    return [total(g, start), undefined, total(emit.mul(g, steps), delta)];
  },
};

/** Gradient of AffineGrid by its matrices: dθ = gᵀ·base, where the base is the grid that the identity gives. */
export const affineGridRule: GradientRule = {
  opType: 'AffineGrid',
  domain: '',
  opsets: [20, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    const [, size = ''] = node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const count = rankOf(context, node.outputs[0] ?? '') - 2;
    const identity = emit.node('EyeLike', [emit.zeros(emit.ints([count, count + 1]))]);
    const one = emit.concat(
      [emit.ints([1]), emit.node('Slice', [size, emit.ints([1]), emit.ints([2 ** 31 - 1])])],
      0,
    );
    const align = intAttribute(node, 'align_corners', 0);
    const base = emit.node('AffineGrid', [emit.unsqueeze(identity, [0]), one], { align_corners: align });
    const points = emit.reshapeTo(base, [-1, count]);
    const ones = emit.node('Expand', [
      emit.scalar(1),
      emit.concat([emit.shape(points, 0, 1), emit.ints([1])], 0),
    ]);
    const flat = emit.reshape(g, emit.concat([emit.shape(g, 0, 1), emit.ints([-1, count])], 0));
    return [emit.node('MatMul', [emit.transpose(flat, [0, 2, 1]), emit.concat([points, ones], 1)])];
  },
};

/** Gradient of Det: g times the cofactors, which exist for singular matrices too; n² determinants of size n − 1. */
export const detRule: GradientRule = {
  opType: 'Det',
  domain: '',
  opsets: [11, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    const [x = ''] = context.node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const scaled = emit.unsqueeze(g, [-2, -1]);
    const isNumber = shapeOf(context, x).at(-1) === 1;
    return [isNumber ? scaled : emit.mul(scaled, cofactors(emit, x))];
  },
};

/** (−1)^(r + c) times the determinant of what is left without row r and column c. */
function cofactors(emit: Emitter, x: string): string {
  const size = emit.shape(x, -1);
  const fewer = emit.sub(size, emit.ints([1]));
  const count = (length: string): string =>
    emit.node('Range', [emit.intScalar(0), emit.squeeze(length, [0]), emit.intScalar(1)]);
  // Rows other than r are 0, 1, … with a step over r: [n, n − 1]
  const [all, rest] = [emit.unsqueeze(count(size), [1]), count(fewer)];
  const others = emit.add(rest, emit.castTo(emit.node('GreaterOrEqual', [rest, all]), 'int64'));
  const places = emit.add(emit.mul(emit.unsqueeze(others, [1, 3]), size), emit.unsqueeze(others, [0, 2]));
  const elements = emit.reshape(x, emit.concat([emit.ints([-1]), emit.mul(size, size)], 0));
  const minors = emit.node('Det', [emit.node('Gather', [elements, places], { axis: 1 })]);
  const parity = emit.node('Mod', [emit.add(all, count(size)), emit.ints([2])]);
  const sign = emit.castTo(emit.sub(emit.ints([1]), emit.mul(parity, emit.ints([2]))), emit.elementType);
  return emit.reshapeLike(emit.mul(minors, sign), x);
}

/**
 * Gradient of CumProd: dxᵢ = (Π before i)·Σⱼ gⱼ·Π between i and j, by a table [n, n] along the axis.
 *
 * Nothing is divided, so that it is exact where factors are zero.
 */
export const cumProdRule: GradientRule = {
  opType: 'CumProd',
  domain: '',
  opsets: [26, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    const [x = '', axisOperand = ''] = node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const rank = rankOf(context, x);
    const axis = normalAxis(constantInts(context, 1)?.[0] ?? 0, rank);
    const reverse = intAttribute(node, 'reverse', 0);
    const exclusive = intAttribute(node, 'exclusive', 0);
    const last = [...axesFrom(0, rank).filter((other) => other !== axis), axis];
    const count = emit.node('Range', [
      emit.intScalar(0),
      emit.squeeze(emit.shape(x, axis, axis + 1), [0]),
      emit.intScalar(1),
    ]);
    // Row i, column k: whether factor k comes after factor i.
    const [i, k] = [emit.unsqueeze(count, [1]), emit.unsqueeze(count, [0])];
    const isAfter = reverse === 1 ? emit.less(k, i) : emit.greater(k, i);
    const factors = emit.where(isAfter, emit.unsqueeze(emit.transpose(x, last), [-2]), emit.scalar(1));
    const between = emit.node('CumProd', [factors, emit.intScalar(-1)], { reverse, exclusive });
    const reached = exclusive === 1 ? isAfter : emit.node('Or', [isAfter, emit.node('Equal', [i, k])]);
    const parts = emit.keepWhere(reached, emit.mul(emit.unsqueeze(emit.transpose(g, last), [-2]), between));
    const inner = emit.sum(parts, [rank], false);
    const before = emit.node('CumProd', [x, axisOperand], { reverse, exclusive: 1 });
    return [
      emit.mul(
        before,
        emit.transpose(
          inner,
          last.map((_, place) => last.indexOf(place)),
        ),
      ),
    ];
  },
};
