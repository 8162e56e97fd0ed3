import type { ConvChannels, WindowGeometry } from './convGeometry.js';
import type { Emitter } from './emitter.js';
import type { RuleContext } from './gradientRule.js';
import { axesFrom, fixedSize } from './staticShapes.js';

/** Input [N, C, …] and output cotangent [N, M, …] of the convolution whose weight's gradient is wanted. */
export interface ConvWeightOperands {
  readonly x: string;
  readonly g: string;
  /** The value whose static sizes are those of g (the output). */
  readonly narrow: string;
  readonly channels: ConvChannels;
  readonly geometry: WindowGeometry;
}

/**
 * Appends dW [M, C/G, k …] as one matrix product per kernel tap on channels-last slices, the batch folded into the
 * product: [M, N·Ho·Wo] × [N·Ho·Wo, C].
 *
 * Measured 1.1–1.3 × the convolution's own forward, against 1.8–4.9 × for a Conv with swapped roles.
 */
export function emitConvWeightGradient(
  context: RuleContext,
  emit: Emitter,
  operands: ConvWeightOperands,
): string {
  const { g, channels, geometry } = operands;
  const { group, outPerGroup, inPerGroup } = channels;
  const rank = geometry.kernel.length + 2;
  const spatial = axesFrom(2, rank);
  // [N, M, o …] → [G, M/G, N·o]
  const rows = emit.reshapeTo(
    emit.transpose(g, [1, 0, ...spatial]),
    group === 1 ? [outPerGroup, -1] : [group, outPerGroup, -1],
  );
  const last = emit.transpose(padded(emit, operands.x, geometry), [0, ...spatial, 1]);
  const taps = tapOffsets(geometry.kernel).map((tap) => {
    const slice = tapSlice(context, emit, { ...operands, last, tap });
    return emit.node('MatMul', [rows, columns(emit, slice, channels)]);
  });
  // Taps first: [K, M, C/G] → [M, C/G, K]
  const stacked = emit.reshapeTo(emit.concat(taps, 0), [taps.length, group * outPerGroup, inPerGroup]);
  return emit.reshapeTo(emit.transpose(stacked, [1, 2, 0]), [
    group * outPerGroup,
    inPerGroup,
    ...geometry.kernel,
  ]);
}

function padded(emit: Emitter, x: string, { padsBegin, padsEnd }: WindowGeometry): string {
  if ([...padsBegin, ...padsEnd].every((size) => size === 0)) return x;
  return emit.node('Pad', [x, emit.ints([0, 0, ...padsBegin, 0, 0, ...padsEnd])]);
}

/** [N, o …, C] → [N·o, C], or [G, N·o, C/G] */
function columns(emit: Emitter, slice: string, { group, inPerGroup }: ConvChannels): string {
  if (group === 1) return emit.reshapeTo(slice, [-1, inPerGroup]);
  return emit.transpose(emit.reshapeTo(slice, [-1, group, inPerGroup]), [1, 0, 2]);
}

/** Returns every index into the kernel, last axis fastest. */
export function tapOffsets(kernel: readonly number[]): readonly (readonly number[])[] {
  return kernel.reduce<readonly (readonly number[])[]>(
    (taps, size) => taps.flatMap((tap) => Array.from({ length: size }, (_, i) => [...tap, i])),
    [[]],
  );
}

interface Tap extends ConvWeightOperands {
  /** The padded input with channels last. */
  readonly last: string;
  readonly tap: readonly number[];
}

/** The positions of the input that one tap of the kernel meets: t·d, t·d + s, … */
function tapSlice(context: RuleContext, emit: Emitter, { last, tap, geometry, narrow, g }: Tap): string {
  const { strides, dilations } = geometry;
  if (tap.length === 0) return last;
  const starts = tap.map((index, axis) => index * (dilations[axis] ?? 1));
  const axes = axesFrom(1, tap.length + 1);
  const sizes = tap.map((_, axis) => fixedSize(context, narrow, axis + 2));
  const spans = sizes.map((size, axis) =>
    size === undefined ? undefined : (size - 1) * (strides[axis] ?? 1),
  );
  const ends = spans.every((span) => span !== undefined)
    ? emit.ints(spans.map((span, axis) => span + (starts[axis] ?? 0) + 1))
    : endsAtRunTime(emit, { g, starts, strides });
  return emit.node('Slice', [last, emit.ints(starts), ends, emit.ints(axes), emit.ints(strides)]);
}

function endsAtRunTime(
  emit: Emitter,
  { g, starts, strides }: { g: string; starts: readonly number[]; strides: readonly number[] },
): string {
  // (o − 1)·s + start + 1
  const steps = emit.mul(emit.shape(g, 2), emit.ints(strides));
  return emit.add(steps, emit.ints(starts.map((start, axis) => start + 1 - (strides[axis] ?? 1))));
}
