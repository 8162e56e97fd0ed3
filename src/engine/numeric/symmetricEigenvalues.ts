/** Off-diagonal parts below this share of the diagonal are rounding. */
const tolerance = 1e-14;

/** Sweeps after which Jacobi's method has converged for any matrix that fits in memory. */
const maxSweeps = 60;

/**
 * Returns the eigenvalues of a symmetric matrix, largest first, by Jacobi's cyclic rotations; cost is cubic.
 *
 * `matrix` is row-major, `size` × `size`, and is not changed.
 */
export function symmetricEigenvalues(matrix: Float64Array, size: number): Float64Array {
  const a = Float64Array.from(matrix);
  const at = (row: number, column: number): number => a[row * size + column] ?? 0;
  for (let sweep = 0; sweep < maxSweeps && offDiagonal(a, size) > tolerance * norm(a); sweep++) {
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) if (at(p, q) !== 0) rotate(a, size, [p, q]);
    }
  }
  return Float64Array.from({ length: size }, (_, i) => at(i, i)).sort((x, y) => y - x);
}

function norm(a: Float64Array): number {
  return Math.hypot(...blockNorms(a));
}

/** Norms of pieces: a spread over a whole matrix would not fit the stack. */
function blockNorms(a: Float64Array): number[] {
  const norms: number[] = [];
  for (let start = 0; start < a.length; start += 4096) {
    norms.push(Math.hypot(...a.subarray(start, start + 4096)));
  }
  return norms;
}

function offDiagonal(a: Float64Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) if (i % (size + 1) !== 0) sum += (a[i] ?? 0) ** 2;
  return Math.sqrt(sum);
}

/** One rotation in the plane of p and q that makes their common element 0. */
function rotate(a: Float64Array, size: number, [p, q]: readonly [number, number]): void {
  const get = (row: number, column: number): number => a[row * size + column] ?? 0;
  const theta = (get(q, q) - get(p, p)) / (2 * get(p, q));
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < size; k++) {
    const [x, y] = [get(k, p), get(k, q)];
    a[k * size + p] = c * x - s * y;
    a[k * size + q] = s * x + c * y;
  }
  for (let k = 0; k < size; k++) {
    const [x, y] = [get(p, k), get(q, k)];
    a[p * size + k] = c * x - s * y;
    a[q * size + k] = s * x + c * y;
  }
}
