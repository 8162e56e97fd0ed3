/** A factored symmetric positive definite matrix A = L Lᵀ. */
export interface Cholesky {
  /** Returns the solution of A x = b. */
  solve(b: Float64Array): Float64Array;
}

/** Pivots below this share of the largest diagonal element are rounding: the matrix is singular to float64. */
const smallestPivotShare = 1e-12;

/**
 * Factors a symmetric matrix `[n, n]`, row-major, of which the lower triangle is read; undefined when it is not positive
 * definite to rounding. Costs n³/3.
 */
export function cholesky(matrix: Float64Array, n: number): Cholesky | undefined {
  const lower = new Float64Array(n * n);
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, matrix[i * n + i]!);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * n + k]! * lower[j * n + k]!;
      if (i !== j) lower[i * n + j] = sum / lower[j * n + j]!;
      // NaN fails the comparison too.
      else if (!(sum > smallestPivotShare * largest)) return undefined;
      else lower[i * n + i] = Math.sqrt(sum);
    }
  }
  return { solve: (b) => substitute(lower, n, b) };
}

/** L y = b downwards, then Lᵀ x = y upwards. */
function substitute(lower: Float64Array, n: number, b: Float64Array): Float64Array {
  const x = Float64Array.from(b);
  for (let i = 0; i < n; i++) {
    let sum = x[i]!;
    for (let k = 0; k < i; k++) sum -= lower[i * n + k]! * x[k]!;
    x[i] = sum / lower[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i]!;
    for (let k = i + 1; k < n; k++) sum -= lower[k * n + i]! * x[k]!;
    x[i] = sum / lower[i * n + i]!;
  }
  return x;
}

/** Adds `weight` · v vᵀ to the lower triangle of a matrix `[n, n]`. */
export function addOuter(matrix: Float64Array, v: Float64Array, weight: number): void {
  const n = v.length;
  for (let i = 0; i < n; i++) {
    const scaled = weight * v[i]!;
    if (scaled === 0) continue;
    for (let j = 0; j <= i; j++) matrix[i * n + j]! += scaled * v[j]!;
  }
}
