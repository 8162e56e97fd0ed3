import type { Random } from '../../../base/random.js';
import { copiesOf } from '../attribution/copies.js';
import { rowOf } from '../attribution/points.js';
import type { Attributions, Problem } from '../attribution/problem.js';

/**
 * Returns the max-sensitivity of every row: the largest ‖φ(x + r) − φ(x)‖ / ‖φ(x)‖ over random r whose elements are
 * uniform in ± radius · (max − min) of the row's values. NaN for rows with only scores of zero.
 *
 * `found` are the scores of the rows themselves; a method that draws draws anew, so its own noise is part of the change.
 *
 * Source: Yeh, Hsieh, Suggala, Inouye & Ravikumar (2019), "On the (In)fidelity and Sensitivity for Explanations",
 * https://arxiv.org/abs/1901.09392. Differs: relative to the size of the scores, as Captum's is.
 */
export async function maxSensitivity(
  problem: Problem,
  found: Attributions,
  options: {
    readonly radius: number;
    readonly perturbations: number;
    readonly random: Random;
    readonly attribute: (problem: Problem) => Promise<Attributions>;
  },
): Promise<Float64Array> {
  const { radius, perturbations, random } = options;
  const rowCount = problem.rows.count;
  const copies = await copiesOf(problem, perturbations, ({ row, coordinate }, values) => {
    const reach = radius * rangeOf(problem, row, coordinate);
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + reach * (2 * random.next() - 1);
  });
  const moved = await options.attribute(copies);
  return Float64Array.from({ length: rowCount }, (_, row) => {
    let largest = 0;
    for (let copy = 0; copy < perturbations; copy++) {
      const { change, size } = distance(found, moved, { row, copy: copy * rowCount + row });
      if (size === 0) return NaN;
      largest = Math.max(largest, Math.sqrt(change / size));
    }
    return largest;
  });
}

function rangeOf({ inputs }: Problem, row: number, coordinate: number): number {
  const input = inputs[coordinate];
  if (input === undefined) return 0;
  let [low, high] = [Infinity, -Infinity];
  for (const value of rowOf(input, row)) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high - low;
}

/** Squared change of the scores of a row in a copy, and their squared size. */
function distance(
  found: Attributions,
  moved: Attributions,
  at: { readonly row: number; readonly copy: number },
): { readonly change: number; readonly size: number } {
  let [change, size] = [0, 0];
  for (const [i, { data, dims }] of found.scores.entries()) {
    const count = dims.slice(1).reduce((product, dim) => product * dim, 1);
    for (let k = 0; k < count; k++) {
      const own = data[at.row * count + k] ?? NaN;
      const other = moved.scores[i]?.data[at.copy * count + k] ?? NaN;
      change += (other - own) ** 2;
      size += own ** 2;
    }
  }
  return { change, size };
}
