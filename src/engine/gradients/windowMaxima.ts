import type { Emitter } from './emitter.js';

/** Windows of a pooling along one axis. */
export interface AxisWindows {
  /** Positions of the input, and how many windows there are. */
  readonly size: number;
  readonly windowCount: number;
  /** Positions that one window meets, `dilation` apart. */
  readonly tapCount: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padBegin: number;
}

/** A pooling and its cotangent: maps x [N, C, …], maxima y and g [N, C, o …], one entry of `axes` per spatial axis. */
export interface PooledMaps {
  readonly x: string;
  readonly y: string;
  readonly g: string;
  readonly axes: readonly AxisWindows[];
}

/**
 * Appends the cotangent of x: every g at the first maximum of its window in row-major order.
 *
 * Axis by axis: a window's maximum is that of the maxima of its rows, and the first one lies in the first row that has it. Along
 * one axis, what the first tap equals takes g, and the next ones what is left. The runtime's own search for the positions takes
 * half as long again, on top of a forward pass that it keeps out of the blocked layout.
 */
export function appendFirstMaxima(emit: Emitter, { x, y, g, axes }: PooledMaps): string {
  // Quantised maps are compared as numbers; where they are numbers the cast is none.
  const numbers = (value: string): string => emit.castTo(value, emit.elementType);
  const levels: PooledAxis[] = [];
  let maps = numbers(x);
  for (const [axis, windows] of [...axes.entries()].toReversed()) {
    const inner = axes.slice(axis + 1).reduce((product, { windowCount }) => product * windowCount, 1);
    const dealt = dealTaps(emit, maps, { windows, inner });
    maps = axis === 0 ? numbers(y) : emit.node('Max', dealt.taps);
    levels.push({ ...dealt, windows, inner, maxima: maps });
  }
  // The last axis was pooled first, and what its pooling met is the answer.
  const cotangent = levels.toReversed().reduce((cotangents, level) => handBack(emit, level, cotangents), g);
  return emit.reshapeLike(cotangent, x);
}

/** One axis of the maps, those before it as one, and the positions along those behind it, pooled already, as one. */
interface MapAxis {
  readonly windows: AxisWindows;
  readonly inner: number;
}

interface DealtTaps {
  /** What each tap of a window meets, `tapDims`: −∞ where that is padding. */
  readonly taps: readonly string[];
  readonly tapDims: readonly number[];
}

interface PooledAxis extends MapAxis, DealtTaps {
  readonly maxima: string;
}

/** What one tap of all windows meets: of the positions of one remainder by the stride, as many as there are windows. */
interface TapPlace {
  readonly remainder: number;
  /** The first of them; below 0 in the padding. */
  readonly first: number;
}

/** The taps that meet the maps, in the order of the window; others meet padding alone. */
function placesOf(windows: AxisWindows): readonly TapPlace[] {
  const { tapCount, stride, dilation, padBegin, windowCount } = windows;
  const places = Array.from({ length: tapCount }, (_, tap) => {
    const position = tap * dilation - padBegin;
    const first = Math.floor(position / stride);
    return { remainder: position - first * stride, first };
  });
  return places.filter(({ first }) => first + windowCount > 0 && first < stepCount(windows));
}

/** Positions of each remainder. */
function stepCount({ size, stride }: AxisWindows): number {
  return Math.ceil(size / stride);
}

/**
 * Columns of the last axis are dealt out by their remainder in one transposition of a whole matrix, [R · n, s] → [s, R, n]; longer
 * pieces are taken where they lie, [R, n, s, inner].
 */
function isTurned({ inner }: MapAxis): boolean {
  return inner === 1;
}

function dealTaps(emit: Emitter, maps: string, axis: MapAxis): DealtTaps {
  const { windows, inner } = axis;
  const { size, stride, windowCount } = windows;
  const steps = stepCount(windows);
  const source = filledUp(emit, emit.reshapeTo(maps, [-1, size, inner]), steps * stride - size);
  const dealt = isTurned(axis)
    ? emit.reshapeTo(emit.transpose(emit.reshapeTo(source, [-1, stride]), [1, 0]), [stride, -1, steps])
    : emit.reshapeTo(source, [-1, steps, stride, inner]);
  const axes = emit.ints(isTurned(axis) ? [0, 2] : [2, 1]);
  const tapDims = isTurned(axis) ? [1, -1, windowCount] : [-1, windowCount, 1, inner];
  const positions = (remainder: number, from: number, to: number): string =>
    emit.node('Slice', [dealt, emit.ints([remainder, from]), emit.ints([remainder + 1, to]), axes]);
  const taps = placesOf(windows).map(({ remainder, first }) => {
    const [from, to] = [Math.max(first, 0), Math.min(first + windowCount, steps)];
    const around = { before: from - first, after: first + windowCount - to, fill: -Infinity };
    return padAlong(emit, axis, positions(remainder, from, to), around);
  });
  return { taps, tapDims };
}

/** Positions up to a whole number of steps, which no window takes for its maximum. */
function filledUp(emit: Emitter, maps: string, missing: number): string {
  return missing === 0
    ? maps
    : emit.node('Pad', [maps, emit.ints([0, 0, 0, 0, missing, 0]), emit.scalar(-Infinity)]);
}

/** Adds steps before and after, or takes some away. */
function padAlong(
  emit: Emitter,
  axis: MapAxis,
  value: string,
  { before, after, fill }: { readonly before: number; readonly after: number; readonly fill: number },
): string {
  if (before === 0 && after === 0) return value;
  const pads = isTurned(axis) ? [0, 0, before, 0, 0, after] : [0, before, 0, 0, 0, after, 0, 0];
  return emit.node('Pad', [value, emit.ints(pads), emit.scalar(fill)]);
}

/** From the cotangents of the maxima along one axis to those of what was pooled. */
function handBack(emit: Emitter, axis: PooledAxis, cotangents: string): string {
  const { windows, inner, taps, tapDims } = axis;
  const { size, stride, windowCount } = windows;
  const steps = stepCount(windows);
  const maxima = emit.reshapeTo(axis.maxima, tapDims);
  const byRemainder: string[][] = Array.from({ length: stride }, () => []);
  let left = emit.reshapeTo(cotangents, tapDims);
  for (const [index, { remainder, first }] of placesOf(windows).entries()) {
    // Whatever no other took is the last one's.
    const isLast = index === taps.length - 1;
    const taken = isLast ? left : emit.maskWhere(emit.node('Equal', [taps[index] ?? '', maxima]), left);
    if (!isLast) left = emit.sub(left, taken);
    const placed = padAlong(emit, axis, taken, {
      before: first,
      after: steps - first - windowCount,
      fill: 0,
    });
    byRemainder[remainder]?.push(placed);
  }
  const all = joined(emit, axis, byRemainder);
  if (steps * stride === size) return all;
  const whole = emit.reshapeTo(all, [-1, steps * stride, inner]);
  return emit.node('Slice', [whole, emit.ints([0]), emit.ints([size]), emit.ints([1])]);
}

/** The steps of all remainders in the order of the positions. */
function joined(emit: Emitter, axis: PooledAxis, byRemainder: readonly (readonly string[])[]): string {
  const some = byRemainder.find((parts) => parts.length > 0)?.[0] ?? '';
  const sums = byRemainder.map((parts) => {
    const [part, ...others] = parts;
    // No window meets this remainder: strides longer than the windows.
    if (part === undefined) return emit.zeros(emit.shape(some));
    return others.reduce((sum, other) => emit.add(sum, other), part);
  });
  if (!isTurned(axis)) return emit.concat(sums, 2);
  const columns = sums.map((sum) => emit.reshapeTo(sum, [-1, stepCount(axis.windows), 1]));
  // Twice as fast as to turn [s, R · n].
  return emit.concat(columns, 2);
}
