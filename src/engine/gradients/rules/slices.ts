import { intAttribute, stringAttribute } from '../../../onnx/model.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import { emitSelection } from '../emitSelection.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { type GradientRule, type InputCotangent, latestOpset, type RuleContext } from '../gradientRule.js';
import { axesFrom, emitSize, fixedSize, normalAxis, rankOf } from '../staticShapes.js';

/** Gradient of Slice: g put back among zeros. */
export const sliceRule: GradientRule = {
  opType: 'Slice',
  domain: '',
  opsets: [10, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const starts = plainStarts(context);
    return [starts === undefined ? emitSelection(context, emit, g) : padBack(context, emit, { g, starts })];
  },
};

/** Start per axis of the operand when all are constant and the steps are 1. */
function plainStarts(context: RuleContext): readonly number[] | undefined {
  const { node } = context;
  const operand = (index: number): readonly number[] | undefined => {
    const value = context.constantOf(node.inputs[index] ?? '');
    return value === undefined ? undefined : Array.from(toFloat64(value));
  };
  const has = (index: number): boolean => (node.inputs[index] ?? '') !== '';
  const starts = operand(1);
  const axes = has(3) ? operand(3) : starts?.map((_, axis) => axis);
  const steps = has(4) ? operand(4) : starts?.map(() => 1);
  if (starts === undefined || axes === undefined || steps?.every((step) => step === 1) !== true) {
    return undefined;
  }
  const rank = rankOf(context, node.inputs[0] ?? '');
  const byAxis = axesFrom(0, rank).map(() => 0);
  axes.forEach((axis, i) => (byAxis[normalAxis(axis, rank)] = starts[i] ?? 0));
  return byAxis;
}

function padBack(
  { node }: RuleContext,
  emit: Emitter,
  { g, starts }: { readonly g: string; readonly starts: readonly number[] },
): string {
  const sizes = emit.shape(node.inputs[0] ?? '');
  const isFromEnd = starts.map((start) => (start < 0 ? 1 : 0));
  let before = emit.ints(starts);
  if (isFromEnd.includes(1)) {
    const counted = emit.add(before, emit.mul(sizes, emit.ints(isFromEnd)));
    before = emit.node('Max', [counted, emit.ints(starts.map(() => 0))]);
  }
  const after = emit.sub(emit.sub(sizes, emit.shape(g)), before);
  return emit.node('Pad', [g, emit.concat([before, after], 0)]);
}

/** Gradient of Pad: the inner part of g; with a constant fill, the fill gets the rest. */
export const padRule: GradientRule = {
  opType: 'Pad',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    const [, pads = '', fill = '', axes = ''] = node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    if (stringAttribute(node, 'mode', 'constant') !== 'constant') return [emitSelection(context, emit, g)];
    // Negative pads crop, and a crop becomes a pad.
    const inner = emit.node('Pad', [g, emit.neg(pads), ...(axes === '' ? [] : ['', axes])]);
    const toFill = (): string => {
      const total = (value: string): string =>
        emit.builder.reduce('ReduceSum', emit.reshapeTo(value, [-1]), [0], false);
      return emit.reshapeLike(emit.sub(total(g), total(inner)), fill);
    };
    return [context.wants(0) ? inner : undefined, undefined, context.wants(2) ? toFill() : undefined];
  },
};

/** Gradient of Transpose: the inverse permutation. */
export const transposeRule: GradientRule = {
  opType: 'Transpose',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const given = context.node.attributes.get('perm');
    const perm =
      given?.kind === 'ints'
        ? given.value.map(Number)
        : axesFrom(0, rankOf(context, context.node.inputs[0] ?? '')).toReversed();
    return [
      emit.transpose(
        g,
        perm.map((_, axis) => perm.indexOf(axis)),
      ),
    ];
  },
};

/** Gradient of Expand: g summed over what was stretched. */
export const expandRule: GradientRule = {
  opType: 'Expand',
  domain: '',
  opsets: [13, latestOpset],
  backward(context): readonly InputCotangent[] {
    const [g] = context.outputCotangents;
    const type = context.typeOf(context.node.outputs[0] ?? '');
    const shape = type.kind === 'tensor' ? type.shape : null;
    return [g === undefined ? undefined : { value: g, shape }];
  },
};

/** Gradient of Tile: g as [r₀, d₀, r₁, d₁, …] summed over the repeats; axes that are not repeated stay whole. */
export const tileRule: GradientRule = {
  opType: 'Tile',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    const [x = '', repeats = ''] = context.node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const known = context.constantOf(repeats);
    if (known !== undefined) return [overRepeats(context, emit, g, toFloat64(known))];
    const pairs = emit.concat([emit.unsqueeze(repeats, [1]), emit.unsqueeze(emit.shape(x), [1])], 1);
    const apart = emit.reshape(g, emit.reshapeTo(pairs, [-1]));
    const repeatAxes = axesFrom(0, rankOf(context, x)).map((axis) => 2 * axis);
    return [emit.sum(apart, repeatAxes, false)];
  },
};

function overRepeats(context: RuleContext, emit: Emitter, g: string, repeats: Float64Array): string {
  const [x = ''] = context.node.inputs;
  const repeated = axesFrom(0, repeats.length).filter((axis) => repeats[axis] !== 1);
  if (repeated.every((axis) => fixedSize(context, x, axis) === 1)) return emit.sum(g, repeated, true);
  const summed: number[] = [];
  const sizes: string[] = [];
  for (const [axis, count] of repeats.entries()) {
    if (count !== 1) {
      summed.push(sizes.length);
      sizes.push(emit.ints([count]));
    }
    sizes.push(emitSize(context, emit, { value: x, axis }));
  }
  return summed.length === 0 ? g : emit.sum(emit.reshape(g, emit.concat(sizes, 0)), summed, false);
}

/** Gradient of CumSum: the cumulative sum from the other end. */
export const cumSumRule: GradientRule = {
  opType: 'CumSum',
  domain: '',
  opsets: [11, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    if (g === undefined) return [];
    const reverse = 1 - intAttribute(node, 'reverse', 0);
    const exclusive = intAttribute(node, 'exclusive', 0);
    return [emitterFor(context).node('CumSum', [g, node.inputs[1] ?? ''], { reverse, exclusive })];
  },
};

/** Gradient of Trilu: the same triangle of g. */
export const triluRule: GradientRule = {
  opType: 'Trilu',
  domain: '',
  opsets: [14, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    if (g === undefined) return [];
    const upper = intAttribute(node, 'upper', 1);
    return [emitterFor(context).node('Trilu', [g, ...node.inputs.slice(1)], { upper })];
  },
};
