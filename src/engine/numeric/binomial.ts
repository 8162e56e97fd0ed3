/** Returns P(X ≥ k) for X ~ Binomial(n, p), by summing the terms in log space; cost is linear in n − k. */
export function binomialUpperTail(k: number, n: number, p: number): number {
  if (k <= 0) return 1;
  if (k > n) return 0;
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  let logTerm = logChoose(n, k) + k * Math.log(p) + (n - k) * Math.log1p(-p);
  let tail = 0;
  for (let i = k; i <= n; i++) {
    tail += Math.exp(logTerm);
    // Next term: × (n − i)/(i + 1) · p/(1 − p).
    logTerm += Math.log((n - i) / (i + 1)) + Math.log(p) - Math.log1p(-p);
  }
  return Math.min(1, tail);
}

function logChoose(n: number, k: number): number {
  let sum = 0;
  const small = Math.min(k, n - k);
  for (let i = 1; i <= small; i++) sum += Math.log((n - small + i) / i);
  return sum;
}
