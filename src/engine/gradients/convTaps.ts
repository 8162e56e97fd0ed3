import type { ConvWeightOperands } from './convWeightGradient.js';
import type { WindowGeometry } from './convGeometry.js';
import type { Emitter } from './emitter.js';
import type { RuleContext } from './gradientRule.js';
import { fixedSize, spatialSizes } from './staticShapes.js';

/** Appends zeros around the maps of a convolution's input [N, C, …]; the input itself where it has no pads. */
export function padded(emit: Emitter, x: string, { padsBegin, padsEnd }: WindowGeometry): string {
  if ([...padsBegin, ...padsEnd].every((size) => size === 0)) return x;
  return emit.node('Pad', [x, emit.ints([0, 0, ...padsBegin, 0, 0, ...padsEnd])]);
}

/** Returns every index into the kernel, last axis fastest. */
export function tapOffsets(kernel: readonly number[]): readonly (readonly number[])[] {
  return kernel.reduce<readonly (readonly number[])[]>(
    (taps, size) => taps.flatMap((tap) => Array.from({ length: size }, (_, i) => [...tap, i])),
    [[]],
  );
}

/** Returns the position of the padded input that one tap of the kernel meets first, per axis: t·d. */
export function tapStarts({ dilations }: WindowGeometry, tap: readonly number[]): readonly number[] {
  return tap.map((index, axis) => index * (dilations[axis] ?? 1));
}

/** The positions of a source that one tap meets: start, start + stride, … along its first spatial axes. */
interface TapPositions {
  readonly source: string;
  readonly starts: readonly number[];
  readonly strides: readonly number[];
  /** Axis of `source` that the first kernel axis slides along. */
  readonly firstAxis: number;
}

/** Appends the part of the source that one tap meets, as many positions per axis as the output has. */
export function tapSlice(
  context: RuleContext,
  emit: Emitter,
  where: TapPositions & Pick<ConvWeightOperands, 'narrow' | 'g'>,
): string {
  const { source, starts, strides, firstAxis, narrow } = where;
  if (starts.length === 0) return source;
  const steps = starts.map((_, axis) => strides[axis] ?? 1);
  const spans = steps.map((step, axis) => {
    const size = fixedSize(context, narrow, axis + 2);
    return size === undefined ? undefined : (size - 1) * step;
  });
  const ends = spans.every((span) => span !== undefined)
    ? emit.ints(spans.map((span, axis) => span + (starts[axis] ?? 0) + 1))
    : endsAtRunTime(emit, { g: where.g, starts, strides: steps });
  const axes = starts.map((_, axis) => axis + firstAxis);
  return emit.node('Slice', [source, emit.ints(starts), ends, emit.ints(axes), emit.ints(steps)]);
}

function endsAtRunTime(
  emit: Emitter,
  { g, starts, strides }: { g: string; starts: readonly number[]; strides: readonly number[] },
): string {
  // (o − 1)·s + start + 1
  const steps = emit.mul(emit.shape(g, 2, 2 + strides.length), emit.ints(strides));
  return emit.add(steps, emit.ints(starts.map((start, axis) => start + 1 - (strides[axis] ?? 1))));
}

/**
 * Appends, for every tap of the kernel, the positions of the input that it meets as maps [N, C, o …].
 *
 * The runtime copies every s-th column one by one, and neighbours in one piece: so columns are dealt out by their
 * remainder once, and every tap takes neighbours.
 */
export function tapMaps(
  context: RuleContext,
  emit: Emitter,
  operands: ConvWeightOperands,
): readonly string[] {
  const { geometry } = operands;
  const last = geometry.kernel.length - 1;
  const step = geometry.strides[last] ?? 1;
  const takeFrom = dealtColumns(context, emit, operands);
  return tapOffsets(geometry.kernel).map((tap) => {
    const starts = tapStarts(geometry, tap);
    const first = starts[last] ?? 0;
    return takeFrom(first % step, {
      starts: [...starts.slice(0, last), Math.floor(first / step)],
      strides: [...geometry.strides.slice(0, last), 1],
    });
  });
}

/** Appends the positions that a tap meets among the columns of one remainder. */
type TakeFrom = (remainder: number, where: Pick<TapPositions, 'starts' | 'strides'>) => string;

function dealtColumns(context: RuleContext, emit: Emitter, operands: ConvWeightOperands): TakeFrom {
  const { x, narrow, geometry } = operands;
  const last = geometry.kernel.length - 1;
  const step = geometry.strides[last] ?? 1;
  const sizes = spatialSizes(context, x, last + 1);
  const results = spatialSizes(context, narrow, last + 1);
  if (step > 1 && sizes !== undefined && results !== undefined) {
    return splitColumns(emit, { ...operands, sizes, results });
  }
  const source = padded(emit, x, geometry);
  const parts = Array.from({ length: step }, (_, remainder) =>
    step === 1 ? source : everyColumn(emit, source, { remainder, step, axis: last + 2 }),
  );
  return (remainder, where) =>
    tapSlice(context, emit, { ...operands, ...where, source: parts[remainder] ?? '', firstAxis: 2 });
}

interface SplitOperands extends ConvWeightOperands {
  /** Spatial sizes of the input and of the result. */
  readonly sizes: readonly number[];
  readonly results: readonly number[];
}

/**
 * Deals all columns out by one Split, in a third of the time of as many slices as there are remainders.
 *
 * A transposition of the whole, [N · C · h · w, s] → [s, N · C · h · w], takes no longer, but where all sizes are fixed the runtime
 * moves it behind the slices, which then copy column by column.
 */
function splitColumns(emit: Emitter, { x, geometry, channels, sizes, results }: SplitOperands): TakeFrom {
  const last = geometry.kernel.length - 1;
  const step = geometry.strides[last] ?? 1;
  const reach = sizes.map(
    (size, axis) => size + (geometry.padsBegin[axis] ?? 0) + (geometry.padsEnd[axis] ?? 0),
  );
  const width = Math.ceil((reach[last] ?? 0) / step);
  const filled = width * step - (reach[last] ?? 0);
  const padsEnd = geometry.padsEnd.map((size, axis) => (axis === last ? size + filled : size));
  const columns = emit.reshapeTo(padded(emit, x, { ...geometry, padsEnd }), [-1, width, step]);
  const dims = [-1, channels.group * channels.inPerGroup, ...reach.slice(0, last), width];
  const dealt = emit.split(columns, 2, step).map((part) => emit.reshapeTo(part, dims));
  const axes = emit.ints(results.map((_, axis) => axis + 2));
  return (remainder, { starts, strides }) => {
    const ends = results.map((size, axis) => (starts[axis] ?? 0) + (size - 1) * (strides[axis] ?? 1) + 1);
    const bounds = [emit.ints(starts), emit.ints(ends)];
    return emit.node('Slice', [dealt[remainder] ?? '', ...bounds, axes, emit.ints(strides)]);
  };
}

/** The shape of maps, or of what a tap meets of them, with all positions in a row: [N, …middle, positions]. */
export function rowDims(
  context: RuleContext,
  { narrow, geometry }: ConvWeightOperands,
  middle: readonly number[],
): readonly number[] {
  const sizes = spatialSizes(context, narrow, geometry.kernel.length);
  return sizes === undefined
    ? [0, ...middle, -1]
    : [-1, ...middle, sizes.reduce((product, size) => product * size, 1)];
}

function everyColumn(
  emit: Emitter,
  source: string,
  { remainder, step, axis }: { readonly remainder: number; readonly step: number; readonly axis: number },
): string {
  // Beyond any size: to the end.
  const end = emit.ints([2 ** 31 - 1]);
  return emit.node('Slice', [source, emit.ints([remainder]), end, emit.ints([axis]), emit.ints([step])]);
}
