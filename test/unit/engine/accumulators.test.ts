import assert from 'node:assert/strict';
import fc from 'fast-check';
import { binomialUpperTail } from '../../../src/engine/numeric/binomial.js';
import {
  addCumulative,
  createHistogram,
  innerEdges,
  mergeHistograms,
  type Histogram,
} from '../../../src/engine/numeric/histogram.js';
import { mergeMoments, type Moments, momentsOf, varianceOf } from '../../../src/engine/numeric/moments.js';
import { createTopK, mergeTopK, offer, type TopK } from '../../../src/engine/numeric/topK.js';

/** Float64 rounding over a few hundred additions. */
const relativeTolerance = 1e-9;

const numbers = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { maxLength: 60 });

function assertClose(actual: number, expected: number, scale: number): void {
  assert.ok(
    Math.abs(actual - expected) <= relativeTolerance * Math.max(1, scale),
    `${actual} and ${expected}`,
  );
}

function assertSameMoments(a: Moments, b: Moments): void {
  assert.equal(a.count, b.count);
  assertClose(a.mean, b.mean, 1e3);
  assertClose(a.squaredDeviations, b.squaredDeviations, 1e6 * Math.max(1, a.count));
}

describe('moments', () => {
  it('equal the two-pass formulas however the stream is split', () => {
    fc.assert(
      fc.property(numbers, numbers, numbers, (a, b, c) => {
        const all = [...a, ...b, ...c];
        fc.pre(all.length > 0);
        const [ma, mb, mc] = [momentsOf(a), momentsOf(b), momentsOf(c)];
        const merged = mergeMoments(mergeMoments(ma, mb), mc);
        assertSameMoments(merged, mergeMoments(ma, mergeMoments(mb, mc)));
        assertSameMoments(merged, mergeMoments(mc, mergeMoments(mb, ma)));
        const mean = all.reduce((sum, x) => sum + x, 0) / all.length;
        const variance = all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / all.length;
        assertClose(merged.mean, mean, 1e3);
        assertClose(varianceOf(merged), variance, 1e6);
      }),
      { seed: 1 },
    );
  });

  it('do not cancel far from zero', () => {
    assertClose(varianceOf(momentsOf([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16])), 22.5, 1);
  });
});

describe('top k', () => {
  const entries = fc.uniqueArray(fc.tuple(fc.nat(500), fc.integer({ min: -5, max: 5 })), {
    maxLength: 40,
    selector: ([id]) => id,
  });
  const build = (list: readonly (readonly [number, number])[]): TopK => {
    const top = createTopK(2, 5);
    for (const [id, value] of list) {
      offer(top, 0, { value, id });
      offer(top, 1, { value: -value, id });
    }
    return top;
  };

  it('keeps the largest, equal ones by smaller id, in any order of arrival and merging', () => {
    fc.assert(
      fc.property(entries, fc.nat(40), fc.nat(40), (list, i, j) => {
        const [from, to] = [Math.min(i, j), Math.max(i, j)];
        const [a, b, c] = [list.slice(0, from), list.slice(from, to), list.slice(to)].map(build) as [
          TopK,
          TopK,
          TopK,
        ];
        const whole = build(list);
        assert.deepEqual(build([...list].reverse()), whole);
        assert.deepEqual(mergeTopK(mergeTopK(a, b), c), whole);
        assert.deepEqual(mergeTopK(c, mergeTopK(b, a)), whole);
        const sorted = [...list].sort((p, q) => q[1] - p[1] || p[0] - q[0]).slice(0, 5);
        const expected = [...sorted.map(([id]) => id), ...new Array<number>(5 - sorted.length).fill(-1)];
        assert.deepEqual([...whole.ids.slice(0, 5)], expected);
      }),
      { seed: 2 },
    );
  });

  it('never keeps NaN', () => {
    const top = createTopK(1, 2);
    offer(top, 0, { value: NaN, id: 1 });
    offer(top, 0, { value: -3, id: 2 });
    assert.deepEqual([...top.ids], [2, -1]);
  });
});

describe('histograms', () => {
  const fill = (values: readonly number[]): Histogram => {
    const histogram = createHistogram(-2, 3, 10);
    addCumulative(
      histogram,
      values.length,
      innerEdges(histogram).map((edge) => values.filter((value) => value > edge).length),
    );
    return histogram;
  };
  const inside = fc.array(fc.double({ min: -2, max: 3, noNaN: true }), { maxLength: 50 });

  it('put each number into the bin a plain loop finds, and merge', () => {
    fc.assert(
      fc.property(inside, inside, (a, b) => {
        const merged = mergeHistograms(fill(a), fill(b));
        const counts = new Array<number>(10).fill(0);
        for (const value of [...a, ...b]) {
          const bin = innerEdges(merged).findIndex((edge) => value <= edge);
          counts[bin === -1 ? 9 : bin]!++;
        }
        assert.deepEqual([...merged.counts], counts);
        assert.deepEqual(merged, mergeHistograms(fill(b), fill(a)));
      }),
      { seed: 3 },
    );
  });

  it('refuse to merge different bins', () => {
    assert.throws(() => mergeHistograms(createHistogram(0, 1, 4), createHistogram(0, 2, 4)));
  });
});

describe('binomialUpperTail', () => {
  it('equals the enumeration of small cases', () => {
    const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);
    for (const n of [1, 5, 12]) {
      for (const p of [0.1, 0.5, 0.83]) {
        for (let k = 0; k <= n; k++) {
          let expected = 0;
          for (let i = k; i <= n; i++) expected += choose(n, i) * p ** i * (1 - p) ** (n - i);
          assertClose(binomialUpperTail(k, n, p), expected, 1);
        }
      }
    }
  });

  it('stays exact where powers underflow', () => {
    // Symmetry: P(X ≥ n/2) = ½ + ½ P(X = n/2), the latter by Stirling √(2/πn).
    const tail = binomialUpperTail(5000, 10_000, 0.5);
    assert.ok(Math.abs(tail - (0.5 + 0.5 * Math.sqrt(2 / (Math.PI * 10_000)))) < 1e-6);
  });
});
