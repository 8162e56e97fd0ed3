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
 * Appends the elements of the cotangent of x, to be given its shape: every g at the first maximum of its window in row-major order.
 *
 * Axis by axis: a window's maximum is that of the maxima of its rows, and the first one lies in the first row that has it. Along
 * one axis, what the first tap equals takes g, and the next ones what is left. The runtime's own search for the positions takes
 * 1.2–3 times as long, and keeps the forward pass out of the blocked layout.
 *
 * Masks multiply, as everywhere: an infinite g leaves NaN beside it. A window with a NaN hands g to its last element, and one of −∞
 * alone has no gradient to speak of.
 */
export function appendFirstMaxima(emit: Emitter, { x, y, g, axes }: PooledMaps): string {
  // Quantised maps are compared as numbers; where they are numbers the runtime drops the cast.
  const numbers = (value: string): string => emit.castTo(value, emit.elementType);
  const levels: PooledAxis[] = [];
  let maps = numbers(x);
  for (const [axis, windows] of [...axes.entries()].toReversed()) {
    const inner = axes.slice(axis + 1).reduce((product, { windowCount }) => product * windowCount, 1);
    const taps = dealTaps(emit, maps, { windows, inner });
    maps = axis === 0 ? numbers(y) : emit.node('Max', taps);
    levels.push({ windows, inner, taps, maxima: maps });
  }
  // The last axis was pooled first, and what its pooling met is the answer.
  return levels.toReversed().reduce((cotangents, level) => handBack(emit, level, cotangents), g);
}

/** One axis of the maps, those before it as one, and the positions along those behind it, pooled already, as one. */
interface MapAxis {
  readonly windows: AxisWindows;
  readonly inner: number;
}

interface PooledAxis extends MapAxis {
  /** What each tap of a window meets, [rows, windows] or [rows, windows, inner]: −∞ where that is padding. */
  readonly taps: readonly string[];
  readonly maxima: string;
}

/** What one tap of all windows meets: of the positions of one remainder by the stride, as many as there are windows. */
interface TapPlace {
  readonly remainder: number;
  /** The first of them; below 0 in the padding. */
  readonly first: number;
}

/** Whether any tap meets the maps. */
export function meetsMaps(windows: AxisWindows): boolean {
  return placesOf(windows).length > 0;
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

/** Rows by `count` positions; without an axis of one behind them, with which the runtime takes element by element. */
function dimsOf({ inner }: MapAxis, count: number): readonly number[] {
  return inner === 1 ? [-1, count] : [-1, count, inner];
}

function dealTaps(emit: Emitter, maps: string, axis: MapAxis): readonly string[] {
  const { windows, inner } = axis;
  const { size, stride, windowCount } = windows;
  const steps = stepCount(windows);
  const missing = { before: 0, after: steps * stride - size, fill: -Infinity };
  const whole = padAlong(emit, axis, emit.reshapeTo(maps, dimsOf(axis, size)), missing);
  const dealt = emit.split(emit.reshapeTo(whole, [-1, steps, stride, inner]), 2, stride);
  const byRemainder = dealt.map((part) => emit.reshapeTo(part, dimsOf(axis, steps)));
  return placesOf(windows).map(({ remainder, first }) => {
    const [from, to] = [Math.max(first, 0), Math.min(first + windowCount, steps)];
    const inside = cut(emit, byRemainder[remainder] ?? '', { from, to, of: steps });
    const around = { before: from - first, after: first + windowCount - to };
    return padAlong(emit, axis, inside, { ...around, fill: -Infinity });
  });
}

/** The positions `from` … `to` − 1 of axis 1. */
function cut(
  emit: Emitter,
  value: string,
  { from, to, of }: { readonly from: number; readonly to: number; readonly of: number },
): string {
  if (from === 0 && to === of) return value;
  return emit.node('Slice', [value, emit.ints([from]), emit.ints([to]), emit.ints([1])]);
}

/** Adds positions before and after those of axis 1, or takes some away. */
function padAlong(
  emit: Emitter,
  { inner }: MapAxis,
  value: string,
  { before, after, fill }: { readonly before: number; readonly after: number; readonly fill: number },
): string {
  if (before === 0 && after === 0) return value;
  const pads = inner === 1 ? [0, before, 0, after] : [0, before, 0, 0, after, 0];
  return emit.node('Pad', [value, emit.ints(pads), emit.scalar(fill)]);
}

/** From the cotangents of the maxima along one axis to those of what was pooled. */
function handBack(emit: Emitter, axis: PooledAxis, cotangents: string): string {
  const { windows, inner, taps } = axis;
  const { size, stride, windowCount } = windows;
  const steps = stepCount(windows);
  const maxima = emit.reshapeTo(axis.maxima, dimsOf(axis, windowCount));
  const byRemainder: string[][] = Array.from({ length: stride }, () => []);
  let left = emit.reshapeTo(cotangents, dimsOf(axis, windowCount));
  for (const [index, { remainder, first }] of placesOf(windows).entries()) {
    // Whatever no other took is the last one's.
    const isLast = index === taps.length - 1;
    const taken = isLast ? left : emit.maskWhere(emit.node('Equal', [taps[index] ?? '', maxima]), left);
    if (!isLast) left = emit.sub(left, taken);
    const around = { before: first, after: steps - first - windowCount };
    byRemainder[remainder]?.push(padAlong(emit, axis, taken, { ...around, fill: 0 }));
  }
  const some = byRemainder.find((parts) => parts.length > 0)?.[0] ?? '';
  const sums = byRemainder.map(([part, ...others]) =>
    // No window meets some remainders where strides are longer than windows.
    part === undefined
      ? emit.zeros(emit.shape(some))
      : others.reduce((sum, other) => emit.add(sum, other), part),
  );
  const dealt = sums.map((sum) => emit.reshapeTo(sum, [-1, steps, 1, inner]));
  const whole = emit.reshapeTo(emit.concat(dealt, 2), dimsOf(axis, steps * stride));
  return cut(emit, whole, { from: 0, to: size, of: steps * stride });
}
