/** Mean and population variance of a channel. */
export interface Gaussian {
  readonly mean: number;
  readonly variance: number;
}

/** A standard deviation below this share of the values themselves is rounding, in float32. */
const rounding = 1e-5;

/** Returns KL(a‖b) + KL(b‖a) = ½ [(σ_a² + Δ²)/σ_b² + (σ_b² + Δ²)/σ_a²] − 1 with Δ = μ_a − μ_b. */
export function symmetricKl(a: Gaussian, b: Gaussian): number {
  const squaredShift = (a.mean - b.mean) ** 2;
  return ((a.variance + squaredShift) / b.variance + (b.variance + squaredShift) / a.variance) / 2 - 1;
}

/**
 * Returns how far a channel is from one data set to another: the symmetric KL divergence; 0 where it is the same constant on
 * both, infinity where it is constant on one only, or another constant on each; NaN where it is not finite.
 *
 * `scale` is the root mean square of the channel's values over both: what "constant" is relative to.
 */
export function channelDivergence(a: Gaussian, b: Gaussian, scale: number): number {
  if (![a.mean, a.variance, b.mean, b.variance, scale].every(Number.isFinite)) return NaN;
  const least = rounding * scale;
  const constants = [a, b].filter(({ variance }) => Math.sqrt(variance) <= least).length;
  if (constants === 0) return symmetricKl(a, b);
  return constants === 2 && Math.abs(a.mean - b.mean) <= least ? 0 : Infinity;
}

/**
 * Returns what the divergence of equal Gaussians is on average when they are estimated from n and m samples, to first order.
 *
 * E Δ²/σ² = 1/n + 1/m of the means, and ½ E (ln s_a²/s_b²)² = 1/n + 1/m of the variances.
 */
export function chanceDivergence(n: number, m: number): number {
  return 2 / n + 2 / m;
}
