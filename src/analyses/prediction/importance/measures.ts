import { argmax, sumOf } from '../../../engine/numeric/vectors.js';
import { shapleyRowCount } from './importanceSettings.js';
import type { Shuffling } from './shuffling.js';

/** A mean over repeats with its standard error. */
export interface Estimate {
  readonly mean: number;
  readonly standardError: number;
}

/**
 * Returns how much the loss rises when each set of features is shuffled over the rows, its features together: the mean over
 * repeats of L(shuffled) − L(intact).
 */
export async function permutationImportance(
  shuffling: Shuffling,
  sets: readonly (readonly number[])[],
  repeatCount: number,
): Promise<Estimate[]> {
  const { rows, random, intactLoss } = shuffling;
  const estimates: Estimate[] = [];
  for (const set of sets) {
    const members = new Set(set);
    const rises: number[] = [];
    for (let repeat = 0; repeat < repeatCount; repeat++) {
      const other = random.permutation(rows.count);
      const loss = await shuffling.lossWhere((row, feature) =>
        members.has(feature) ? (other[row] ?? row) : row,
      );
      rises.push(loss - intactLoss);
    }
    estimates.push(estimateOf(rises));
  }
  return estimates;
}

/**
 * Returns the mean absolute Shapley value of each set of features for the score of the predicted class: players are the
 * sets, absent ones are taken from another random row, and `orderCount` random orders are walked for each row.
 *
 * The mean over orders of a row is taken before its absolute value, so noise that is left makes small values larger.
 */
export async function shapleyImportance(
  shuffling: Shuffling,
  sets: readonly (readonly number[])[],
  orderCount: number,
): Promise<Float64Array> {
  const { rows, random, features } = shuffling;
  const count = Math.min(rows.count, shapleyRowCount);
  const chosen = Array.from({ length: count }, (_, row) => row);
  const setOf = new Int32Array(features.maxCount).fill(-1);
  for (const [index, set] of sets.entries()) for (const feature of set) setOf[feature] = index;
  const sums = Array.from({ length: count }, () => new Float64Array(sets.length));
  for (let draw = 0; draw < orderCount; draw++) {
    const others = chosen.map(() => random.integer(rows.count));
    const places = chosen.map(() => random.permutation(sets.length));
    let before: Float64Array | undefined;
    for (let size = 0; size <= sets.length; size++) {
      // `places` says where in the order a set appears; the first `size` of them are there.
      const scores = await shuffling.scoresWhere(chosen, (row, feature) => {
        const place = places[row]?.[setOf[feature] ?? -1];
        return place === undefined || place < size ? row : (others[row] ?? row);
      });
      const values = Float64Array.from(scores, (ofRow, row) => {
        return ofRow[argmax(shuffling.intactScores[row] ?? ofRow)] ?? NaN;
      });
      if (before !== undefined) addGains(sums, { before, after: values, places, place: size - 1 });
      before = values;
    }
  }
  return Float64Array.from(
    sets,
    (_, set) => sumOf(sums.map((ofRow) => Math.abs((ofRow[set] ?? 0) / orderCount))) / count,
  );
}

function addGains(
  sums: readonly Float64Array[],
  step: {
    readonly before: Float64Array;
    readonly after: Float64Array;
    readonly places: readonly Uint32Array[];
    readonly place: number;
  },
): void {
  for (const [row, sum] of sums.entries()) {
    const set = step.places[row]?.indexOf(step.place) ?? -1;
    const gain = (step.after[row] ?? NaN) - (step.before[row] ?? NaN);
    sum[set] = (sum[set] ?? 0) + gain;
  }
}

/** A step of a forward selection: what was added, and the mean loss when only what was added so far is intact. */
export interface SelectionStep {
  readonly set: number;
  readonly loss: number;
}

/** What a forward selection found: the loss without any feature, and its steps. */
export interface ForwardSelection {
  readonly without: number;
  readonly steps: readonly SelectionStep[];
}

/**
 * Adds sets of features one by one, each time the one that lowers the loss most, all others being taken from one other
 * random row; returns the loss without any, and the steps. The same other rows serve all candidates. Costs
 * sets · steps · repeats runs of the rows.
 */
export async function selectForward(
  shuffling: Shuffling,
  sets: readonly (readonly number[])[],
  { stepCount, repeatCount }: { readonly stepCount: number; readonly repeatCount: number },
): Promise<ForwardSelection> {
  const { rows, random } = shuffling;
  const others = Array.from({ length: repeatCount }, () => random.permutation(rows.count));
  const lossWith = async (kept: ReadonlySet<number>): Promise<number> => {
    let sum = 0;
    for (const other of others) {
      sum += await shuffling.lossWhere((row, feature) => (kept.has(feature) ? row : (other[row] ?? row)));
    }
    return sum / repeatCount;
  };
  const kept = new Set<number>();
  const left = new Set(sets.keys());
  const steps: SelectionStep[] = [];
  const without = await lossWith(kept);
  while (steps.length < stepCount && left.size > 0) {
    let best: SelectionStep | undefined;
    for (const set of left) {
      const loss = await lossWith(new Set([...kept, ...(sets[set] ?? [])]));
      if (best === undefined || loss < best.loss) best = { set, loss };
    }
    if (best === undefined) break;
    for (const feature of sets[best.set] ?? []) kept.add(feature);
    left.delete(best.set);
    steps.push(best);
  }
  return { without, steps };
}

function estimateOf(values: readonly number[]): Estimate {
  const mean = sumOf(values) / values.length;
  const squares = sumOf(values.map((value) => (value - mean) ** 2));
  return { mean, standardError: Math.sqrt(squares / (values.length - 1) / values.length) };
}
