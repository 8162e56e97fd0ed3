import type { Random } from '../../../base/random.js';
import { placesByValue } from '../../../engine/numeric/order.js';
import { areaUnder } from '../../../engine/numeric/quadrature.js';
import type { Problem } from '../attribution/problem.js';
import { valuesOfParts } from './hiding.js';
import type { PositionSpace } from './positions.js';

/** The prediction as positions are shown or hidden, `[rows, points + 1]`. */
export interface Curves {
  readonly insertion: Float64Array;
  readonly deletion: Float64Array;
  /** Share of the positions that is changed at each point, from 0 to 1. */
  readonly fractions: Float64Array;
}

/** Returns how many positions are changed at each point of a curve: from none to all in equal steps, rounded. */
export function curveCounts(positionCount: number, pointCount: number): Int32Array {
  return Int32Array.from({ length: pointCount + 1 }, (_, i) => Math.round((i * positionCount) / pointCount));
}

/** Returns a random order of the positions of each row, which decides between equal scores. */
export function tieBreakers(rowCount: number, positionCount: number, random: Random): readonly Uint32Array[] {
  return Array.from({ length: rowCount }, () => random.permutation(positionCount));
}

/**
 * Returns insertion and deletion curves: position by position in the order of the ranking, highest first, the row
 * replaces the baseline, or the baseline the row.
 */
export async function curvesOf(
  problem: Problem,
  space: PositionSpace,
  of: {
    readonly ranking: Float64Array;
    readonly ties: readonly Uint32Array[];
    readonly pointCount: number;
  },
): Promise<Curves> {
  const rowCount = problem.rows.count;
  const counts = curveCounts(space.count, of.pointCount);
  const places = Array.from({ length: rowCount }, (_, row) => {
    const scores = of.ranking.subarray(row * space.count, (row + 1) * space.count);
    return placesByValue(scores, of.ties[row]);
  });
  const half = rowCount * counts.length;
  const rowAt = (point: number): number => Math.floor((point % half) / counts.length);
  const values = await valuesOfParts(problem, space, {
    count: 2 * half,
    rowOf: rowAt,
    shown(point, target) {
      const place = places[rowAt(point)] ?? new Int32Array();
      const changed = counts[point % counts.length] ?? 0;
      const isInserting = point < half;
      for (let i = 0; i < target.length; i++) target[i] = (place[i] ?? 0) < changed === isInserting ? 1 : 0;
    },
  });
  return {
    insertion: values.subarray(0, half),
    deletion: values.subarray(half),
    fractions: Float64Array.from(counts, (count) => count / space.count),
  };
}

/** Returns the area under each row's curve, by trapezoids. */
export function areasUnder(curves: Float64Array, fractions: Float64Array): Float64Array {
  const count = fractions.length;
  return Float64Array.from({ length: curves.length / count }, (_, row) =>
    areaUnder(fractions, curves.subarray(row * count, (row + 1) * count)),
  );
}
