import { leastSquares } from '../leastSquares.js';

/** Central differences: the best step for them is the cube root of what a number is rounded by. */
export const differenceStep = 6e-6;

/** A curve at its best fit. */
export interface FittedFacts {
  /** ∂y/∂ each of `own`, at the points. */
  readonly slopes: readonly Float64Array[];
  /** What was searched: linear coefficients, then θ. */
  readonly own: readonly number[];
  readonly linearCount: number;
  /** Returns the parameters by the symbols of the source. */
  readonly named: (own: readonly number[]) => Record<string, number>;
  readonly places: Readonly<Record<string, 'time' | 'value' | 'logarithm'>>;
  readonly y: Float64Array;
  readonly timeRange: number;
  /** Standard deviations: of the residuals, and of the values about their mean. */
  readonly noise: number;
  readonly spread: number;
  readonly freedom: number;
}

/** How well points determine a curve. */
export interface Precision {
  readonly errors: Readonly<Record<string, number>>;
  readonly unidentified: readonly string[];
  /** Returns the standard error of what has these slopes along the searched parameters. */
  readonly errorAlong: (row: readonly number[]) => number;
}

/**
 * Values are taken to be known to this share of their spread at best, the third digit that a report shows: a curve through exact
 * points has no residuals, and what differs from it only beyond that digit fits as well.
 */
const finestNoise = 1e-3;

/** What the points leave open altogether is held to this many times its size, so that the rest can be solved for. */
const looseness = 1e4;

/**
 * Returns the errors of the parameters, and which of them the points leave open: at the noise of the residuals, and at least the
 * finest, the half-width of the interval (as two of its standard errors where points are many) must be less than the size. That is
 * the parameter itself; for a place a quarter of the range of times or values, and for a logarithm 1.
 */
export function precisionOf(facts: FittedFacts): Precision {
  const { slopes, own, linearCount, noise, spread, freedom, places } = facts;
  const finest = finestNoise * spread;
  // Rows below J: a weak prior on each, without which a step between two points has no covariance for any parameter.
  const padded = slopes.map((column, index) => {
    const rows = new Float64Array(column.length + slopes.length);
    rows.set(column);
    const size = Math.max(Math.abs(own[index] ?? 0), index < linearCount ? spread : 1);
    rows[column.length + index] = finest / (looseness * size);
    return rows;
  });
  const unit = leastSquares(padded, new Float64Array(facts.y.length + slopes.length))?.inverse;
  const unitError = (row: readonly number[]): number =>
    unit === undefined ? NaN : Math.sqrt(quadratic(unit, row));
  const parameters = facts.named(own);
  const [errors, unidentified]: [Record<string, number>, string[]] = [{}, []];
  // Few degrees of freedom know their noise badly.
  const widening = studentQuantile(freedom) / studentQuantile(Infinity);
  for (const [key, row] of Object.entries(gradientsOf(facts))) {
    const error = unitError(row);
    const size = sizeOf(facts, parameters[key] ?? NaN, places[key]);
    // Said so that NaN is open, and so is what is 0 because others ran off.
    errors[key] = finest * error < size ? noise * error : NaN;
    if (!(Math.max(noise, finest) * widening * error < size)) unidentified.push(key);
  }
  return { errors, unidentified, errorAlong: (row) => noise * unitError(row) };
}

function sizeOf(
  { y, timeRange }: FittedFacts,
  value: number,
  place: 'time' | 'value' | 'logarithm' | undefined,
): number {
  switch (place) {
    case undefined:
      return Math.abs(value);
    case 'time':
      return timeRange / 4;
    case 'value':
      return rangeOf(y) / 4;
    case 'logarithm':
      return 1;
  }
}

/** Returns the largest less the smallest. */
export function rangeOf(values: Float64Array): number {
  return Math.max(...values) - Math.min(...values);
}

/** ∂ each named parameter / ∂ what was searched, by differences. */
function gradientsOf({ own, named }: FittedFacts): Record<string, number[]> {
  const moved = own.map((value, index) => {
    const step = differenceStep * Math.max(1e-6, Math.abs(value));
    const at = (by: number): Record<string, number> => named(own.map((v, i) => (i === index ? v + by : v)));
    return { step, above: at(step), below: at(-step) };
  });
  return Object.fromEntries(
    Object.keys(named(own)).map((key) => [
      key,
      moved.map(({ step, above, below }) => ((above[key] ?? NaN) - (below[key] ?? NaN)) / (2 * step)),
    ]),
  );
}

function quadratic(matrix: Float64Array, row: readonly number[]): number {
  const n = row.length;
  return row.reduce(
    (sum, a, i) => sum + row.reduce((inner, b, j) => inner + a * b * (matrix[i * n + j] ?? NaN), 0),
    0,
  );
}

/**
 * Returns the 97.5 % quantile of Student's t, by the expansion in 1/ν about the normal one: within 1 % from ν = 3.
 *
 * Source: Abramowitz & Stegun (1964), "Handbook of Mathematical Functions", 26.7.5.
 */
export function studentQuantile(freedom: number): number {
  const z = 1.959963984540054;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / freedom + second / freedom ** 2 + third / freedom ** 3;
}
