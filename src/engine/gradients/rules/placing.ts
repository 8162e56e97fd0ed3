import { type GraphNode, intAttribute, intsAttribute, stringAttribute } from '../../../onnx/model.js';
import { emitFlatScatter, emitSelection } from '../emitSelection.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';
import { axesFrom, rankOf } from '../staticShapes.js';

interface Placed {
  readonly emit: Emitter;
  readonly context: RuleContext;
  readonly node: GraphNode;
  readonly g: string;
}

/** A rule for an operator that moves elements: `derive` returns the cotangents of its operands. */
function placing(
  opType: string,
  first: number,
  derive: (placed: Placed) => readonly (string | undefined)[],
): GradientRule {
  return {
    opType,
    domain: '',
    opsets: [first, latestOpset],
    backward(context) {
      const [g] = context.outputCotangents;
      if (g === undefined) return [];
      return derive({ emit: emitterFor(context), context, node: context.node, g });
    },
  };
}

/** Gradient of ReverseSequence: it undoes itself. */
export const reverseSequenceRule = placing('ReverseSequence', 10, ({ emit, node, g }) => [
  emit.node('ReverseSequence', [g, node.inputs[1] ?? ''], Object.fromEntries(node.attributes)),
]);

/** Gradient of Compress: elements of g where the kept ones came from. */
export const compressRule = placing('Compress', 11, ({ emit, context, g }) => [
  emitSelection(context, emit, g),
]);

/** Gradient of CenterCropPad: the elements that are still there get their g; what was filled in came from nowhere. */
export const centerCropPadRule = placing('CenterCropPad', 18, ({ emit, node, g }) => {
  const [x = '', shape = ''] = node.inputs;
  const size = emit.node('Size', [x]);
  const one = emit.intScalar(1);
  // Positions count from 1, since the fill is 0; the element before all collects what nobody gets.
  const positions = emit.reshapeLike(emit.node('Range', [one, emit.add(size, one), one]), x);
  const moved = emit.node('CenterCropPad', [positions, shape], Object.fromEntries(node.attributes));
  const line = emit.zeros(emit.add(emit.elementCount(x), emit.ints([1])));
  const sums = emitFlatScatter(emit, { x: line, positions: moved, g });
  const kept = emit.node('Slice', [sums, emit.ints([1]), emit.ints([2 ** 31 - 1]), emit.ints([0])]);
  return [emit.reshapeLike(kept, x)];
});

/** Gradient of MaxUnpool: each maximum reads its g back from where it was put. */
export const maxUnpoolRule = placing('MaxUnpool', 9, ({ emit, node, g }) => [
  emit.node('Gather', [emit.reshapeTo(g, [-1]), node.inputs[1] ?? '']),
]);

/** Gradient of Col2Im: the blocks cut out of g, as a convolution with one-hot kernels. */
export const col2ImRule = placing('Col2Im', 18, ({ emit, context, node, g }) => {
  const [x = '', , block = ''] = node.inputs;
  const count = emit.builder.reduce('ReduceProd', block, [0], true);
  const units = emit.node('EyeLike', [emit.zeros(emit.concat([count, count], 0))]);
  const kernels = emit.reshape(units, emit.concat([count, emit.ints([1]), block], 0));
  const single = emit.concat([emit.ints([-1, 1]), emit.shape(g, 2)], 0);
  const spatialCount = rankOf(context, node.outputs[0] ?? '') - 2;
  const ones = axesFrom(0, spatialCount).map(() => 1);
  const blocks = emit.node('Conv', [emit.reshape(g, single), kernels], {
    strides: intsAttribute(node, 'strides') ?? ones,
    dilations: intsAttribute(node, 'dilations') ?? ones,
    pads: intsAttribute(node, 'pads') ?? [...ones, ...ones].map(() => 0),
  });
  return [emit.reshapeLike(blocks, x)];
});

/** Gradient of TensorScatter: the cache keeps what was not overwritten, the update reads its places. */
export const tensorScatterRule = placing('TensorScatter', 24, ({ emit, context, node, g }) => {
  const [cache = '', update = '', starts = ''] = node.inputs;
  const attributes = Object.fromEntries(node.attributes);
  const rest = starts === '' ? [] : [starts];
  const kept = emit.node('TensorScatter', [g, emit.zeros(emit.shape(update)), ...rest], attributes);
  const rank = rankOf(context, cache);
  const axis = (intAttribute(node, 'axis', -2) + rank) % rank;
  const count = emit.squeeze(emit.shape(update, axis, axis + 1), [0]);
  const steps = emit.node('Range', [emit.intScalar(0), count, emit.intScalar(1)]);
  const start = starts === '' ? emit.ints([0]) : starts;
  const plain = emit.add(emit.unsqueeze(start, [1]), steps);
  const isCircular = stringAttribute(node, 'mode', 'linear') === 'circular';
  const place = isCircular ? emit.node('Mod', [plain, emit.shape(cache, axis, axis + 1)]) : plain;
  const others = axesFrom(1, rank).filter((other) => other !== axis);
  const index = emit.node('Expand', [emit.unsqueeze(place, others), emit.shape(update)]);
  return [kept, emit.node('GatherElements', [g, index], { axis })];
});
