import { type Attribute, type GraphNode, intsAttribute, stringAttribute } from '../../../onnx/model.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import { Emitter, emitterFor } from '../emitter.js';
import { formUnsupported } from '../gradientErrors.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';
import { axesFrom, emitSize, normalAxis, rankOf, shapeIfKnown } from '../staticShapes.js';

/**
 * Gradient of Resize in every mode: it is linear and works along each axis on its own, y = W₁ ⊗ W₂ ⊗ … · x.
 *
 * W of an axis is what Resize itself makes of the unit vectors, and dx = W₁ᵀ ⊗ W₂ᵀ ⊗ … · g. With known sizes the runtime
 * computes W once. Repeating each element a whole number of times needs no W: its blocks are summed.
 */
export const resizeRule: GradientRule = {
  opType: 'Resize',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const repeats = wholeRepeats(context);
    if (repeats !== undefined) return [sumBlocks(context, emit, { g, repeats })];
    const rank = rankOf(context, node.inputs[0] ?? '');
    // From the last axis on, where matrices need not be turned.
    const axes = resizedAxes(context, rank).toSorted((a, b) => b - a);
    return [axes.reduce((value, axis) => alongAxis(context, emit, { value, axis, rank }), g)];
  },
};

/** The axes that operands speak of: all, or those of the attribute. */
function namedAxes(node: GraphNode, rank: number): readonly number[] {
  return intsAttribute(node, 'axes')?.map((axis) => normalAxis(axis, rank)) ?? axesFrom(0, rank);
}

/** Whether all axes get one scale, the least or greatest of those that the wanted sizes ask for. */
function keepsRatio(node: GraphNode): boolean {
  return stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch') !== 'stretch';
}

function isCropped(node: GraphNode): boolean {
  return stringAttribute(node, 'coordinate_transformation_mode', '') === 'tf_crop_and_resize';
}

/** Axes that are not known to stay as they are. */
function resizedAxes(context: RuleContext, rank: number): readonly number[] {
  const { node } = context;
  const scales = constantScales(context);
  const isMoved = isCropped(node) || keepsRatio(node);
  const [x = '', y = ''] = [node.inputs[0], node.outputs[0]];
  const named = namedAxes(node, rank);
  return named.filter((axis, i) => {
    if (isMoved) return true;
    if (scales !== undefined) return scales[i] !== 1;
    const [from, to] = [shapeIfKnown(context, x)?.[axis], shapeIfKnown(context, y)?.[axis]];
    return from === null || from !== to;
  });
}

function constantScales(context: RuleContext): readonly number[] | undefined {
  const value = context.constantOf(context.node.inputs[2] ?? '');
  return value === undefined || value.data.length === 0 ? undefined : Array.from(toFloat64(value));
}

/** How often each element is repeated along each axis, when Resize does nothing else. */
function wholeRepeats(context: RuleContext): readonly number[] | undefined {
  const { node } = context;
  const scales = constantScales(context);
  const rank = rankOf(context, node.inputs[0] ?? '');
  if (
    stringAttribute(node, 'mode', 'nearest') !== 'nearest' ||
    scales?.length !== rank ||
    node.attributes.has('axes')
  ) {
    return undefined;
  }
  if (!scales.every((scale) => Number.isInteger(scale) && scale >= 1)) return undefined;
  const nearest = stringAttribute(node, 'nearest_mode', 'round_prefer_floor');
  const transform = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel');
  const isCentred = transform === 'half_pixel' && nearest.startsWith('round_prefer');
  return isCentred || (transform === 'asymmetric' && nearest === 'floor') ? scales : undefined;
}

/** [n·r, …] → [n, r, …], summed over the repeats. */
function sumBlocks(
  context: RuleContext,
  emit: Emitter,
  { g, repeats }: { readonly g: string; readonly repeats: readonly number[] },
): string {
  const [x = ''] = context.node.inputs;
  const sizes = repeats.flatMap((repeat, axis) => [
    emitSize(context, emit, { value: x, axis }),
    ...(repeat === 1 ? [] : [emit.ints([repeat])]),
  ]);
  const summedAxes: number[] = [];
  let at = 0;
  for (const repeat of repeats) {
    if (repeat !== 1) summedAxes.push(at + 1);
    at += repeat === 1 ? 1 : 2;
  }
  return emit.sum(emit.reshape(g, emit.concat(sizes, 0)), summedAxes, false);
}

interface Along {
  readonly value: string;
  readonly axis: number;
  readonly rank: number;
}

function alongAxis(context: RuleContext, emit: Emitter, { value, axis, rank }: Along): string {
  const wide = new Emitter(context.builder, 'float32');
  const single = keepsRatio(context.node)
    ? ratioWeight(context, wide, { axis, rank })
    : axisWeight(context, wide, axis);
  const weight = emit.elementType === 'float32' ? single : emit.castTo(single, emit.elementType);
  if (axis === rank - 1) return emit.node('MatMul', [value, emit.transpose(weight, [1, 0])]);
  if (axis === rank - 2) return emit.node('MatMul', [weight, value]);
  const perm = [...axesFrom(0, rank).filter((other) => other !== axis), axis];
  const product = emit.node('MatMul', [emit.transpose(value, perm), emit.transpose(weight, [1, 0])]);
  return emit.transpose(
    product,
    perm.map((_, i) => perm.indexOf(i)),
  );
}

/** W [n, m]: the unit vectors resized along the last axis of [1, 1, n, n]. */
function axisWeight(context: RuleContext, emit: Emitter, axis: number): string {
  const { node } = context;
  const [x = '', roi = '', scales = '', sizes = ''] = node.inputs;
  const named = namedAxes(node, rankOf(context, x));
  const place = named.indexOf(axis);
  const size = emitSize(context, emit, { value: x, axis });
  const square = emit.concat([size, size], 0);
  const units = emit.node('EyeLike', [emit.zeros(square)]);
  const image = emit.unsqueeze(units, [0, 1]);
  const one = (operand: string, at: number): string =>
    emit.node('Slice', [operand, emit.ints([at]), emit.ints([at + 1]), emit.ints([0])]);
  const floats = (values: readonly number[]): string =>
    emit.constant({ dtype: 'float32', dims: [values.length], data: Float32Array.from(values) });
  const hasScales = scales !== '' && context.constantOf(scales)?.data.length !== 0;
  const inner = hasScales
    ? ['', emit.concat([floats([1, 1, 1]), one(scales, place)], 0)]
    : ['', '', emit.concat([emit.ints([1, 1]), size, one(sizes, place)], 0)];
  if (isCropped(node)) {
    const corner = (at: number): string => emit.castTo(one(roi, at), 'float32');
    inner[0] = emit.concat(
      [floats([0, 0, 0]), corner(place), floats([1, 1, 1]), corner(named.length + place)],
      0,
    );
  }
  const weight = emit.node('Resize', [image, ...inner], attributesForAxis(node));
  return emit.squeeze(weight, [0, 1]);
}

/**
 * W [n, m] where the scale of an axis depends on the others: unit vectors along the axis, constant along the others, which
 * they therefore stay, are resized as the node resizes x.
 */
function ratioWeight(
  context: RuleContext,
  emit: Emitter,
  { axis, rank }: { readonly axis: number; readonly rank: number },
): string {
  const { node } = context;
  const [x = '', , , sizes = ''] = node.inputs;
  const named = namedAxes(node, rank);
  if (named.includes(0)) throw formUnsupported(node, 'keep_aspect_ratio_policy over the first axis');
  if (isCropped(node)) throw formUnsupported(node, 'keep_aspect_ratio_policy with tf_crop_and_resize');
  const size = (at: number): string => emitSize(context, emit, { value: x, axis: at });
  const units = emit.node('EyeLike', [emit.zeros(emit.concat([size(axis), size(axis)], 0))]);
  // The unit's number stands on the first axis.
  const others = axesFrom(1, rank).filter((at) => at !== axis);
  const shape = emit.concat(
    axesFrom(0, rank).map((at) => (at === 0 ? size(axis) : named.includes(at) ? size(at) : emit.ints([1]))),
    0,
  );
  const images = emit.node('Expand', [emit.unsqueeze(units, others), shape]);
  const resized = emit.node(
    'Resize',
    [images, '', '', sizes],
    attributesForAxis(node, ['extrapolation_value']),
  );
  const first = emit.node('Slice', [
    resized,
    emit.ints(others.map(() => 0)),
    emit.ints(others.map(() => 1)),
    emit.ints(others),
  ]);
  return emit.squeeze(first, others);
}

/** What is extrapolated does not depend on x: 0 there. */
function attributesForAxis(
  node: GraphNode,
  left: readonly string[] = ['axes', 'extrapolation_value'],
): Readonly<Record<string, Attribute>> {
  const kept = [...node.attributes].filter(([name]) => !left.includes(name));
  return Object.fromEntries(kept);
}
