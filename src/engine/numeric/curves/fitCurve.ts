import { leastSquares, type LeastSquares } from '../leastSquares.js';
import { curveFamilies, type CurveFamily, type CurveName } from './curveFamilies.js';
import { differenceStep, precisionOf, rangeOf, studentQuantile } from './precision.js';

/** A fitted curve. */
export interface CurveFit {
  readonly name: CurveName;
  /** By the symbols of the family's source. */
  readonly parameters: Readonly<Record<string, number>>;
  /** Standard errors of the parameters, from the curvature at the best fit; NaN where the curve hardly depends on one. */
  readonly errors: Readonly<Record<string, number>>;
  /** Parameters that the data do not determine: their error exceeds their size, or would if the values were less exact. */
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

/** What is computed in float32 differs by less than this share of itself where it is the same. */
const rounding = 2 ** -23;

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
  if (!(Math.sqrt(spread) > rounding * Math.hypot(...problem.y))) return 'the values are all the same';
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
  const { family, times, y, scale, name, spread } = facts;
  const { theta, coefficients, cost } = best;
  const freedom = y.length - family.thetaCount - family.linearCount;
  const slopesAt = (at: Float64Array): Float64Array[] => [
    ...family.basis(at, theta),
    ...theta.map((_, index) => curveSlope(facts, best, { times: at, index })),
  ];
  const named = (values: readonly number[]): Record<string, number> =>
    family.parameters(values.slice(0, coefficients.length), values.slice(coefficients.length), scale);
  const { errors, unidentified, errorAlong } = precisionOf({
    ...{ slopes: slopesAt(times), own: [...coefficients, ...theta], linearCount: coefficients.length, named },
    ...{ places: family.places, y, timeRange: scale * rangeOf(times) },
    ...{ noise: Math.sqrt(cost / freedom), spread: Math.sqrt(spread / y.length), freedom },
  });
  return {
    ...{ name, parameters: named([...coefficients, ...theta]), errors, unidentified, freedom },
    rSquared: 1 - cost / spread,
    at(time) {
      const row = slopesAt(Float64Array.of(time / scale)).map((column) => column[0] ?? NaN);
      const value = coefficients.reduce((sum, coefficient, i) => sum + coefficient * (row[i] ?? NaN), 0);
      return { value, halfWidth: studentQuantile(freedom) * errorAlong(row) };
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
