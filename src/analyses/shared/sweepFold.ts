import { insert } from '../../engine/numeric/topK.js';
import { type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';
import type { FinitenessOutputs, SquareOutputs, TargetOutputs } from './sweepGraph.js';
import type { SweepTarget } from './targetTap.js';
import type { UnitStatistics } from './unitStatistics.js';

/** One batch as the fold sees it. */
export interface BatchResult {
  readonly values: Readonly<Record<string, TensorValue>>;
  /** Samples that count; rows beyond them only fill a fixed batch. */
  readonly sampleCount: number;
  /** Index of the first sample in the data set. */
  readonly firstIndex: number;
  /** Unmasked tokens of the samples that count; undefined without a mask. */
  readonly unmaskedCount: number | undefined;
}

/** Exact counts of what is not finite, for a batch that needs them. */
export interface ExactResult {
  readonly outputs: FinitenessOutputs;
  readonly values: BatchResult['values'];
}

/** The results of one batch for one target, `[sampleCount, unitCount]` each, in float64. */
interface Columns {
  readonly maximum: Float64Array;
  readonly minimum: Float64Array;
  readonly sum: Float64Array;
  readonly squares: Float64Array;
  readonly positive: Float64Array;
  readonly zeros: Float64Array | undefined;
  readonly active: Float64Array;
  readonly saturated: Float64Array | undefined;
}

/** Tells whether a sum of the batch is NaN or infinite, so that exact counts are needed. */
export function needsExactCounts(outputs: TargetOutputs, batch: BatchResult): boolean {
  const names = outputs.enteringSum === undefined ? [outputs.sum] : [outputs.sum, outputs.enteringSum];
  return names.some((name) => !areFinite(columnOf(outputs.target, name, batch, addUp)));
}

/** A loop: `every` calls a function for each of millions. */
function areFinite(numbers: Float64Array): boolean {
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return false;
  return true;
}

/** Adds a batch to the statistics of a target. */
export function foldBatch(
  statistics: UnitStatistics,
  outputs: TargetOutputs,
  batch: BatchResult,
  exact?: ExactResult,
): void {
  const { target } = outputs;
  const columns = columnsOf(outputs, batch, exact);
  const elementCount = elementCountOf(target, outputs.shape, batch);
  statistics.sampleCount += batch.sampleCount;
  statistics.elementCount += elementCount;
  for (let sample = 0; sample < batch.sampleCount; sample++) {
    foldSample(statistics, columns, { target, sample, index: batch.firstIndex + sample });
  }
  if (columns.zeros !== undefined) {
    // The zeros were taken off sample by sample: what remains of all elements is non-zero.
    for (let unit = 0; unit < target.unitCount; unit++) add(statistics.nonZeroCount, unit, elementCount);
  }
  if (exact !== undefined) foldExact(statistics, exact, batch);
}

/** Returns the sum of squares of a batch over all units and its element count; units of a sample that are not finite stay out. */
export function foldSquares(
  outputs: SquareOutputs,
  batch: BatchResult,
): { readonly sum: number; readonly count: number } {
  const { target } = outputs;
  const squares = columnOf(target, outputs.sumOfSquares, batch, addUp);
  const perUnit = elementCountOf(target, outputs.shape, batch);
  const finite = squares.filter(Number.isFinite);
  const sum = finite.reduce((total, square) => total + square, 0);
  return {
    sum,
    count: squares.length === 0 ? 0 : perUnit * target.unitCount * (finite.length / squares.length),
  };
}

interface SamplePlace {
  readonly target: SweepTarget;
  readonly sample: number;
  /** Index of the sample in the data set. */
  readonly index: number;
}

function foldSample(
  statistics: UnitStatistics,
  columns: Columns,
  { target, sample, index }: SamplePlace,
): void {
  const isRectifier = target.rule.kind === 'rectifier' || target.rule.kind === 'smooth-rectifier';
  // A rectifier's zeros are no examples of anything; a fully masked sample has no maximum.
  const exampleFloor = isRectifier ? 0 : -Infinity;
  for (let unit = 0; unit < target.unitCount; unit++) {
    const at = sample * target.unitCount + unit;
    const largest = columns.maximum[at] ?? NaN;
    const smallest = columns.minimum[at] ?? NaN;
    const active = columns.active[at] ?? 0;
    if (largest > (statistics.maximum[unit] ?? NaN)) statistics.maximum[unit] = largest;
    if (smallest < (statistics.minimum[unit] ?? NaN)) statistics.minimum[unit] = smallest;
    add(statistics.sum, unit, columns.sum[at] ?? 0);
    add(statistics.sumOfSquares, unit, columns.squares[at] ?? 0);
    add(statistics.positiveCount, unit, columns.positive[at] ?? 0);
    add(statistics.activeCount, unit, active);
    if (active > 0) add(statistics.activeSampleCount, unit, 1);
    if (columns.zeros === undefined) add(statistics.nonZeroCount, unit, columns.positive[at] ?? 0);
    else add(statistics.nonZeroCount, unit, -(columns.zeros[at] ?? 0));
    if (columns.saturated !== undefined) add(statistics.saturatedCount, unit, columns.saturated[at] ?? 0);
    if (largest > exampleFloor) insert(statistics.top, unit, largest, index);
  }
}

/** A unit with NaN has NaN statistics: what a reduction makes of NaN differs between kernels. */
function foldExact(statistics: UnitStatistics, { outputs, values }: ExactResult, batch: BatchResult): void {
  const { target } = outputs;
  const addCounts = (field: Float64Array, name: string | undefined): void => {
    if (name === undefined) return;
    const counts = columnOf(target, name, { ...batch, values }, addUp);
    for (const [at, count] of counts.entries()) add(field, at % target.unitCount, count);
  };
  const before = statistics.nanLeaving.slice();
  addCounts(statistics.nanLeaving, outputs.nanLeaving);
  addCounts(statistics.infiniteLeaving, outputs.infiniteLeaving);
  addCounts(statistics.nanEntering, outputs.nanEntering);
  addCounts(statistics.infiniteEntering, outputs.infiniteEntering);
  const isShortcut = target.rule.kind === 'rectifier' && target.rule.isNonNegative;
  for (let unit = 0; unit < target.unitCount; unit++) {
    const nans = (statistics.nanLeaving[unit] ?? 0) - (before[unit] ?? 0);
    if (nans === 0) continue;
    // NaN is not zero, and not positive either, where non-zero ones were counted as positive ones.
    if (isShortcut) add(statistics.nonZeroCount, unit, nans);
    statistics.maximum[unit] = NaN;
    statistics.minimum[unit] = NaN;
  }
}

function columnsOf(outputs: TargetOutputs, batch: BatchResult, exact: ExactResult | undefined): Columns {
  const { target } = outputs;
  const read = (name: string, merge: Merge = addUp): Float64Array => columnOf(target, name, batch, merge);
  const positive = read(outputs.positive);
  return {
    maximum: read(outputs.maximum, Math.max),
    minimum: read(outputs.minimum, Math.min),
    ...sumsOf(outputs, exact === undefined ? batch : { ...batch, values: exact.values }, exact?.outputs),
    positive,
    zeros: outputs.zeros === undefined ? undefined : read(outputs.zeros),
    active: outputs.relative === undefined ? positive : read(outputs.relative),
    saturated: outputs.saturated === undefined ? undefined : read(outputs.saturated),
  };
}

/** Sums in float64 within a sample too, where an exact result has them. */
function sumsOf(
  outputs: TargetOutputs,
  batch: BatchResult,
  exact: FinitenessOutputs | undefined,
): Pick<Columns, 'sum' | 'squares'> {
  const { target } = outputs;
  const { sum: sumName, squares: squaresName } = exact ?? outputs;
  const sum = columnOf(target, sumName, batch, addUp);
  if (squaresName !== undefined) return { sum, squares: columnOf(target, squaresName, batch, addUp) };
  // One element per row: squared here, row by row, so that rows of one sample are not summed first.
  return { sum, squares: columnOf(target, sumName, withSquares(batch, sumName), addUp) };
}

function withSquares(batch: BatchResult, name: string): BatchResult {
  const value = batch.values[name];
  if (value === undefined) return batch;
  const data = toFloat64(value).map((element) => element * element);
  return { ...batch, values: { ...batch.values, [name]: { dtype: 'float64', dims: value.dims, data } } };
}

type Merge = (a: number, b: number) => number;

const addUp: Merge = (a, b) => a + b;

/** Returns an output as `[sampleCount, unitCount]`: rows of one sample merged, rows that fill a fixed batch left out. */
function columnOf(target: SweepTarget, name: string, batch: BatchResult, merge: Merge): Float64Array {
  const value = batch.values[name];
  if (value === undefined) throw new Error(`The sweep's output ${name} is missing.`);
  const { unitCount, rowsPerSample } = target;
  const all = toFloat64(value);
  const rowCount = batch.sampleCount * rowsPerSample;
  if (all.length < rowCount * unitCount) throw new Error(`The sweep's output ${name} is too short.`);
  const rows = all.subarray(0, rowCount * unitCount);
  if (rowsPerSample === 1) return rows;
  const merged = new Float64Array(batch.sampleCount * unitCount);
  for (let row = 0; row < rowCount; row++) {
    const first = Math.floor(row / rowsPerSample) * unitCount;
    const isFirst = row % rowsPerSample === 0;
    for (let unit = 0; unit < unitCount; unit++) {
      const element = rows[row * unitCount + unit] ?? NaN;
      merged[first + unit] = isFirst ? element : merge(merged[first + unit] ?? NaN, element);
    }
  }
  return merged;
}

/** Returns the elements per unit that a batch adds; `shapeName` is the output that holds the target's shape. */
export function elementCountOf(target: SweepTarget, shapeName: string, batch: BatchResult): number {
  if (target.maskLayout !== undefined && batch.unmaskedCount !== undefined) return batch.unmaskedCount;
  const shape = batch.values[shapeName];
  if (shape === undefined) throw new Error(`The sweep's output ${shapeName} is missing.`);
  const dims = toFloat64(shape);
  let positions = 1;
  for (const [axis, dim] of dims.entries()) if (axis !== 0 && axis !== target.unitAxis) positions *= dim;
  return batch.sampleCount * target.rowsPerSample * positions;
}

function add(field: Float64Array, index: number, amount: number): void {
  field[index] = (field[index] ?? NaN) + amount;
}
