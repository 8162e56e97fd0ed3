import { createTopK, mergeTopK, type TopK } from '../../engine/numeric/topK.js';

/** What one sweep knows about the units of one activation output; mergeable, float64. */
export interface UnitStatistics {
  readonly unitCount: number;
  /** Samples seen. */
  sampleCount: number;
  /** Elements per unit: samples × positions, masked ones left out. */
  elementCount: number;
  readonly maximum: Float64Array;
  readonly minimum: Float64Array;
  readonly sum: Float64Array;
  readonly sumOfSquares: Float64Array;
  /** Elements > 0, whatever the activation. */
  readonly positiveCount: Float64Array;
  readonly nonZeroCount: Float64Array;
  /** Elements on which the unit is active by its family: > 0, or |a| > ε × RMS. */
  readonly activeCount: Float64Array;
  /** Samples with at least one active element. */
  readonly activeSampleCount: Float64Array;
  /** Elements within 1 % of a bound, where the family has one. */
  readonly saturatedCount: Float64Array;
  /** NaN and infinite elements of the value entering the activation, and of the one leaving it. */
  readonly nanEntering: Float64Array;
  readonly infiniteEntering: Float64Array;
  readonly nanLeaving: Float64Array;
  readonly infiniteLeaving: Float64Array;
  /** Samples with the largest maximum, by index in the data set. */
  top: TopK;
}

/** The per-unit fields that add up. */
export const summedFields = [
  'sum',
  'sumOfSquares',
  'positiveCount',
  'nonZeroCount',
  'activeCount',
  'activeSampleCount',
  'saturatedCount',
  'nanEntering',
  'infiniteEntering',
  'nanLeaving',
  'infiniteLeaving',
] as const;

/** Returns the statistics of no samples. */
export function createUnitStatistics(unitCount: number, topExampleCount: number): UnitStatistics {
  const zeros = (): Float64Array => new Float64Array(unitCount);
  return {
    unitCount,
    sampleCount: 0,
    elementCount: 0,
    maximum: zeros().fill(-Infinity),
    minimum: zeros().fill(Infinity),
    sum: zeros(),
    sumOfSquares: zeros(),
    positiveCount: zeros(),
    nonZeroCount: zeros(),
    activeCount: zeros(),
    activeSampleCount: zeros(),
    saturatedCount: zeros(),
    nanEntering: zeros(),
    infiniteEntering: zeros(),
    nanLeaving: zeros(),
    infiniteLeaving: zeros(),
    top: createTopK(unitCount, topExampleCount),
  };
}

/** Returns the statistics of two disjoint sets of samples together. */
export function mergeUnitStatistics(a: UnitStatistics, b: UnitStatistics): UnitStatistics {
  const merged = createUnitStatistics(a.unitCount, a.top.k);
  merged.sampleCount = a.sampleCount + b.sampleCount;
  merged.elementCount = a.elementCount + b.elementCount;
  merged.top = mergeTopK(a.top, b.top);
  for (let unit = 0; unit < a.unitCount; unit++) {
    // Math.max and Math.min carry NaN through, which is how a unit with NaN stays one.
    merged.maximum[unit] = Math.max(a.maximum[unit] ?? NaN, b.maximum[unit] ?? NaN);
    merged.minimum[unit] = Math.min(a.minimum[unit] ?? NaN, b.minimum[unit] ?? NaN);
    for (const field of summedFields) merged[field][unit] = (a[field][unit] ?? NaN) + (b[field][unit] ?? NaN);
  }
  return merged;
}

/**
 * Returns each unit's population variance over its elements; NaN of nothing.
 *
 * From sums of squares that are float32 within a sample: good to about 1e-7 of the mean square, so a unit whose mean is a
 * thousand times its spread has few right digits.
 */
export function variancesOf({ sum, sumOfSquares, elementCount }: UnitStatistics): Float64Array {
  return sum.map((total, unit) => {
    const mean = total / elementCount;
    const variance = (sumOfSquares[unit] ?? NaN) / elementCount - mean * mean;
    // Math.max would turn NaN into 0.
    return variance < 0 ? 0 : variance;
  });
}
