/**
 * The k largest entries of each of several units: `[unitCount, k]`, largest first, equal values by smaller id. Free places
 * hold −∞ and id −1.
 */
export interface TopK {
  readonly unitCount: number;
  readonly k: number;
  readonly values: Float64Array;
  readonly ids: Float64Array;
}

/** Returns an empty table. */
export function createTopK(unitCount: number, k: number): TopK {
  return {
    unitCount,
    k,
    values: new Float64Array(unitCount * k).fill(-Infinity),
    ids: new Float64Array(unitCount * k).fill(-1),
  };
}

/** Adds an entry to a unit's table if it is among its k largest; NaN is never. Ids are offered at most once per unit. */
export function offer(top: TopK, unit: number, entry: { readonly value: number; readonly id: number }): void {
  insert(top, unit, entry.value, entry.id);
}

/** Returns the table of two streams with disjoint ids together; the order of merging does not matter. */
export function mergeTopK(a: TopK, b: TopK): TopK {
  const merged: TopK = { ...a, values: a.values.slice(), ids: a.ids.slice() };
  for (let unit = 0; unit < b.unitCount; unit++) {
    for (let i = unit * b.k; i < (unit + 1) * b.k; i++) {
      if (b.ids[i]! >= 0) insert(merged, unit, b.values[i]!, b.ids[i]!);
    }
  }
  return merged;
}

/** Insertion into a short sorted row: almost always one comparison with its last place. */
export function insert(top: TopK, unit: number, value: number, id: number): void {
  const { values, ids, k } = top;
  const start = unit * k;
  let place = start + k;
  // `!(… > …)`-free form: NaN compares false and so never enters.
  while (place > start && isBefore(value, id, values[place - 1]!, ids[place - 1]!)) place--;
  if (place === start + k) return;
  values.copyWithin(place + 1, place, start + k - 1);
  ids.copyWithin(place + 1, place, start + k - 1);
  values[place] = value;
  ids[place] = id;
}

function isBefore(value: number, id: number, otherValue: number, otherId: number): boolean {
  return value > otherValue || (value === otherValue && (otherId < 0 || id < otherId));
}
