import assert from 'node:assert/strict';
import { createRandom, type Random, type RandomState, restoreRandom } from '../../../src/base/random.js';

describe('createRandom', () => {
  it('gives equal sequences for equal seeds and others for other seeds', () => {
    const draw = (seed: number): number[] => {
      const random = createRandom(seed);
      return Array.from({ length: 8 }, () => random.next());
    };
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
  });

  it('draws uniform numbers whose mean and variance lie within five standard errors', () => {
    const count = 100_000;
    const random = createRandom(1);
    const draws = Array.from({ length: count }, () => random.next());
    const mean = draws.reduce((sum, x) => sum + x, 0) / count;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count;
    // U(0,1): variance 1/12; standard error of the mean sqrt(1/12n), of the variance sqrt(1/180n).
    assert.ok(Math.abs(mean - 0.5) < 5 * Math.sqrt(1 / (12 * count)));
    assert.ok(Math.abs(variance - 1 / 12) < 5 * Math.sqrt(1 / (180 * count)));
    assert.ok(draws.every((x) => x >= 0 && x < 1));
  });

  it('draws normal numbers with mean 0, variance 1 and 68.3 % within one', () => {
    const count = 100_000;
    const random = createRandom(2);
    const draws = Array.from({ length: count }, () => random.normal());
    const mean = draws.reduce((sum, x) => sum + x, 0) / count;
    const variance = draws.reduce((sum, x) => sum + x * x, 0) / count;
    const inside = draws.filter((x) => Math.abs(x) < 1).length / count;
    assert.ok(Math.abs(mean) < 5 / Math.sqrt(count));
    assert.ok(Math.abs(variance - 1) < 5 * Math.sqrt(2 / count));
    assert.ok(Math.abs(inside - 0.6827) < 5 * Math.sqrt((0.6827 * 0.3173) / count));
  });

  it('permutes every index exactly once, and uniformly', () => {
    const order = createRandom(3).permutation(1000);
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      Array.from({ length: 1000 }, (_, i) => i),
    );
    const random = createRandom(4);
    const firstCounts = [0, 0, 0];
    for (let i = 0; i < 6000; i++) {
      const first = random.permutation(3)[0]!;
      firstCounts[first] = firstCounts[first]! + 1;
    }
    // Binomial(6000, 1/3): standard deviation 36.5.
    for (const count of firstCounts) assert.ok(Math.abs(count - 2000) < 5 * 36.5);
  });

  it('goes on from a state as if it had never stopped, normal numbers in pairs included', () => {
    const random = createRandom(5);
    for (let drawn = 0; drawn < 3; drawn++) {
      random.next();
      random.normal();
      const restored = restoreRandom(random.state());
      const draw = (from: Random): number[] => [from.normal(), from.next(), from.normal(), from.integer(99)];
      // As a checkpoint keeps it.
      const stored = JSON.parse(JSON.stringify(random.state())) as RandomState;
      const expected = draw(random);
      assert.deepEqual(draw(restored), expected);
      assert.deepEqual(draw(restoreRandom(stored)), expected);
    }
  });
});
