// Loops over typed arrays that many analyses share. Sums are float64, as everywhere.

/** Writes `from + fraction · (to − from)` into `target`, element by element. */
export function interpolateInto(
  target: Float32Array,
  from: Float32Array,
  to: Float32Array,
  fraction: number,
): void {
  for (let i = 0; i < target.length; i++) target[i] = from[i]! + fraction * (to[i]! - from[i]!);
}

/** Adds `scale · values` to `target`, element by element. */
export function addScaled(target: Float64Array, values: ArrayLike<number>, scale: number): void {
  for (let i = 0; i < target.length; i++) target[i]! += scale * values[i]!;
}

/** Returns the sum of the elements. */
export function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}

/** Returns the largest absolute value; 0 for an empty array, NaN when any element is NaN. */
export function maxAbs(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (Number.isNaN(size)) return NaN;
    if (size > largest) largest = size;
  }
  return largest;
}

/** Returns the index of the first largest element; 0 for an empty array. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
