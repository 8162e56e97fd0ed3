import { UserError } from '../../../base/errors.js';
import type { RowFunction } from '../functions/rowFunction.js';
import type { ExplorerSettings } from './explorerSettings.js';
import { featuresNamed, gridOf, linearGrid } from './grids.js';

/** f along one feature, for every row. */
export interface Slice {
  readonly feature: number;
  readonly name: string;
  /** Whether the grid holds factors, the feature having several elements. */
  readonly isFactor: boolean;
  readonly grid: Float64Array;
  /** `[rows][grid]`, all else as in the row. */
  readonly curves: readonly Float64Array[];
  /** Mean over rows: the partial dependence. */
  readonly mean: Float64Array;
  /** Largest minus smallest of the mean. */
  readonly range: number;
  /** Mean over rows of a curve's own largest minus smallest. */
  readonly individualRange: number;
  /**
   * Share of the curves' variance along the feature that the mean curve does not have, 0 … 1: 0 where all curves are
   * parallel, so that the feature acts alike in all rows.
   */
  readonly heterogeneity: number;
}

/** f over two features. */
export interface Plane {
  readonly features: readonly [number, number];
  readonly names: readonly [string, string];
  readonly grids: readonly [Float64Array, Float64Array];
  /** `[first grid][second grid]` */
  readonly values: Float64Array;
  /** The row it is cut through; undefined for the mean over all. */
  readonly row: number | undefined;
}

/** Features that are drawn unless said otherwise. */
const sweptByDefault = 4;

/** Points along each side of a plane, and rows that a mean plane rests on, at most. */
const maxPlaneSide = 25;

/**
 * Returns f along each chosen feature and over two of them.
 *
 * @throws UserError for features or rows that there are not.
 */
export async function sliceFunction(
  f: RowFunction,
  settings: ExplorerSettings,
): Promise<{ readonly slices: readonly Slice[]; readonly plane: Plane | undefined }> {
  const { sweep, row } = settings;
  if (row !== null && row >= f.rowCount) throw noSuchRow(row, f.rowCount);
  const named = sweep === null ? undefined : featuresNamed(sweep, f, 'sweep');
  const isScreened = named === undefined && f.features.maxCount > sweptByDefault;
  const sweptCount = named?.length ?? Math.min(sweptByDefault, f.features.maxCount);
  const side = Math.min(maxPlaneSide, settings.gridSize);
  const planePoints = side * side * (row === null ? f.rowCount : 1);
  const screened = isScreened ? 3 * f.features.maxCount * f.rowCount : 0;
  f.expect(screened + sweptCount * settings.gridSize * f.rowCount + planePoints);
  const swept = named ?? (await mostMoving(f, settings));
  const slices: Slice[] = [];
  for (const feature of swept) slices.push(await sliceAlong(f, feature, gridOf(f, feature, settings)));
  const pair = planePair(f, settings, swept);
  return { slices, plane: pair === undefined ? undefined : await planeOver(f, pair, settings) };
}

/** Features by how far f moves between the ends and the middle of their grid, furthest first. */
async function mostMoving(f: RowFunction, settings: ExplorerSettings): Promise<number[]> {
  const all = Array.from({ length: f.features.maxCount }, (_, feature) => feature);
  if (all.length <= sweptByDefault) return all;
  const moves: number[] = [];
  for (const feature of all) {
    const grid = gridOf(f, feature, { ...settings, gridSize: 3 });
    const three = Float64Array.from(
      [0, Math.floor((grid.length - 1) / 2), grid.length - 1],
      (at) => grid[at] ?? 0,
    );
    moves.push((await sliceAlong(f, feature, three)).individualRange);
  }
  return all.sort((a, b) => (moves[b] ?? 0) - (moves[a] ?? 0)).slice(0, sweptByDefault);
}

/** Returns f along one feature at the points of a grid, for every row. */
export async function sliceAlong(f: RowFunction, feature: number, grid: Float64Array): Promise<Slice> {
  const values = await f.evaluate({
    count: f.rowCount * grid.length,
    rowOf: (point) => Math.floor(point / grid.length),
    changesOf: (point) => [{ feature, to: grid[point % grid.length] ?? NaN }],
  });
  const curves = Array.from({ length: f.rowCount }, (_, row) =>
    values.subarray(row * grid.length, (row + 1) * grid.length),
  );
  const mean = grid.map((_, at) => curves.reduce((sum, curve) => sum + (curve[at] ?? NaN), 0) / f.rowCount);
  const own = curves.reduce((sum, curve) => sum + varianceAlong(curve), 0) / f.rowCount;
  return {
    feature,
    name: f.features.nameOf(feature),
    isFactor: f.elementCounts[feature] !== 1,
    grid,
    curves,
    mean,
    range: rangeOf(mean),
    individualRange: curves.reduce((sum, curve) => sum + rangeOf(curve), 0) / f.rowCount,
    heterogeneity: own === 0 ? 0 : Math.max(0, 1 - varianceAlong(mean) / own),
  };
}

function rangeOf(values: Float64Array): number {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (Number.isNaN(value)) return NaN;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high - low;
}

function varianceAlong(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}

function planePair(
  f: RowFunction,
  { plane }: ExplorerSettings,
  swept: readonly number[],
): readonly [number, number] | undefined {
  if (plane?.trim() === 'none') return undefined;
  const [first, second, ...others] = plane === null ? swept.slice(0, 2) : featuresNamed(plane, f, 'plane');
  if (plane !== null && (second === undefined || others.length > 0)) {
    throw new UserError('plane-needs-two', `plane=${plane} must name two different features, or be none.`, {
      detail: { plane },
    });
  }
  return first === undefined || second === undefined ? undefined : [first, second];
}

async function planeOver(
  f: RowFunction,
  pair: readonly [number, number],
  settings: ExplorerSettings,
): Promise<Plane> {
  const gridFor = (feature: number): Float64Array => {
    const grid = gridOf(f, feature, settings);
    if (grid.length <= maxPlaneSide) return grid;
    return linearGrid(grid[0] ?? 0, grid.at(-1) ?? 0, maxPlaneSide);
  };
  const grids = [gridFor(pair[0]), gridFor(pair[1])] as const;
  const [rowsOfGrid, columns] = [grids[0].length, grids[1].length];
  const cells = rowsOfGrid * columns;
  const rows = settings.row === null ? Array.from({ length: f.rowCount }, (_, row) => row) : [settings.row];
  const values = await f.evaluate({
    count: rows.length * cells,
    rowOf: (point) => rows[Math.floor(point / cells)] ?? 0,
    changesOf: (point) => [
      { feature: pair[0], to: grids[0][Math.floor((point % cells) / columns)] ?? NaN },
      { feature: pair[1], to: grids[1][point % columns] ?? NaN },
    ],
  });
  const mean = new Float64Array(cells);
  for (const [point, value] of values.entries()) {
    mean[point % cells] = (mean[point % cells] ?? 0) + value / rows.length;
  }
  return {
    features: pair,
    names: [f.features.nameOf(pair[0]), f.features.nameOf(pair[1])],
    grids,
    values: mean,
    row: settings.row ?? undefined,
  };
}

function noSuchRow(row: number, rowCount: number): UserError {
  return new UserError(
    'no-such-row',
    `row=${String(row)} is not among the rows, which go from 0 to ${String(rowCount - 1)}. Give one of those, or raise --limit.`,
    { detail: { row, rowCount } },
  );
}
