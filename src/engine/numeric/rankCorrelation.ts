import { sumOf } from './vectors.js';

/** Returns the ranks of numbers, 1 for the smallest; equal numbers share the mean of their ranks. */
export function ranksOf(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) ranks[order[i]!] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

/** Returns Pearson's correlation; NaN when one side does not vary. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length;
  // Summed before it is divided: the mean of equal ranks is then exactly that rank.
  const [meanA, meanB] = [sumOf(a) / n, sumOf(b) / n];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [da, db] = [a[i]! - meanA, b[i]! - meanB];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return aa === 0 || bb === 0 ? NaN : Math.max(-1, Math.min(1, ab / Math.sqrt(aa * bb)));
}

/** Returns Spearman's ρ, Pearson's correlation of the ranks; NaN when one side does not vary. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return pearson(ranksOf(a), ranksOf(b));
}

/** Returns Kendall's τ-b, ties allowed for; NaN when one side does not vary. Costs n². */
export function kendall(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [agree, differ, tiedA, tiedB] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < i; j++) {
      const [da, db] = [Math.sign(a[i]! - a[j]!), Math.sign(b[i]! - b[j]!)];
      if (da * db > 0) agree++;
      else if (da * db < 0) differ++;
      else if (da === 0 && db !== 0) tiedA++;
      else if (da !== 0 && db === 0) tiedB++;
    }
  }
  const scale = Math.sqrt((agree + differ + tiedA) * (agree + differ + tiedB));
  return scale === 0 ? NaN : (agree - differ) / scale;
}
