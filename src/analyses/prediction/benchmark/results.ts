import { meanErrorOf, momentsOf } from '../../../engine/numeric/moments.js';
import type { MeasureName } from './measureNames.js';
import { measureFacts } from './measureNames.js';

/** What one method reached by one measure. */
export interface Standing {
  /** By row; NaN where the measure says nothing of a row. */
  readonly values: Float64Array;
  readonly mean: number;
  /** Of the mean over rows. */
  readonly standardError: number;
  readonly count: number;
}

/** Summarises the values of rows, those that are NaN left out. */
export function standingOf(values: Float64Array): Standing {
  const known = values.filter((value) => !Number.isNaN(value));
  const moments = momentsOf(known);
  const mean = known.length === 0 ? NaN : moments.mean;
  return { values, mean, standardError: meanErrorOf(moments), count: known.length };
}

/** The best method by one measure, and those that cannot be told from it. */
export interface Winner {
  readonly measure: MeasureName;
  readonly index: number;
  /** Methods whose difference to the best, row by row, is within two standard errors. */
  readonly peers: readonly number[];
}

/** Returns who is best by a measure; undefined where more is no merit, or nothing was measured. */
export function winnerOf(measure: MeasureName, standings: readonly Standing[]): Winner | undefined {
  const { better } = measureFacts[measure];
  if (better === 'neither') return undefined;
  const sign = better === 'higher' ? 1 : -1;
  let index = -1;
  for (const [i, { mean }] of standings.entries()) {
    const best = standings[index]?.mean;
    if (!Number.isNaN(mean) && (best === undefined || sign * mean > sign * best)) index = i;
  }
  const best = standings[index];
  if (best === undefined) return undefined;
  const peers = standings.flatMap((other, i) => (i !== index && areAlike(best, other) ? [i] : []));
  return { measure, index, peers };
}

/** Paired: rows that are hard are hard for both. */
function areAlike(a: Standing, b: Standing): boolean {
  const differences = a.values.map((value, row) => value - (b.values[row] ?? NaN));
  const known = differences.filter((difference) => !Number.isNaN(difference));
  const moments = momentsOf(known);
  return Math.abs(moments.mean) <= 2 * meanErrorOf(moments) || (known.length > 0 && moments.mean === 0);
}
