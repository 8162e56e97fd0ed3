import { cholesky } from '../../engine/numeric/cholesky.js';
import type { CompiledFunction } from '../evaluate.js';

/** Values to fit. */
export interface FitTarget {
  readonly places: readonly number[];
  readonly target: readonly number[];
}

/** Each parameter starts at its default times these. */
const scales = [1, 0.1, 0.3, 2, 5, 10];

/** Starts that are followed: those nearest to the target. */
const followedCount = 3;

const maxSteps = 40;

/** A step that takes off less than this share of the error ends far from the target: it is not that function. */
const leastProgress = 1e-3;

/** Step of the difference quotient, relative to a parameter. */
const differenceStep = 1e-6;

/**
 * Returns parameters near which a function has the values wanted, by Levenberg–Marquardt from the best of some starts; rounded to
 * what float32 holds. The caller judges whether they fit.
 */
export function fitParameters(
  value: CompiledFunction,
  defaults: readonly number[],
  data: FitTarget,
): readonly number[] | undefined {
  const starts = startsOf(defaults)
    .map((start) => ({ start, error: squaredError(value, start, data) }))
    .filter(({ error }) => Number.isFinite(error))
    .sort((a, b) => a.error - b.error)
    .slice(0, followedCount);
  let best: { start: readonly number[]; error: number } | undefined;
  for (const { start } of starts) {
    const fitted = descend(value, start, data);
    const error = squaredError(value, fitted, data);
    if (best === undefined || error < best.error) best = { start: fitted, error };
  }
  return best?.start.map((parameter) => tidy(parameter));
}

/** 0.25000000012 is 0.25: six digits are what a model's float32 constants are told by. */
function tidy(parameter: number): number {
  const rounded = Number(parameter.toPrecision(6));
  return Math.abs(rounded - parameter) <= 2e-7 * (1 + Math.abs(parameter)) ? rounded : parameter;
}

function startsOf(defaults: readonly number[]): number[][] {
  let starts: number[][] = [[]];
  for (const value of defaults) {
    const own = [...scales.map((scale) => scale * (value === 0 ? 1 : value)), ...(value === 0 ? [0] : [])];
    starts = starts.flatMap((start) => own.map((one) => [...start, one]));
  }
  return starts;
}

/** Relative errors, so that what grows exponentially does not drown the rest. */
function residuals(
  value: CompiledFunction,
  parameters: readonly number[],
  { places, target }: FitTarget,
): number[] {
  return places.map((x, i) => {
    const wanted = target[i] ?? NaN;
    return (value(x, parameters) - wanted) / (1 + Math.abs(wanted));
  });
}

function squaredError(value: CompiledFunction, parameters: readonly number[], data: FitTarget): number {
  return residuals(value, parameters, data).reduce((sum, residual) => sum + residual * residual, 0);
}

function descend(value: CompiledFunction, start: readonly number[], data: FitTarget): readonly number[] {
  let parameters = start;
  let error = squaredError(value, parameters, data);
  let damping = 1e-3;
  for (let step = 0; step < maxSteps && error > 1e-22; step++) {
    const next = lmStep(value, parameters, { ...data, damping });
    const nextError = next === undefined ? Infinity : squaredError(value, next, data);
    if (next !== undefined && nextError < error) {
      const progress = 1 - nextError / error;
      [parameters, error] = [next, nextError];
      if (progress < leastProgress && error > 1e-9) break;
      damping = Math.max(1e-12, damping / 10);
    } else if ((damping *= 10) > 1e10) break;
  }
  return parameters;
}

/** (JᵀJ + λ diag(JᵀJ)) δ = −Jᵀr. */
function lmStep(
  value: CompiledFunction,
  parameters: readonly number[],
  data: FitTarget & { readonly damping: number },
): readonly number[] | undefined {
  const base = residuals(value, parameters, data);
  const columns = parameters.map((own, k) => {
    const step = differenceStep * (1 + Math.abs(own));
    const moved = parameters.map((one, i) => (i === k ? one + step : one));
    return residuals(value, moved, data).map((residual, i) => (residual - (base[i] ?? 0)) / step);
  });
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, one, i) => sum + one * (b[i] ?? 0), 0);
  const normal = columns.flatMap((column, i) =>
    columns.map((other, j) => dot(column, other) * (i === j ? 1 + data.damping : 1)),
  );
  const change = cholesky(Float64Array.from(normal), columns.length)?.solve(
    Float64Array.from(columns, (column) => -dot(column, base)),
  );
  return change?.every(Number.isFinite) === true
    ? parameters.map((one, k) => one + (change[k] ?? 0))
    : undefined;
}
