/**
 * Returns the Gini index of the sizes of some scores: 1 − Σᵢ 2 (v₍ᵢ₎ / Σ v) (n − i + ½) / n with v sorted from the
 * smallest on and i from 1; 0 where all are the same, (n − 1) / n where one has all. NaN where all are zero.
 *
 * Source: Chalasani, Chen, Chowdhury, Jha & Wu (2018), "Concise Explanations of Neural Networks using Adversarial
 * Training", https://arxiv.org/abs/1810.06583.
 */
export function giniIndex(scores: ArrayLike<number>): number {
  const sizes = Float64Array.from(scores, Math.abs).sort();
  const count = sizes.length;
  let [total, weighted] = [0, 0];
  for (const [i, size] of sizes.entries()) {
    total += size;
    weighted += size * (count - i - 0.5);
  }
  return total === 0 ? NaN : Math.max(0, 1 - (2 * weighted) / (total * count));
}
