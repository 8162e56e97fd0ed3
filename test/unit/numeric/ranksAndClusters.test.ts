import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { clusterCompletely, cutAtHeight } from '../../../src/engine/numeric/hierarchicalClustering.js';
import { kendall, pearson, ranksOf, spearman } from '../../../src/engine/numeric/rankCorrelation.js';
import { range } from '../../support/tensors.js';

describe('rank correlation', () => {
  it('gives equal numbers the mean of their ranks', () => {
    assert.deepEqual([...ranksOf([3, 1, 3, 2, 3])], [4, 1, 4, 2, 4]);
  });

  it('is one for any rising function, minus one for a falling one, NaN for a constant', () => {
    const random = createRandom(1);
    const a = range(0, 20).map(() => random.normal());
    for (const measure of [spearman, kendall]) {
      assert.ok(
        Math.abs(
          measure(
            a,
            a.map((v) => Math.exp(3 * v)),
          ) - 1,
        ) < 1e-12,
      );
      assert.ok(
        Math.abs(
          measure(
            a,
            a.map((v) => -(v ** 3)),
          ) + 1,
        ) < 1e-12,
      );
      assert.ok(
        Number.isNaN(
          measure(
            a,
            a.map(() => 2),
          ),
        ),
      );
    }
  });

  it('equals ρ = 1 − 6 Σd² / (n (n² − 1)) and τ = (agreeing − differing) / pairs without ties', () => {
    const a = [1, 2, 3, 4, 5];
    const b = [2, 1, 4, 3, 5];
    // d² = 1 + 1 + 1 + 1; two of ten pairs differ.
    assert.ok(Math.abs(spearman(a, b) - (1 - (6 * 4) / (5 * 24))) < 1e-12);
    assert.ok(Math.abs(kendall(a, b) - 0.6) < 1e-12);
  });

  it('allows for ties as τ-b does', () => {
    // Pairs: (1,1)–(1,2) tied in a; (1,1)–(2,2) and (1,2)–(2,2): one agrees, one tied in b.
    assert.ok(Math.abs(kendall([1, 1, 2], [1, 2, 2]) - 1 / 2) < 1e-12);
    assert.ok(Math.abs(pearson([1, 2, 3], [2, 4, 6]) - 1) < 1e-12);
  });
});

describe('complete linkage', () => {
  it('joins the nearest first, at the distance of their farthest items', () => {
    const places = [0, 1, 10, 12, 30];
    const n = places.length;
    const distances = Float64Array.from({ length: n * n }, (_, i) =>
      Math.abs(places[Math.floor(i / n)]! - places[i % n]!),
    );
    const root = clusterCompletely(distances, n);
    assert.deepEqual(
      cutAtHeight(root, 0.5).map(({ items }) => items),
      [[0], [1], [2], [3], [4]],
    );
    assert.deepEqual(
      cutAtHeight(root, 2).map(({ items }) => items),
      [[0, 1], [2, 3], [4]],
    );
    assert.deepEqual(
      cutAtHeight(root, 12).map(({ items, height }) => [items, height]),
      [
        [[0, 1, 2, 3], 12],
        [[4], 0],
      ],
    );
    assert.equal(root.height, 30);
  });

  it('never puts items together that are farther apart than the height', () => {
    const random = createRandom(3);
    const n = 15;
    const distances = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) distances[i * n + j] = distances[j * n + i] = random.next();
    }
    const clusters = cutAtHeight(clusterCompletely(distances, n), 0.4);
    for (const { items } of clusters) {
      for (const a of items) for (const b of items) assert.ok(a === b || distances[a * n + b]! <= 0.4);
    }
    assert.deepEqual(
      clusters.flatMap(({ items }) => items).sort((a, b) => a - b),
      range(0, n),
    );
  });
});
