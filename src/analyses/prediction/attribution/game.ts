import type { Features } from '../features/features.js';
import type { PointSource } from './field.js';
import { rowOf } from './points.js';
import type { ExplainedTensor, Problem } from './problem.js';

/** Coalitions of the features of one row: which are present in each. */
export interface Coalitions {
  readonly row: number;
  readonly count: number;
  /** Writes 1 for every feature that is present in a coalition and 0 for the others. */
  members(coalition: number, present: Uint8Array): void;
}

/** Points evaluated in one go, so that the values of a large game with many baselines are not all held at once. */
const pointsAtOnce = 2 ** 18;

/**
 * Returns the value of every coalition: the mean over baselines of f(present features from the row, absent ones from the
 * baseline).
 */
export async function playGame(
  problem: Problem,
  features: Features,
  plays: readonly Coalitions[],
): Promise<Float64Array[]> {
  const { baselines } = problem;
  const field = problem.open({ coordinates: problem.inputs });
  const starts: number[] = [];
  let total = 0;
  for (const { count } of plays) {
    starts.push(total);
    total += count * baselines.count;
  }
  problem.expect(total);
  const results = plays.map(({ count }) => new Float64Array(count));
  const points = coalitionPoints(problem, features, { plays, starts });
  for (let from = 0; from < total; from += pointsAtOnce) {
    const count = Math.min(pointsAtOnce, total - from);
    const values = await field.values({
      count,
      rowOf: (point) => points.rowOf(from + point),
      write: (point, coordinate, target) => {
        points.write(from + point, coordinate, target);
      },
    });
    for (let i = 0; i < count; i++) {
      const play = playAt(starts, from + i);
      const result = results[play];
      const coalition = Math.floor((from + i - (starts[play] ?? 0)) / baselines.count);
      if (result !== undefined) {
        result[coalition] = (result[coalition] ?? 0) + (values[i] ?? NaN) / baselines.count;
      }
    }
  }
  return results;
}

function coalitionPoints(
  { inputs, baselines }: Problem,
  features: Features,
  { plays, starts }: { readonly plays: readonly Coalitions[]; readonly starts: readonly number[] },
): Pick<PointSource, 'rowOf' | 'write'> {
  const present = new Uint8Array(features.maxCount);
  return {
    rowOf: (point) => plays[playAt(starts, point)]?.row ?? 0,
    write: (point, coordinate, target) => {
      const play = playAt(starts, point);
      const coalitions = plays[play];
      const input = inputs[coordinate];
      if (coalitions === undefined || input === undefined) return;
      const offset = point - (starts[play] ?? 0);
      const { row } = coalitions;
      coalitions.members(Math.floor(offset / baselines.count), present.subarray(0, features.countOf(row)));
      mixInto(target, {
        input,
        row,
        ids: features.idsOf(row, coordinate),
        present,
        baseline: baselines.read(offset % baselines.count, row, coordinate),
      });
    },
  };
}

/** Writes a row with its absent features replaced by a baseline. */
function mixInto(
  target: Float32Array,
  from: {
    readonly input: ExplainedTensor;
    readonly row: number;
    readonly ids: Int32Array;
    readonly present: Uint8Array;
    readonly baseline: Float32Array;
  },
): void {
  const { ids, present, baseline } = from;
  const values = rowOf(from.input, from.row);
  for (let i = 0; i < target.length; i++) {
    const id = ids[i] ?? -1;
    target[i] = (id < 0 || present[id] === 1 ? values[i] : baseline[i]) ?? 0;
  }
}

/** Returns the last play that starts at or before a point. */
function playAt(starts: readonly number[], point: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= point) low = middle;
    else high = middle - 1;
  }
  return low;
}
