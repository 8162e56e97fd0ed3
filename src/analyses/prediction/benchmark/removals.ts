import type { Random } from '../../../base/random.js';
import { pearson } from '../../../engine/numeric/rankCorrelation.js';
import { maxAbs } from '../../../engine/numeric/vectors.js';
import type { Problem } from '../attribution/problem.js';
import { valuesOfParts } from './hiding.js';
import type { PositionSpace } from './positions.js';

/** Sizes of the sets that are hidden, from few positions to most. */
const sizeCount = 6;

/** The smallest and the largest share of the positions that are hidden; the paper goes up to 80 %. */
const [smallestShare, largestShare] = [0.02, 0.8];

/** A change below this share of the explained value is rounding of float32 outputs. */
const roundingShare = 1e-5;

/** What random sets of positions take from the explained value when they are hidden; the same sets for all rows and methods. */
export interface Removals {
  /** Positions of each set. */
  readonly sets: readonly Uint32Array[];
  /** f(x) − f(x with the set behind the baseline), `[rows, sets]`. */
  readonly changes: Float64Array;
  /** |f(x)| by row, which rounding is judged by. */
  readonly sizes: Float64Array;
}

/** Returns the sizes of the sets for so many positions: each once, growing by a constant factor. */
export function setSizes(positionCount: number): readonly number[] {
  const smallest = Math.max(1, Math.round(smallestShare * positionCount));
  const largest = Math.max(smallest, Math.round(largestShare * positionCount));
  const factor = (largest / smallest) ** (1 / (sizeCount - 1));
  return [...new Set(Array.from({ length: sizeCount }, (_, i) => Math.round(smallest * factor ** i)))];
}

/** Draws sets and hides each of them in every row. */
export async function measureRemovals(
  problem: Problem,
  space: PositionSpace,
  { setCount, random }: { readonly setCount: number; readonly random: Random },
): Promise<Removals> {
  const sets = setSizes(space.count).flatMap((size) =>
    Array.from({ length: setCount }, () => random.permutation(space.count).subarray(0, size)),
  );
  const perRow = sets.length + 1;
  const values = await valuesOfParts(problem, space, {
    count: problem.rows.count * perRow,
    rowOf: (point) => Math.floor(point / perRow),
    shown(point, target) {
      target.fill(1);
      // The last point of a row is the row itself.
      for (const position of sets[point % perRow] ?? []) target[position] = 0;
    },
  });
  const changes = new Float64Array(problem.rows.count * sets.length);
  const sizes = new Float64Array(problem.rows.count);
  for (let row = 0; row < problem.rows.count; row++) {
    const whole = values[row * perRow + sets.length] ?? NaN;
    sizes[row] = Math.abs(whole);
    for (let set = 0; set < sets.length; set++) {
      changes[row * sets.length + set] = whole - (values[row * perRow + set] ?? NaN);
    }
  }
  return { sets, changes, sizes };
}

/**
 * Returns sensitivity-n of every row: the correlation of Σ effects and changes over the sets of one size, averaged over
 * sizes; NaN where no set changes anything. Scores that are the same for all sets explain nothing: 0.
 *
 * Source: Ancona, Ceolini, Öztireli & Gross (2017), "Towards better understanding of gradient-based attribution methods for
 * Deep Neural Networks", https://arxiv.org/abs/1711.06104. Differs: six sizes.
 */
export function sensitivityN(removals: Removals, effect: Float64Array): Float64Array {
  return byRow(removals, effect, ({ changes, sums, size }) => {
    const groups = groupsBySize(removals.sets);
    const found: number[] = [];
    for (const indices of groups) {
      const own = indices.map((set) => changes[set] ?? NaN);
      if (spreadOf(own) <= roundingShare * Math.max(size, maxAbs(own))) continue;
      const correlation = pearson(
        indices.map((set) => sums[set] ?? NaN),
        own,
      );
      found.push(Number.isNaN(correlation) ? 0 : correlation);
    }
    return found.length === 0 ? NaN : found.reduce((sum, each) => sum + each, 0) / found.length;
  });
}

/**
 * Returns the infidelity of every row: min over β of Σ (β · Σ effects − change)² / Σ change² over all sets; NaN where no
 * set changes anything.
 *
 * Source: Yeh, Hsieh, Suggala, Inouye & Ravikumar (2019), "On the (In)fidelity and Sensitivity for Explanations",
 * https://arxiv.org/abs/1901.09392. Differs: divided by the mean squared change, so that rows and models compare; the
 * best factor β of each row lets methods without a unit take part.
 */
export function infidelity(removals: Removals, effect: Float64Array): Float64Array {
  return byRow(removals, effect, ({ changes, sums, size }) => {
    let [changeSquares, products, sumSquares] = [0, 0, 0];
    for (const [set, change] of changes.entries()) {
      const sum = sums[set] ?? NaN;
      changeSquares += change * change;
      products += sum * change;
      sumSquares += sum * sum;
    }
    if (Math.sqrt(changeSquares / changes.length) <= roundingShare * size) return NaN;
    // Σ (βs − c)² at β = Σsc / Σs² is Σc² − (Σsc)² / Σs².
    return sumSquares === 0 ? 1 : Math.max(0, 1 - products ** 2 / (sumSquares * changeSquares));
  });
}

interface RowSums {
  readonly changes: Float64Array;
  /** Σ effects over each set. */
  readonly sums: Float64Array;
  readonly size: number;
}

function byRow(
  { sets, changes, sizes }: Removals,
  effect: Float64Array,
  measure: (row: RowSums) => number,
): Float64Array {
  const positionCount = effect.length / sizes.length;
  return sizes.map((size, row) => {
    const own = effect.subarray(row * positionCount, (row + 1) * positionCount);
    const sums = Float64Array.from(sets, (set) =>
      set.reduce((sum, position) => sum + (own[position] ?? NaN), 0),
    );
    return measure({ changes: changes.subarray(row * sets.length, (row + 1) * sets.length), sums, size });
  });
}

function groupsBySize(sets: readonly Uint32Array[]): readonly (readonly number[])[] {
  const groups = new Map<number, number[]>();
  for (const [index, { length }] of sets.entries()) {
    groups.set(length, [...(groups.get(length) ?? []), index]);
  }
  return [...groups.values()];
}

function spreadOf(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}
