/** Maximise c · x subject to A x ≤ b and x ≥ 0, where every bᵢ ≥ 0, so that x = 0 is allowed. */
export interface LinearProgram {
  readonly objective: ArrayLike<number>;
  readonly rows: readonly ArrayLike<number>[];
  readonly limits: ArrayLike<number>;
}

/** The best point, or the news that there is none because the objective grows without end. */
export type LinearSolution =
  | { readonly kind: 'optimal'; readonly point: Float64Array; readonly value: number }
  | { readonly kind: 'unbounded' };

/** Entries below this are taken for zero: rounding of float64 pivots over entries of order one. */
const zero = 1e-11;

/** Pivots by the steepest column before Bland's rule, which cannot cycle, takes over. */
const steepPivots = 5000;

/**
 * Solves a linear program by the primal simplex method on a dense tableau; each pivot costs rows · columns.
 *
 * Rows and columns should be scaled to entries of order one.
 *
 * @throws Error when a limit is negative.
 */
export function maximise({ objective, rows, limits }: LinearProgram): LinearSolution {
  const [height, width] = [rows.length, objective.length];
  const stride = width + 1;
  const table = new Float64Array((height + 1) * stride);
  for (const [i, row] of rows.entries()) {
    const limit = limits[i] ?? NaN;
    if (!(limit >= 0)) throw new Error(`Limit ${String(i)} of a linear program is ${String(limit)}.`);
    for (let j = 0; j < width; j++) table[i * stride + j] = row[j] ?? 0;
    table[i * stride + width] = limit;
  }
  for (let j = 0; j < width; j++) table[height * stride + j] = -(objective[j] ?? 0);
  // Labels: 0 … width − 1 are the variables, width … are the slacks of the rows.
  const columns = Uint32Array.from({ length: width }, (_, j) => j);
  const basis = Uint32Array.from({ length: height }, (_, i) => width + i);
  const state: Tableau = { table, height, width, columns, basis };
  for (let count = 0; ; count++) {
    const column = entering(state, count < steepPivots);
    if (column < 0) return solutionOf(state);
    const row = leaving(state, column);
    if (row < 0) return { kind: 'unbounded' };
    pivot(state, row, column);
  }
}

interface Tableau {
  readonly table: Float64Array;
  readonly height: number;
  readonly width: number;
  readonly columns: Uint32Array;
  readonly basis: Uint32Array;
}

function entering({ table, height, width, columns }: Tableau, isSteepest: boolean): number {
  let best = -1;
  for (let j = 0; j < width; j++) {
    const cost = table[height * (width + 1) + j]!;
    if (cost >= -zero) continue;
    const isBetter = isSteepest
      ? best < 0 || cost < table[height * (width + 1) + best]!
      : best < 0 || columns[j]! < columns[best]!;
    if (isBetter) best = j;
  }
  return best;
}

function leaving({ table, height, width, basis }: Tableau, column: number): number {
  const stride = width + 1;
  let best = -1;
  let least = Infinity;
  for (let i = 0; i < height; i++) {
    const entry = table[i * stride + column]!;
    if (entry <= zero) continue;
    const ratio = table[i * stride + width]! / entry;
    if (ratio < least || (ratio === least && best >= 0 && basis[i]! < basis[best]!)) {
      least = ratio;
      best = i;
    }
  }
  return best;
}

/** Exchanges a basic and a nonbasic variable. */
function pivot({ table, height, width, columns, basis }: Tableau, row: number, column: number): void {
  const stride = width + 1;
  const inverse = 1 / table[row * stride + column]!;
  for (let i = 0; i <= height; i++) {
    const factor = table[i * stride + column]! * inverse;
    if (i === row || factor === 0) continue;
    for (let j = 0; j <= width; j++) {
      if (j !== column) table[i * stride + j]! -= factor * table[row * stride + j]!;
    }
    table[i * stride + column] = -factor;
  }
  for (let j = 0; j <= width; j++) if (j !== column) table[row * stride + j]! *= inverse;
  table[row * stride + column] = inverse;
  const label = columns[column]!;
  columns[column] = basis[row]!;
  basis[row] = label;
}

function solutionOf({ table, height, width, basis }: Tableau): LinearSolution {
  const point = new Float64Array(width);
  for (let i = 0; i < height; i++) {
    const label = basis[i]!;
    if (label < width) point[label] = table[i * (width + 1) + width]!;
  }
  return { kind: 'optimal', point, value: table[height * (width + 1) + width]! };
}
