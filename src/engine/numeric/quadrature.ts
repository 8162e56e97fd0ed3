/** Points and weights of a rule for integrals over [0, 1], points ascending. */
export interface Quadrature {
  readonly points: Float64Array;
  readonly weights: Float64Array;
}

/** A rule by name. */
export type QuadratureName = 'gauss-legendre' | 'left' | 'right' | 'middle' | 'trapezoid';

/**
 * Returns the points and weights of a rule with `count` points on [0, 1].
 *
 * `left`, `right` and `middle` are the Riemann sums with step 1/n. Gauss–Legendre is exact for polynomials up to degree
 * 2n − 1. Differs: `trapezoid` follows Captum (points 0 … 1 in n − 1 intervals, step 1/n, end weights halved), so its
 * weights sum to (n − 1)/n and not to 1; results scale by that factor against the textbook rule.
 */
export function quadrature(name: QuadratureName, count: number): Quadrature {
  switch (name) {
    case 'gauss-legendre':
      return gaussLegendre(count);
    case 'left':
      return uniform(count, (i) => i / count);
    case 'right':
      return uniform(count, (i) => (i + 1) / count);
    case 'middle':
      return uniform(count, (i) => (i + 0.5) / count);
    case 'trapezoid': {
      const rule = uniform(count, (i) => i / Math.max(1, count - 1));
      rule.weights[0]! /= 2;
      rule.weights[count - 1]! /= 2;
      return rule;
    }
  }
}

function uniform(count: number, point: (index: number) => number): Quadrature {
  return {
    points: Float64Array.from({ length: count }, (_, i) => point(i)),
    weights: new Float64Array(count).fill(1 / count),
  };
}

/**
 * Gauss–Legendre on [0, 1]: roots of the Legendre polynomial Pₙ by Newton's method from Tricomi's guess,
 * weights 2 / ((1 − x²) Pₙ′(x)²), both mapped from [−1, 1].
 */
function gaussLegendre(count: number): Quadrature {
  const points = new Float64Array(count);
  const weights = new Float64Array(count);
  for (let i = 0; i < Math.ceil(count / 2); i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (count + 0.5));
    let slope = 0;
    // Newton converges quadratically from this guess; 100 only bounds a loop that takes about 5.
    for (let iteration = 0; iteration < 100; iteration++) {
      const legendre = legendreAt(count, x);
      slope = legendre.slope;
      const step = legendre.value / slope;
      x -= step;
      if (Math.abs(step) < 1e-16) break;
    }
    slope = legendreAt(count, x).slope;
    const weight = 1 / ((1 - x * x) * slope * slope);
    points[i] = (1 - x) / 2;
    points[count - 1 - i] = (1 + x) / 2;
    weights[i] = weight;
    weights[count - 1 - i] = weight;
  }
  // For odd counts the middle root is 0 by symmetry; Newton leaves it at rounding level.
  if (count % 2 === 1) points[(count - 1) / 2] = 0.5;
  return { points, weights };
}

/** Pₙ(x) by (k + 1) Pₖ₊₁ = (2k + 1) x Pₖ − k Pₖ₋₁, and Pₙ′(x) = n (x Pₙ − Pₙ₋₁) / (x² − 1). */
function legendreAt(degree: number, x: number): { readonly value: number; readonly slope: number } {
  let before = 1;
  let value = x;
  for (let k = 1; k < degree; k++) {
    const next = ((2 * k + 1) * x * value - k * before) / (k + 1);
    before = value;
    value = next;
  }
  return { value, slope: (degree * (x * value - before)) / (x * x - 1) };
}

/** Returns the area under a curve through points (x, y), by trapezoids; x ascending. */
export function areaUnder(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let area = 0;
  for (let i = 1; i < x.length; i++) area += ((x[i]! - x[i - 1]!) * (y[i]! + y[i - 1]!)) / 2;
  return area;
}
