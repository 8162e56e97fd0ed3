import assert from 'node:assert/strict';
import { quadrature, type QuadratureName } from '../../src/engine/numeric/quadrature.js';
import { resize } from '../../src/engine/numeric/resize.js';

function integrate(name: QuadratureName, count: number, f: (x: number) => number): number {
  const { points, weights } = quadrature(name, count);
  return points.reduce((sum, x, i) => sum + weights[i]! * f(x), 0);
}

describe('quadrature', () => {
  // Abramowitz & Stegun, table 25.4, abscissas and weights on [−1, 1].
  const tables: readonly (readonly [number, readonly number[], readonly number[]])[] = [
    [1, [0], [2]],
    [2, [0.577350269189626], [1]],
    [3, [0, 0.774596669241483], [0.888888888888889, 0.555555555555556]],
    [5, [0, 0.538469310105683, 0.906179845938664], [0.568888888888889, 0.478628670499366, 0.236926885056189]],
    [
      8,
      [0.18343464249565, 0.525532409916329, 0.796666477413627, 0.960289856497536],
      [0.362683783378362, 0.313706645877887, 0.222381034453374, 0.101228536290376],
    ],
  ];
  for (const [count, nodes, weights] of tables) {
    it(`gives the tabulated Gauss–Legendre nodes and weights for ${count} points`, () => {
      const rule = quadrature('gauss-legendre', count);
      const upper = [...rule.points].map((x) => 2 * x - 1).filter((x) => x > -1e-12);
      const upperWeights = [...rule.weights].slice(count - upper.length).map((w) => 2 * w);
      // The table has 15 digits.
      for (const [i, node] of nodes.entries()) assert.ok(Math.abs(upper[i]! - node) < 2e-15, `${upper[i]}`);
      for (const [i, weight] of weights.entries()) assert.ok(Math.abs(upperWeights[i]! - weight) < 2e-15);
    });
  }

  it('is exact for polynomials up to degree 2n − 1 and not beyond', () => {
    for (const count of [1, 2, 4, 7, 50]) {
      for (const degree of [0, 1, 2 * count - 2, 2 * count - 1]) {
        const error = integrate('gauss-legendre', count, (x) => x ** degree) - 1 / (degree + 1);
        assert.ok(Math.abs(error) < 1e-14, `n=${count}, degree=${degree}: ${error}`);
      }
    }
    assert.ok(Math.abs(integrate('gauss-legendre', 2, (x) => x ** 4) - 1 / 5) > 1e-3);
  });

  it('puts Riemann points at the left, right and middle of n equal steps', () => {
    assert.deepEqual([...quadrature('left', 4).points], [0, 0.25, 0.5, 0.75]);
    assert.deepEqual([...quadrature('right', 4).points], [0.25, 0.5, 0.75, 1]);
    assert.deepEqual([...quadrature('middle', 4).points], [0.125, 0.375, 0.625, 0.875]);
    assert.deepEqual([...quadrature('left', 4).weights], [0.25, 0.25, 0.25, 0.25]);
  });

  it('weights the trapezoid so that it sums to (n − 1)/n, as its documentation says', () => {
    assert.deepEqual([...quadrature('trapezoid', 5).points], [0, 0.25, 0.5, 0.75, 1]);
    assert.ok(Math.abs(integrate('trapezoid', 50, () => 1) - 0.98) < 1e-15);
  });
});

describe('resize', () => {
  // torch.nn.functional.interpolate([[1, 2], [3, 4]], size=(4, 4), mode='bilinear', align_corners=False): its documented values.
  it('interpolates between pixel centres when bilinear', () => {
    const out = resize(Float64Array.from([1, 2, 3, 4]), [2, 2], [4, 4], 'bilinear');
    assert.deepEqual(
      [...out],
      [1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4],
    );
  });

  it('repeats elements when nearest, taking floor(i · h / H)', () => {
    assert.deepEqual([...resize(Float64Array.from([1, 2, 3]), [3], [7], 'nearest')], [1, 1, 1, 2, 2, 3, 3]);
  });

  it('keeps a linear ramp linear away from the border', () => {
    const out = resize(Float64Array.from([0, 1, 2, 3, 4]), [5], [20], 'bilinear');
    for (let i = 2; i < 18; i++) assert.ok(Math.abs(out[i]! - ((i + 0.5) / 4 - 0.5)) < 1e-12);
  });
});
