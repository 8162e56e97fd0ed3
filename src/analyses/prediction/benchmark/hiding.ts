import { rowOf } from '../attribution/points.js';
import type { Problem } from '../attribution/problem.js';
import type { PositionSpace } from './positions.js';

/** Copies of rows in which only some positions are left. */
export interface PartialRows {
  readonly count: number;
  rowOf(point: number): number;
  /** Writes 1 for every position that is shown at a point and 0 for those behind the baseline. */
  shown(point: number, target: Uint8Array): void;
}

/** Returns the explained value of rows of which only some positions are shown, all others behind the baseline. */
export function valuesOfParts(
  problem: Problem,
  space: PositionSpace,
  parts: PartialRows,
): Promise<Float64Array> {
  const { inputs, baselines } = problem;
  const shown = new Uint8Array(space.count);
  problem.expect(parts.count);
  return problem.open({ coordinates: inputs }).values({
    count: parts.count,
    rowOf: (point) => parts.rowOf(point),
    write(point, coordinate, target) {
      const input = inputs[coordinate];
      if (input === undefined) return;
      parts.shown(point, shown);
      const row = parts.rowOf(point);
      const values = rowOf(input, row);
      const baseline = baselines.read(0, row, coordinate);
      const positionOf = space.positionOf[coordinate] ?? new Int32Array();
      for (let i = 0; i < target.length; i++) {
        target[i] = (shown[positionOf[i] ?? -1] === 1 ? values[i] : baseline[i]) ?? 0;
      }
    },
  });
}
