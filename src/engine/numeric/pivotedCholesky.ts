/** A positive semidefinite matrix, factored as far as its rank goes. */
export interface PivotedCholesky {
  /** Rows in the order they were taken; the first `rank` are independent, the others combinations of these. */
  readonly order: Int32Array;
  readonly rank: number;
  /** L, `[n, rank]` in that order: A = L Lᵀ to the tolerance. */
  readonly lower: Float64Array;
}

/**
 * Factors a symmetric positive semidefinite matrix `[n, n]`, taking at each step the row of which the rows before leave most;
 * ends where they leave less than `tolerance` of every row's own diagonal element. Costs n² × rank.
 */
export function pivotedCholesky(matrix: Float64Array, n: number, tolerance: number): PivotedCholesky {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  const left = Float64Array.from({ length: n }, (_, i) => matrix[i * n + i]!);
  const own = left.slice();
  // By original row, so that nothing moves; `order` says which rows come first.
  const lower = new Float64Array(n * n);
  let rank = 0;
  for (; rank < n; rank++) {
    let best = rank;
    for (let i = rank + 1; i < n; i++) {
      if (left[order[i]!]! / own[order[i]!]! > left[order[best]!]! / own[order[best]!]!) best = i;
    }
    const row = order[best]!;
    // NaN fails the comparison too.
    if (!(left[row]! > tolerance * own[row]!)) break;
    order[best] = order[rank]!;
    order[rank] = row;
    const pivot = Math.sqrt(left[row]!);
    lower[row * n + rank] = pivot;
    for (let i = rank + 1; i < n; i++) {
      const other = order[i]!;
      let sum = matrix[other * n + row]!;
      for (let k = 0; k < rank; k++) sum -= lower[other * n + k]! * lower[row * n + k]!;
      const element = sum / pivot;
      lower[other * n + rank] = element;
      left[other]! -= element * element;
    }
  }
  const packed = new Float64Array(n * rank);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < rank; k++) packed[i * rank + k] = lower[order[i]! * n + k]!;
  }
  return { order, rank, lower: packed };
}

/** A row that is a combination of the independent ones. */
export interface RowCombination {
  readonly row: number;
  /** Row = Σ shares[i] · row `order[i]`, `[rank]`. */
  readonly shares: Float64Array;
}

/** Returns the rows that are combinations of the independent ones. Costs (n − rank) × rank². */
export function combinationsOf({ order, rank, lower }: PivotedCholesky, n: number): RowCombination[] {
  return Array.from({ length: n - rank }, (_, i) => {
    const place = rank + i;
    const shares = lower.slice(place * rank, (place + 1) * rank);
    // The row l of L solves Lᵀ c = l over the independent rows, upwards.
    for (let k = rank - 1; k >= 0; k--) {
      shares[k]! /= lower[k * rank + k]!;
      for (let j = 0; j < k; j++) shares[j]! -= lower[k * rank + j]! * shares[k]!;
    }
    return { row: order[place]!, shares };
  });
}

/** Returns the diagonal of the inverse of the independent rows and columns, in their order. Costs rank³ / 6. */
export function inverseDiagonal({ rank, lower }: PivotedCholesky): Float64Array {
  const diagonal = new Float64Array(rank);
  const column = new Float64Array(rank);
  // (L Lᵀ)⁻¹ = L⁻ᵀ L⁻¹: its diagonal is the sums of squares of the columns of L⁻¹.
  for (let j = 0; j < rank; j++) {
    for (let i = j; i < rank; i++) {
      let sum = i === j ? 1 : 0;
      for (let k = j; k < i; k++) sum -= lower[i * rank + k]! * column[k]!;
      column[i] = sum / lower[i * rank + i]!;
      diagonal[j]! += column[i]! ** 2;
    }
  }
  return diagonal;
}
