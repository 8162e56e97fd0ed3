import { type ConvChannels, windowExtent, type WindowGeometry, type WindowSides } from './convGeometry.js';
import type { Emitter } from './emitter.js';
import type { RuleContext } from './gradientRule.js';
import { emitSmallMapTranspose } from './smallMapTranspose.js';
import { axesFrom, fixedSize } from './staticShapes.js';

/** What the transpose of a convolution is made from: cotangent g [N, M, …] and weight [M, C/G, k …]. */
export interface ConvTransposeOperands {
  readonly g: string;
  readonly weight: string;
  readonly channels: ConvChannels;
  readonly geometry: WindowGeometry;
  readonly sides: WindowSides;
  /** Whether the weight is computed from constants alone, so that flipping it is computed once too. */
  readonly isWeightFixed?: boolean;
}

/**
 * Appends the transpose of a convolution: cotangent of the output → cotangent of the input, [N, C, …].
 *
 * With stride 1 it is a plain convolution by the flipped kernel with its channels transposed, which the runtime does
 * faster than ConvTranspose; flipping a constant kernel is folded when the session opens.
 */
export function emitConvTranspose(
  context: RuleContext,
  emit: Emitter,
  operands: ConvTransposeOperands,
): string {
  const isFlipped = isPlain(operands.geometry) && isFlipWorthwhile(context, operands);
  if (!isFlipped) return strided(context, emit, operands);
  return emitSmallMapTranspose(context, emit, operands) ?? plainConv(emit, operands);
}

/**
 * A depthwise convolution whose every second position is a result, with zeros put between the cotangents: plain again, and
 * 15–35 % faster than ConvTranspose. Undefined where sizes are open or more is left over than the kernel reaches.
 */
function spreadDepthwise(
  context: RuleContext,
  emit: Emitter,
  operands: ConvTransposeOperands,
): string | undefined {
  const { g, weight, channels, geometry, sides } = operands;
  const { kernel, strides, dilations, padsBegin } = geometry;
  const isDepthwise = channels.inPerGroup === 1 && channels.outPerGroup === 1;
  if (!isDepthwise || strides.some((stride) => stride > 2)) return undefined;
  const narrow = kernel.map((_, axis) => fixedSize(context, sides.narrow, axis + 2) ?? NaN);
  const wide = kernel.map((_, axis) => fixedSize(context, sides.wide, axis + 2) ?? NaN);
  const before = kernel.map((_, axis) => windowExtent(geometry, axis) - 1 - (padsBegin[axis] ?? 0));
  const after = kernel.map(
    (_, axis) => (wide[axis] ?? NaN) - (strides[axis] ?? 1) * (narrow[axis] ?? NaN) + (padsBegin[axis] ?? 0),
  );
  if (![...before, ...after].every((size) => size >= 0)) return undefined;
  const spread = spreadOut(emit, g, { channels: channels.group, sizes: narrow, strides });
  return emit.node('Conv', [spread, flippedWeight(emit, weight, channels, kernel)], {
    kernel_shape: kernel,
    dilations,
    pads: [...before, ...after],
    group: channels.group,
  });
}

/** [N, C, o …] → [N, C, s·o …], s − 1 zeros behind every element. */
function spreadOut(
  emit: Emitter,
  g: string,
  maps: { readonly channels: number; readonly sizes: readonly number[]; readonly strides: readonly number[] },
): string {
  const sizes = [...maps.sizes];
  let spread = g;
  // From the last axis on: what is copied later is copied in longer pieces.
  for (const [axis, stride] of [...maps.strides.entries()].reverse()) {
    if (stride === 1) continue;
    const apart = [-1, maps.channels, ...sizes.slice(0, axis + 1), 1, ...sizes.slice(axis + 1)];
    const elements = emit.reshapeTo(spread, apart);
    const zeros = new Array<string>(stride - 1).fill(emit.zeros(emit.shape(elements)));
    sizes[axis] = (sizes[axis] ?? 1) * stride;
    spread = emit.reshapeTo(emit.concat([elements, ...zeros], axis + 3), [-1, maps.channels, ...sizes]);
  }
  return spread;
}

/** Fewer positions than this do not pay for flipping the kernel at every run (35 against 12 ms at 512 channels, 4²). */
const positionsWorthFlipping = 256;

function isFlipWorthwhile(context: RuleContext, operands: ConvTransposeOperands): boolean {
  const { weight, geometry, sides, isWeightFixed = context.isConstant(weight) } = operands;
  const isPointwise = geometry.kernel.every((size) => size === 1);
  if (isWeightFixed || isPointwise) return true;
  const sizes = geometry.kernel.map((_, axis) => fixedSize(context, sides.narrow, axis + 2));
  if (sizes.includes(undefined)) return true;
  return sizes.reduce<number>((product, size) => product * (size ?? 1), 1) >= positionsWorthFlipping;
}

function isPlain(geometry: WindowGeometry): boolean {
  return geometry.strides.every((stride, axis) => {
    const reach = windowExtent(geometry, axis) - 1;
    return stride === 1 && (geometry.padsBegin[axis] ?? 0) <= reach && (geometry.padsEnd[axis] ?? 0) <= reach;
  });
}

function plainConv(emit: Emitter, { g, weight, channels, geometry }: ConvTransposeOperands): string {
  const { kernel, dilations, padsBegin, padsEnd } = geometry;
  const pad = (pads: readonly number[]): number[] =>
    pads.map((size, axis) => windowExtent(geometry, axis) - 1 - size);
  return emit.node('Conv', [g, flippedWeight(emit, weight, channels, kernel)], {
    kernel_shape: kernel,
    dilations,
    pads: [...pad(padsBegin), ...pad(padsEnd)],
    group: channels.group,
  });
}

/** [M, C/G, k …] → [C, M/G, k …] with every kernel axis reversed. */
function flippedWeight(
  emit: Emitter,
  weight: string,
  { group, outPerGroup, inPerGroup }: ConvChannels,
  kernel: readonly number[],
): string {
  const spatial = axesFrom(2, kernel.length + 2);
  const flippedAxes = spatial.filter((axis) => kernel[axis - 2] !== 1);
  const flipped = flippedAxes.length === 0 ? weight : reverse(emit, weight, flippedAxes);
  if (outPerGroup === 1 && inPerGroup === 1) return flipped;
  if (group === 1) return emit.transpose(flipped, [1, 0, ...spatial]);
  const apart = emit.reshapeTo(flipped, [group, outPerGroup, inPerGroup, ...kernel]);
  const swapped = emit.transpose(apart, [0, 2, 1, ...spatial.map((axis) => axis + 1)]);
  return emit.reshapeTo(swapped, [group * inPerGroup, outPerGroup, ...kernel]);
}

function reverse(emit: Emitter, value: string, axes: readonly number[]): string {
  const starts = emit.ints(axes.map(() => -1));
  // Far below any size: "past the first element" when stepping backwards.
  const ends = emit.ints(axes.map(() => -(2 ** 31)));
  return emit.node('Slice', [value, starts, ends, emit.ints(axes), emit.ints(axes.map(() => -1))]);
}

function strided(context: RuleContext, emit: Emitter, operands: ConvTransposeOperands): string {
  const spread = spreadDepthwise(context, emit, operands);
  if (spread !== undefined) return spread;
  const { g, weight, channels, geometry } = operands;
  const { kernel, strides, dilations, padsBegin, padsEnd } = geometry;
  const attributes = { kernel_shape: kernel, strides, dilations, group: channels.group };
  const rest = outputPadding(context, operands);
  if (rest !== undefined) {
    const pads = [...padsBegin, ...padsEnd];
    return emit.node('ConvTranspose', [g, weight], { ...attributes, pads, output_padding: rest });
  }
  return cropAtRunTime(emit, emit.node('ConvTranspose', [g, weight], attributes), operands);
}

/** H − ((Ho − 1)·s − pads + d·(k − 1) + 1): rows at the end that no window reached; undefined for unknown sizes. */
function outputPadding(
  context: RuleContext,
  { geometry, sides }: ConvTransposeOperands,
): readonly number[] | undefined {
  const rest: number[] = [];
  for (const [axis, stride] of geometry.strides.entries()) {
    const wide = fixedSize(context, sides.wide, axis + 2);
    const narrow = fixedSize(context, sides.narrow, axis + 2);
    if (wide === undefined || narrow === undefined) return undefined;
    const pads = (geometry.padsBegin[axis] ?? 0) + (geometry.padsEnd[axis] ?? 0);
    const missing = wide - ((narrow - 1) * stride - pads + windowExtent(geometry, axis));
    // A pool that rounds up reaches over the end; a negative rest is cropped instead.
    if (missing < 0 || missing >= stride) return undefined;
    rest.push(missing);
  }
  return rest;
}

/** Cuts the padding off, and fills up what no window reached, with sizes read at run time. */
function cropAtRunTime(emit: Emitter, full: string, { geometry, sides }: ConvTransposeOperands): string {
  const begin = emit.ints([0, 0, ...geometry.padsBegin.map((size) => -size)]);
  // end = size(wide) − (size(full) − begin)
  const end = emit.sub(
    emit.sub(emit.shape(sides.wide, 2), emit.shape(full, 2)),
    emit.ints(geometry.padsBegin.map((size) => -size)),
  );
  return emit.node('Pad', [full, emit.concat([begin, emit.ints([0, 0]), end], 0)]);
}
