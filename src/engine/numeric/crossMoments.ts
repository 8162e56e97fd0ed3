/** Count, means and sums of products of deviations of several variables; `mergeCross` joins two. */
export interface CrossMoments {
  readonly count: number;
  /** `[n]`. */
  readonly mean: Float64Array;
  /** Σ (x − mean)(x − mean)ᵀ, `[n, n]`, row-major, symmetric. */
  readonly products: Float64Array;
}

/** Returns moments of nothing. */
export function noCross(size: number): CrossMoments {
  return { count: 0, mean: new Float64Array(size), products: new Float64Array(size * size) };
}

/** Returns the moments of both together, as if they had been counted in one go. Costs n². */
export function mergeCross(a: CrossMoments, b: CrossMoments): CrossMoments {
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  const count = a.count + b.count;
  const size = a.mean.length;
  const shift = a.mean.map((mean, i) => b.mean[i]! - mean);
  const mean = a.mean.map((own, i) => own + (shift[i]! * b.count) / count);
  const products = new Float64Array(size * size);
  // Σ over both = Σ_a + Σ_b + (m_b − m_a)(m_b − m_a)ᵀ n_a n_b / n.
  const weight = (a.count * b.count) / count;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const at = i * size + j;
      products[at] = a.products[at]! + b.products[at]! + weight * shift[i]! * shift[j]!;
    }
  }
  return { count, mean, products };
}
