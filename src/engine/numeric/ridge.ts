import { cholesky } from './cholesky.js';
import type { Polynomial } from './polynomials.js';

/** Sums of products of rows [1, terms…, targets…], `[size, size]`, of which the lower triangle is kept. */
export interface ProductSums {
  readonly size: number;
  readonly sums: Float64Array;
}

/** Returns the sums of one set of rows without those of another that is part of it. */
export function withoutRows(all: ProductSums, part: ProductSums): ProductSums {
  return { size: all.size, sums: all.sums.map((sum, i) => sum - part.sums[i]!) };
}

/** Columns that vary less than this share of their size are constant. */
const constantShare = 1e-12;

/**
 * Fits each of the targets by the first `termCount` terms: least squares on standardised terms, with `ridge` added to their
 * variances of 1 so that terms that depend on each other share the coefficient; the constant is not penalised. Costs termCount³.
 */
export function fitRidge(
  { size, sums }: ProductSums,
  {
    termCount,
    targetCount,
    ridge,
  }: { readonly termCount: number; readonly targetCount: number; readonly ridge: number },
): Polynomial[] {
  const at = (i: number, j: number): number => (i >= j ? sums[i * size + j]! : sums[j * size + i]!);
  const rowCount = at(0, 0);
  const mean = (i: number): number => at(i, 0) / rowCount;
  const covariance = (i: number, j: number): number => at(i, j) / rowCount - mean(i) * mean(j);
  const deviation = new Float64Array(termCount);
  for (let term = 0; term < termCount; term++) {
    const variance = covariance(term + 1, term + 1);
    deviation[term] =
      variance > constantShare * (at(term + 1, term + 1) / rowCount) ? Math.sqrt(variance) : 0;
  }
  const matrix = new Float64Array(termCount * termCount);
  for (let i = 0; i < termCount; i++) {
    for (let j = 0; j < i; j++) {
      const scale = deviation[i]! * deviation[j]!;
      matrix[i * termCount + j] = scale === 0 ? 0 : covariance(i + 1, j + 1) / scale;
    }
    matrix[i * termCount + i] = 1 + ridge;
  }
  const factored = cholesky(matrix, termCount);
  if (factored === undefined) throw new Error('A correlation matrix with a ridge is positive definite.');
  return Array.from({ length: targetCount }, (_, index) => {
    const target = size - targetCount + index;
    const right = deviation.map((own, term) => (own === 0 ? 0 : covariance(target, term + 1) / own));
    const coefficients = factored
      .solve(right)
      .map((share, term) => (deviation[term] === 0 ? 0 : share / deviation[term]!));
    let constant = mean(target);
    for (let term = 0; term < termCount; term++) constant -= coefficients[term]! * mean(term + 1);
    return { constant, coefficients };
  });
}
