import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import { intAttribute, intsAttribute, type ValueType } from '../../../onnx/model.js';
import { windowExtent, windowGeometry } from '../convGeometry.js';
import { emitFlatScatter } from '../emitSelection.js';
import { emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset, type RuleContext, type SizeContext } from '../gradientRule.js';
import { emitReshapeLike, spatialSizes } from '../staticShapes.js';
import { appendFirstMaxima, type AxisWindows, meetsMaps } from '../windowMaxima.js';

/** Gradient of MaxPool: each g goes to the first maximum of its window. */
export const maxPoolRule: GradientRule = {
  opType: 'MaxPool',
  domain: '',
  opsets: [12, latestOpset],
  prepare(context) {
    const { node } = context;
    // Column-major indices number the elements otherwise; backward asks for its own then.
    if (isColumnMajor(node) || hasIndices(node) || axesOf(context) !== undefined) return node;
    const [y = ''] = node.outputs;
    return { ...node, outputs: [y, context.freshName(`${y}/indices`)] };
  },
  backward(context) {
    const [g] = context.outputCotangents;
    const [x = ''] = context.node.inputs;
    const [y = ''] = context.node.outputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const axes = hasIndices(context.node) ? undefined : axesOf(context);
    if (axes !== undefined) {
      return [emitReshapeLike(context, emit, appendFirstMaxima(emit, { x, y, g, axes }), x)];
    }
    // Indices are flat over the whole tensor; windows may overlap, so cotangents add.
    return [emitFlatScatter(emit, { x, positions: indicesOf(context, x), g })];
  },
};

function hasIndices(node: RuleContext['node']): boolean {
  return (node.outputs[1] ?? '') !== '';
}

function isColumnMajor(node: RuleContext['node']): boolean {
  return intAttribute(node, 'storage_order', 0) === 1;
}

/** Positions of a window along one axis from which on the runtime's own search is asked where the maximum is. */
const manyTaps = 12;

/**
 * Returns the windows along each axis; undefined where sizes are open, where maps of 16 bits may be rounded in one place and not in
 * another, and where the runtime's own search is faster: long windows, rows of which something is left over by the stride.
 *
 * Undefined, too, where rounding up leaves a last window in the padding alone: the runtime counts it before running, and not then.
 */
function axesOf(context: SizeContext): readonly AxisWindows[] | undefined {
  const { node } = context;
  const [wide = ''] = node.inputs;
  const [narrow = ''] = node.outputs;
  const kernel = intsAttribute(node, 'kernel_shape') ?? [];
  const sizes = spatialSizes(context, wide, kernel.length);
  const results = spatialSizes(context, narrow, kernel.length);
  if (sizes === undefined || results === undefined || isHalf(context.typeOf(wide))) return undefined;
  const geometry = windowGeometry(context, kernel, { wide, narrow });
  const isLong = kernel.some((taps) => taps >= manyTaps);
  const isLeftOver = (sizes.at(-1) ?? 1) % (geometry.strides.at(-1) ?? 1) !== 0;
  if (isLong || isLeftOver) return undefined;
  const axes = kernel.map((tapCount, axis) => ({
    size: sizes[axis] ?? 1,
    windowCount: results[axis] ?? 1,
    tapCount,
    stride: geometry.strides[axis] ?? 1,
    dilation: geometry.dilations[axis] ?? 1,
    padBegin: geometry.padsBegin[axis] ?? 0,
  }));
  const isRoundedUp = intAttribute(node, 'ceil_mode', 0) === 1;
  const isCounted = axes.every(({ size, windowCount, stride, padBegin }, axis) => {
    const reach = size + padBegin + (geometry.padsEnd[axis] ?? 0) - windowExtent(geometry, axis);
    return !isRoundedUp || windowCount === Math.ceil(reach / stride) + 1;
  });
  return isCounted && axes.every(meetsMaps) ? axes : undefined;
}

function isHalf(type: ValueType): boolean {
  return type.kind === 'tensor' && dataTypeFacts(type.elementType).bits === 16;
}

function indicesOf({ node, builder }: RuleContext, x: string): string {
  const [, indices = ''] = node.outputs;
  if (indices !== '' && !isColumnMajor(node)) return indices;
  const own = builder.freshName('ni/indices');
  builder.node('MaxPool', [x], {
    attributes: { ...Object.fromEntries(node.attributes), storage_order: 0 },
    outputs: [builder.freshName('ni/MaxPool'), own],
  });
  return own;
}
