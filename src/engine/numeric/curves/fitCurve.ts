import { leastSquares, type LeastSquares } from '../leastSquares.js';
import { curveFamilies, type CurveFamily, type CurveName } from './curveFamilies.js';

/** A fitted curve. */
export interface CurveFit {
  readonly name: CurveName;
  /** By the symbols of the family's source. */
  readonly parameters: Readonly<Record<string, number>>;
  /** Standard errors of the parameters, from the curvature at the best fit; NaN where a parameter is not identified. */
  readonly errors: Readonly<Record<string, number>>;
  /** Parameters that the data do not determine: their standard error exceeds their size. */
  readonly unidentified: readonly string[];
  /** 1 − Σ residuals² / Σ (y − mean)². */
  readonly rSquared: number;
  /** Degrees of freedom that are left. */
  readonly freedom: number;
  /** Returns the curve at a time, with the half-width of its pointwise 95 % confidence band (NaN without one). */
  at(time: number): { readonly value: number; readonly halfWidth: number };
}

const maxIterations = 60;

/** Starts that are followed to the end: the best of a coarse search. */
const followedStarts = 2;

/** A gain below this share of the sum of squares ends the search, and damping above this means there is none. */
const smallestGain = 1e-6;
const largestDamping = 1e6;

interface Problem {
  readonly family: CurveFamily;
  /** Divided by the largest. */
  readonly times: Float64Array;
  readonly y: Float64Array;
}

interface Point extends LeastSquares {
  readonly theta: readonly number[];
  readonly cost: number;
}

/**
 * Fits a curve by variable projection: linear parameters are solved for, the others searched by Levenberg–Marquardt from
 * several starts.
 *
 * Returns a reason, to stand behind "not fitted: ", where there are too few points or nothing to fit. Confidence bands assume
 * independent noise of one size, and are first order in it.
 */
export function fitCurve(
  name: CurveName,
  times: ArrayLike<number>,
  values: ArrayLike<number>,
): CurveFit | string {
  const family = curveFamilies[name];
  const parameterCount = family.thetaCount + family.linearCount;
  const all = Array.from(times, (time, i) => ({ time, value: values[i] ?? NaN }));
  const first = family.isAfterZero === true ? Number.MIN_VALUE : -Infinity;
  const points = all.filter(
    ({ time, value }) => Number.isFinite(time) && time >= first && Number.isFinite(value),
  );
  const distinct = new Set(points.map(({ time }) => time)).size;
  if (distinct <= parameterCount) {
    return `it has ${String(parameterCount)} parameters, and there are ${String(distinct)} different steps`;
  }
  const scale = points.reduce((largest, { time }) => Math.max(largest, Math.abs(time)), 0);
  const problem: Problem = {
    family,
    times: Float64Array.from(points, ({ time }) => time / scale),
    y: Float64Array.from(points, ({ value }) => value),
  };
  const spread = spreadOf(problem.y);
  if (spread === 0) return 'the values are all the same';
  const starts = family.starts
    .flatMap((theta) => pointAt(problem, theta) ?? [])
    .sort((a, b) => a.cost - b.cost)
    .slice(0, followedStarts);
  const ends = starts.map((start) => descend(problem, start)).sort((a, b) => a.cost - b.cost);
  const [best] = ends;
  if (best === undefined) return 'the curve has no value at some of the steps';
  return fitAt({ ...problem, name, scale, spread }, best);
}

function spreadOf(y: Float64Array): number {
  const mean = y.reduce((sum, value) => sum + value, 0) / y.length;
  return y.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}

function pointAt({ family, times, y }: Problem, theta: readonly number[]): Point | undefined {
  const basis = family.basis(times, theta);
  if (!basis.every((column) => column.every(Number.isFinite))) return undefined;
  const solved = leastSquares(basis, y);
  if (solved === undefined) return undefined;
  const cost = solved.residuals.reduce((sum, residual) => sum + residual * residual, 0);
  return { ...solved, theta, cost };
}

/** Levenberg–Marquardt in θ on the residuals that are left when the linear parameters are at their best. */
function descend(problem: Problem, start: Point): Point {
  let point = start;
  // A family that is linear in all its parameters is solved already.
  if (start.theta.length === 0) return start;
  let damping = 1e-2;
  for (let iteration = 0; iteration < maxIterations && damping < largestDamping; iteration++) {
    const next = stepFrom(problem, point, damping);
    if (next === undefined || !(next.cost < point.cost)) {
      damping *= 4;
      continue;
    }
    const gain = (point.cost - next.cost) / point.cost;
    point = next;
    damping /= 6;
    if (gain < smallestGain) break;
  }
  return point;
}

function stepFrom(problem: Problem, point: Point, damping: number): Point | undefined {
  const columns = point.theta.map((_, index) => residualSlope(problem, point, index));
  if (columns.some((column) => column === undefined)) return undefined;
  const slopes = columns.flatMap((column) => column ?? []);
  // Damped rows below: √damping · ‖column‖ on the diagonal, as Marquardt scales it.
  const padded = slopes.map((column, index) => {
    const norm = Math.sqrt(column.reduce((sum, slope) => sum + slope * slope, 0));
    const rows = new Float64Array(column.length + slopes.length);
    rows.set(column);
    rows[column.length + index] = Math.sqrt(damping) * Math.max(norm, Number.MIN_VALUE);
    return rows;
  });
  const target = new Float64Array(point.residuals.length + slopes.length);
  target.set(point.residuals.map((residual) => -residual));
  const step = leastSquares(padded, target);
  if (step === undefined) return undefined;
  return pointAt(
    problem,
    point.theta.map((value, index) => value + (step.coefficients[index] ?? 0)),
  );
}

/** Central differences: the best step for them is the cube root of what a number is rounded by. */
const differenceStep = 6e-6;

function residualSlope(problem: Problem, { theta }: Point, index: number): Float64Array | undefined {
  const step = differenceStep * Math.max(1, Math.abs(theta[index] ?? 0));
  const moved = (by: number): Point | undefined =>
    pointAt(
      problem,
      theta.map((value, i) => (i === index ? value + by : value)),
    );
  const [above, below] = [moved(step), moved(-step)];
  if (above === undefined || below === undefined) return undefined;
  return above.residuals.map((residual, i) => (residual - (below.residuals[i] ?? 0)) / (2 * step));
}

interface FitFacts extends Problem {
  readonly name: CurveName;
  readonly scale: number;
  readonly spread: number;
}

function fitAt(facts: FitFacts, best: Point): CurveFit {
  const { family, y, scale, name, spread } = facts;
  const freedom = y.length - family.thetaCount - family.linearCount;
  const jacobian = (times: Float64Array): Float64Array[] => [
    ...family.basis(times, best.theta),
    ...best.theta.map((_, index) => curveSlope(facts, best, { times, index })),
  ];
  const solved = leastSquares(jacobian(facts.times), y);
  const variance = best.cost / freedom;
  const covariance = solved?.inverse.map((element) => element * variance);
  const quantile = studentQuantile(freedom);
  const parameters = family.parameters(best.coefficients, best.theta, scale);
  const errors = errorsOf(facts, best, covariance);
  return {
    ...{ name, parameters, errors, freedom },
    unidentified: Object.keys(parameters).filter(
      (key) => !((errors[key] ?? NaN) <= Math.abs(parameters[key] ?? NaN)),
    ),
    rSquared: 1 - best.cost / spread,
    at(time) {
      const times = Float64Array.of(time / scale);
      const row = jacobian(times).map((column) => column[0] ?? NaN);
      const value = best.coefficients.reduce((sum, coefficient, i) => sum + coefficient * (row[i] ?? NaN), 0);
      const error = covariance === undefined ? NaN : Math.sqrt(quadratic(covariance, row));
      return { value, halfWidth: quantile * error };
    },
  };
}

/** ∂y/∂θ of the curve with its linear parameters held. */
function curveSlope(
  { family }: Problem,
  { theta, coefficients }: Point,
  { times, index }: { readonly times: Float64Array; readonly index: number },
): Float64Array {
  const step = differenceStep * Math.max(1, Math.abs(theta[index] ?? 0));
  const curve = (by: number): Float64Array => {
    const moved = theta.map((value, i) => (i === index ? value + by : value));
    const basis = family.basis(times, moved);
    return times.map((_, at) =>
      basis.reduce((sum, column, i) => sum + (coefficients[i] ?? 0) * (column[at] ?? 0), 0),
    );
  };
  const [above, below] = [curve(step), curve(-step)];
  return above.map((value, i) => (value - (below[i] ?? 0)) / (2 * step));
}

/** Standard errors of the source's parameters, by differences of what they are made of. */
function errorsOf(
  { family, scale }: FitFacts,
  { theta, coefficients }: Point,
  covariance: Float64Array | undefined,
): Record<string, number> {
  const own = [...coefficients, ...theta];
  const named = (values: readonly number[]): Record<string, number> =>
    family.parameters(values.slice(0, coefficients.length), values.slice(coefficients.length), scale);
  const moved = own.map((value, index) => {
    const step = differenceStep * Math.max(1e-6, Math.abs(value));
    const at = (by: number): Record<string, number> => named(own.map((v, i) => (i === index ? v + by : v)));
    return { step, above: at(step), below: at(-step) };
  });
  return Object.fromEntries(
    Object.keys(named(own)).map((key) => {
      const row = moved.map(
        ({ step, above, below }) => ((above[key] ?? NaN) - (below[key] ?? NaN)) / (2 * step),
      );
      return [key, covariance === undefined ? NaN : Math.sqrt(quadratic(covariance, row))];
    }),
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
function studentQuantile(freedom: number): number {
  const z = 1.959963984540054;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / freedom + second / freedom ** 2 + third / freedom ** 3;
}

/** Fits several families to the same points, each on its own. */
export function fitCurves(
  names: readonly CurveName[],
  times: ArrayLike<number>,
  values: ArrayLike<number>,
): ReadonlyMap<CurveName, CurveFit | string> {
  return new Map(names.map((name) => [name, fitCurve(name, times, values)]));
}

/** Returns the fit with the largest score; undefined where no family was fitted. */
export function bestFit(
  fits: ReadonlyMap<CurveName, CurveFit | string>,
  scoreOf: (fit: CurveFit) => number,
): CurveFit | undefined {
  const known = [...fits.values()].filter((fit) => typeof fit !== 'string');
  return known.reduce<CurveFit | undefined>(
    (a, b) => (a === undefined || scoreOf(b) > scoreOf(a) ? b : a),
    undefined,
  );
}

/** Returns R² less what parameters gain by their number alone: 1 − (1 − R²)(n − 1)/(n − p). */
export function adjustedRSquared({ rSquared, freedom, parameters }: CurveFit): number {
  const pointCount = freedom + Object.keys(parameters).length;
  return 1 - ((1 - rSquared) * (pointCount - 1)) / freedom;
}

/**
 * Returns when an emergence curve is at its extreme: x ln x = 1/λ, x = γt + t₀; NaN where it has none.
 */
export function peakOf({ name, parameters }: CurveFit): number {
  const { lambda = NaN, gamma = NaN, t0 = NaN } = parameters;
  if (name !== 'emergence' || !(lambda > 0)) return NaN;
  // Newton on x ln x − 1/λ, which is convex and grows for x > 1: from above it never passes the root.
  let x = Math.max(Math.E, 1 / lambda);
  for (let i = 0; i < 100; i++) x -= (x * Math.log(x) - 1 / lambda) / (Math.log(x) + 1);
  return (x - t0) / gamma;
}
