import { UserError } from '../../../base/errors.js';
import type { Random } from '../../../base/random.js';
import { meanErrorOf, momentsOf } from '../../../engine/numeric/moments.js';
import type { ContextFunction } from './contextFunction.js';
import type { ExplorerSettings } from './explorerSettings.js';
import { featuresNamed, gridOf } from './grids.js';

/** What a model makes of subsets of its training set, of one size. */
export interface SizeResult {
  readonly size: number;
  /** Mean over rows and subsets along the swept feature. */
  readonly mean: Float64Array;
  /** Root mean square distance of a subset's curve from the whole set's. */
  readonly distance: number;
  /** Mean over subsets of the accuracy on the training rows left out; NaN where there are none, or no classes. */
  readonly accuracy: number;
  /** Standard error of that over subsets. */
  readonly accuracyError: number;
}

/** How a function grows with its training set. */
export interface Growth {
  readonly feature: number;
  readonly name: string;
  readonly grid: Float64Array;
  /** Along the feature with the whole training set. */
  readonly whole: Float64Array;
  readonly sizes: readonly SizeResult[];
}

/**
 * Returns the function along one feature for growing random subsets of the training set.
 *
 * @throws UserError for sizes that the training set does not have.
 */
export async function growTrainingSet(
  f: ContextFunction,
  settings: ExplorerSettings,
  random: Random,
): Promise<Growth> {
  const { trainCount } = f.table;
  const sizes = settings.sizes === null ? halves(trainCount) : parseSizes(settings.sizes, trainCount);
  const [feature = 0] = settings.sweep === null ? [0] : featuresNamed(settings.sweep, f, 'sweep');
  const grid = gridOf(f, feature, settings);
  f.expect((1 + sizes.length * settings.repeats) * grid.length * f.rowCount);
  const along = (rows: readonly number[]): Promise<Float64Array> => meanAlong(f, rows, { feature, grid });
  const whole = await along(Array.from({ length: trainCount }, (_, row) => row));
  const results: SizeResult[] = [];
  for (const size of sizes) {
    const curves: Float64Array[] = [];
    const accuracies: number[] = [];
    for (let repeat = 0; repeat < settings.repeats; repeat++) {
      const subset = [...random.permutation(trainCount)].slice(0, size).sort((a, b) => a - b);
      curves.push(await along(subset));
      accuracies.push(await f.accuracyWith(subset));
    }
    results.push({ size, ...summaryOf(curves, whole), ...accuracyOver(accuracies) });
  }
  return { feature, name: f.features.nameOf(feature), grid, whole, sizes: results };
}

async function meanAlong(
  f: ContextFunction,
  trainRows: readonly number[],
  { feature, grid }: { readonly feature: number; readonly grid: Float64Array },
): Promise<Float64Array> {
  const values = await f.evaluateWith(trainRows, {
    count: f.rowCount * grid.length,
    rowOf: (point) => Math.floor(point / grid.length),
    changesOf: (point) => [{ feature, to: grid[point % grid.length] ?? NaN }],
  });
  const mean = new Float64Array(grid.length);
  for (const [point, value] of values.entries()) {
    mean[point % grid.length] = (mean[point % grid.length] ?? 0) + value / f.rowCount;
  }
  return mean;
}

function summaryOf(
  curves: readonly Float64Array[],
  whole: Float64Array,
): Pick<SizeResult, 'mean' | 'distance'> {
  const mean = whole.map(
    (_, at) => curves.reduce((sum, curve) => sum + (curve[at] ?? NaN), 0) / curves.length,
  );
  const squares = curves.reduce(
    (sum, curve) => sum + curve.reduce((own, value, at) => own + (value - (whole[at] ?? NaN)) ** 2, 0),
    0,
  );
  return { mean, distance: Math.sqrt(squares / curves.length / whole.length) };
}

function accuracyOver(values: readonly number[]): Pick<SizeResult, 'accuracy' | 'accuracyError'> {
  const moments = momentsOf(values);
  return { accuracy: moments.mean, accuracyError: meanErrorOf(moments) };
}

/** The count halved down to four, smallest first. */
function halves(count: number): number[] {
  const sizes: number[] = [];
  for (let size = Math.floor(count / 2); size >= 4; size = Math.floor(size / 2)) sizes.unshift(size);
  return sizes.length > 0 ? sizes : [Math.max(1, count - 1)];
}

function parseSizes(text: string, count: number): number[] {
  const sizes = text.split(',').map(Number);
  const wrong = sizes.find((size) => size < 1 || size > count);
  if (wrong === undefined) return [...new Set(sizes)].sort((a, b) => a - b);
  throw new UserError(
    'size-out-of-range',
    `sizes names ${String(wrong)} rows, and the training set has ${String(count)}. Give numbers from 1 to ${String(count)}.`,
    { detail: { size: wrong, trainCount: count } },
  );
}
