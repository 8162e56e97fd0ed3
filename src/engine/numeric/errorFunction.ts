/** Terms of the series at most; 60 reach the last digit at 3. */
const maxTerms = 100;

/**
 * Returns erf(x) = 2/√π ∫₀ˣ e^(−t²) dt, to about 1e-15.
 *
 * Below 3 by the series 2/√π e^(−x²) Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n + 1)), whose terms all have one sign (Abramowitz & Stegun 7.1.6);
 * above by the continued fraction of erfc (7.1.14), from its end.
 */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (size >= 6) return Math.sign(x);
  return size < 3 ? series(x) : Math.sign(x) * (1 - tail(size));
}

function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < maxTerms && Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc(x) = e^(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/…))). */
function tail(x: number): number {
  let fraction = x;
  for (let k = maxTerms; k >= 1; k--) fraction = x + k / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}
