/** A linear least-squares problem that was solved. */
export interface LeastSquares {
  readonly coefficients: Float64Array;
  /** y − Σ coefficients · columns. */
  readonly residuals: Float64Array;
  /** (CᵀC)⁻¹, row-major `[n, n]`: times the variance of the noise it is the covariance of the coefficients. */
  readonly inverse: Float64Array;
}

/** A column that is this much smaller than it was, once what the others explain is taken off, says nothing of its own. */
const smallestShare = 1e-12;

/**
 * Solves min ‖y − C c‖ by Gram–Schmidt with reorthogonalisation, which does not square the condition of C as normal equations
 * do; undefined where a column is a combination of those before it to rounding. Costs rows × n².
 */
export function leastSquares(columns: readonly Float64Array[], y: Float64Array): LeastSquares | undefined {
  const n = columns.length;
  const r = new Float64Array(n * n);
  const q: Float64Array[] = [];
  for (const [j, column] of columns.entries()) {
    const own = Float64Array.from(column);
    const before = Math.sqrt(dot(own, own));
    // Twice is enough.
    for (let pass = 0; pass < 2; pass++) {
      for (const [i, direction] of q.entries()) {
        const share = dot(direction, own);
        r[i * n + j]! += share;
        subtract(own, direction, share);
      }
    }
    const length = Math.sqrt(dot(own, own));
    if (!(length > smallestShare * before)) return undefined;
    r[j * n + j] = length;
    q.push(own.map((element) => element / length));
  }
  const residuals = Float64Array.from(y);
  const projected = q.map((direction) => {
    const share = dot(direction, residuals);
    subtract(residuals, direction, share);
    return share;
  });
  const inverseR = invertUpper(r, n);
  const coefficients = new Float64Array(n);
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = i; k < n; k++) coefficients[i]! += inverseR[i * n + k]! * projected[k]!;
    for (let j = 0; j < n; j++) {
      for (let k = Math.max(i, j); k < n; k++) {
        inverse[i * n + j]! += inverseR[i * n + k]! * inverseR[j * n + k]!;
      }
    }
  }
  return { coefficients, residuals, inverse };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function subtract(from: Float64Array, direction: Float64Array, share: number): void {
  for (let i = 0; i < from.length; i++) from[i]! -= share * direction[i]!;
}

function invertUpper(r: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    inverse[j * n + j] = 1 / r[j * n + j]!;
    for (let i = j - 1; i >= 0; i--) {
      let sum = 0;
      for (let k = i + 1; k <= j; k++) sum += r[i * n + k]! * inverse[k * n + j]!;
      inverse[i * n + j] = -sum / r[i * n + i]!;
    }
  }
  return inverse;
}
