/**
 * Returns the place of every element when the largest is first, 0 for it; `tieOrder` decides between equal ones, smaller first,
 * by default their index.
 */
export function placesByValue(values: ArrayLike<number>, tieOrder?: ArrayLike<number>): Int32Array {
  const tie = (index: number): number => tieOrder?.[index] ?? index;
  const order = Array.from({ length: values.length }, (_, index) => index).sort(
    (a, b) => values[b]! - values[a]! || tie(a) - tie(b),
  );
  return inverseOf(order);
}

/** Returns where each element stands in an order: the inverse of a permutation. */
export function inverseOf(order: ArrayLike<number>): Int32Array {
  const places = new Int32Array(order.length);
  for (let place = 0; place < order.length; place++) places[order[place]!] = place;
  return places;
}

/** Returns the middle of some numbers, the mean of the two middle ones of an even count; NaN of none. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[half]!;
  return sorted.length === 0 ? NaN : (sorted[half - 1]! + sorted[half]!) / 2;
}
