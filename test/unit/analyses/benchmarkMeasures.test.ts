import assert from 'node:assert/strict';
import { areasUnder, curveCounts } from '../../../src/analyses/prediction/benchmark/curves.js';
import { pointingHits } from '../../../src/analyses/prediction/benchmark/pointing.js';
import {
  failsSanityCheck,
  rankCorrelations,
} from '../../../src/analyses/prediction/benchmark/randomisation.js';
import { infidelity, sensitivityN, setSizes } from '../../../src/analyses/prediction/benchmark/removals.js';
import { standingOf, winnerOf } from '../../../src/analyses/prediction/benchmark/results.js';
import { giniIndex } from '../../../src/analyses/prediction/benchmark/sparseness.js';
import { createRandom } from '../../../src/base/random.js';
import { range, sum } from '../../support/tensors.js';

// Float64 throughout: only the last digits may differ.
const rounding = 1e-12;

function assertNear(actual: number | undefined, expected: number, tolerance = rounding): void {
  assert.ok(Math.abs(actual! - expected) <= tolerance, `${actual}, expected ${expected}`);
}

describe('the measures of an attribution benchmark', () => {
  const random = createRandom(3);
  const positionCount = 9;
  const sets = [2, 5].flatMap((size) =>
    range(0, 12).map(() => random.permutation(positionCount).subarray(0, size)),
  );
  const effect = Float64Array.from({ length: positionCount }, () => random.normal());
  const sums = sets.map((set) => sum(set.length, (i) => effect[set[i]!]!));

  it('give 1 and 0 where the scores add up to every change, whatever their scale', () => {
    for (const scale of [1, -3, 0.01]) {
      const changes = Float64Array.from(sums, (value) => scale * value);
      const removals = { sets, changes, sizes: Float64Array.of(1) };
      assertNear(sensitivityN(removals, effect)[0], Math.sign(scale));
      assertNear(infidelity(removals, effect)[0], 0);
    }
  });

  it('give the correlation within each size and not across sizes', () => {
    // Within a size the changes have nothing to do with the sums; between sizes they differ a lot.
    const noise = sums.map(() => random.normal());
    const changes = Float64Array.from(noise, (value, i) => value + 100 * sets[i]!.length);
    const correlation = (from: number): number => {
      const [a, b] = [sums, noise].map((values) => values.slice(from, from + 12)) as [number[], number[]];
      const [meanA, meanB] = [sum(12, (i) => a[i]!) / 12, sum(12, (i) => b[i]!) / 12];
      const products = (u: number[], mu: number, v: number[], mv: number): number =>
        sum(12, (i) => (u[i]! - mu) * (v[i]! - mv));
      return (
        products(a, meanA, b, meanB) / Math.sqrt(products(a, meanA, a, meanA) * products(b, meanB, b, meanB))
      );
    };
    const found = sensitivityN({ sets, changes, sizes: Float64Array.of(1) }, effect)[0];
    assertNear(found, (correlation(0) + correlation(12)) / 2, 1e-9);
  });

  it('give the infidelity of the best scale, found by trying scales', () => {
    const changes = Float64Array.from(sums, (value) => 2 * value + random.normal());
    const error = (scale: number): number => sum(sums.length, (i) => (scale * sums[i]! - changes[i]!) ** 2);
    const best = Math.min(...range(0, 40_001).map((i) => error(i / 10_000)));
    const found = infidelity({ sets, changes, sizes: Float64Array.of(1) }, effect)[0];
    assertNear(found, best / error(0), 1e-6);
  });

  it('say nothing of rows that nothing changes, and 0 and 1 of scores that are all zero', () => {
    const still = { sets, changes: new Float64Array(sets.length), sizes: Float64Array.of(1) };
    assert.deepEqual([...sensitivityN(still, effect), ...infidelity(still, effect)], [NaN, NaN]);
    const moving = { sets, changes: Float64Array.from(sums), sizes: Float64Array.of(1) };
    const none = new Float64Array(positionCount);
    assert.deepEqual([...sensitivityN(moving, none), ...infidelity(moving, none)], [0, 1]);
  });

  it('hide from one position up to four fifths of them', () => {
    assert.deepEqual(setSizes(5), [1, 2, 3, 4]);
    assert.deepEqual(setSizes(1), [1]);
    const sizes = setSizes(1000);
    assert.deepEqual([sizes[0], sizes.at(-1), sizes.length], [20, 800, 6]);
  });

  it('give the Gini index of equal scores, of one score and of 1 … n', () => {
    assertNear(giniIndex([2, -2, 2, -2]), 0);
    assertNear(giniIndex([0, 0, -5, 0]), 3 / 4);
    for (const n of [2, 7, 100]) assertNear(giniIndex(range(1, n + 1)), (n - 1) / (3 * n));
    assert.ok(Number.isNaN(giniIndex([0, 0])));
  });

  it('give the Gini index as the mean difference of all pairs', () => {
    const values = range(0, 30).map(() => random.normal());
    const sizes = values.map(Math.abs);
    const pairs = sum(30, (i) => sum(30, (j) => Math.abs(sizes[i]! - sizes[j]!)));
    assertNear(giniIndex(values), pairs / (2 * 30 * sum(30, (i) => sizes[i]!)));
  });

  it('give the area under curves at unequal steps', () => {
    const fractions = Float64Array.from(curveCounts(5, 3), (count) => count / 5);
    assert.deepEqual([...fractions], [0, 0.4, 0.6, 1]);
    // A straight line from 1 to 3 has area 2; a constant has its own value.
    assertNear(
      areasUnder(
        fractions.map((t) => 1 + 2 * t),
        fractions,
      )[0],
      2,
    );
    assertNear(areasUnder(Float64Array.of(0, 1, 1, 0), fractions)[0], 0.2 + 0.2 + 0.2);
  });

  it('point into a mask, out of it, and half into it where two positions are highest', () => {
    const ranking = Float64Array.of(...[1, 3, 2], ...[3, 1, 2], ...[3, 3, 0], ...[1, 2, 3]);
    const masks = Uint8Array.of(...[0, 1, 0], ...[0, 1, 0], ...[0, 1, 1], ...[0, 0, 0]);
    assert.deepEqual([...pointingHits(ranking, masks, 4)], [1, 0, 0.5, NaN]);
  });

  it('correlate ranks row by row, 0 where nothing is left of a map', () => {
    const before = Float64Array.of(...[1, 2, 3], ...[1, 2, 3], ...[1, 2, 3], ...[4, 4, 4]);
    const after = Float64Array.of(...[10, 20, 90], ...[3, 2, 1], ...[5, 5, 5], ...[1, 2, 3]);
    assert.deepEqual([...rankCorrelations(before, after, 3)], [1, -1, 0, NaN]);
  });

  it('fail the sanity check only beyond chance', () => {
    const fails = (mean: number, standardError: number, positionCount: number): boolean =>
      failsSanityCheck({ mean, standardError }, positionCount);
    assert.ok(fails(0.9, 0.01, 784));
    assert.ok(!fails(0.4, 0.01, 784));
    assert.ok(!fails(0.51, 0.08, 784));
    // Of two positions every order is one of two.
    assert.ok(!fails(0.9, 0, 2));
  });

  it('name the best, and who cannot be told from it row by row', () => {
    const standings = [
      standingOf(Float64Array.of(0.5, 0.6, 0.7, NaN)),
      standingOf(Float64Array.of(0.51, 0.59, 0.71, 0.2)),
      standingOf(Float64Array.of(0.1, 0.2, 0.3, 0.1)),
    ];
    assertNear(standings[0]!.mean, 0.6);
    assertNear(standings[0]!.standardError, 0.1 / Math.sqrt(3));
    assert.deepEqual(winnerOf('insertion', standings), { measure: 'insertion', index: 0, peers: [1] });
    assert.deepEqual(winnerOf('deletion', standings), { measure: 'deletion', index: 2, peers: [] });
    assert.equal(winnerOf('sparseness', standings), undefined);
  });
});
