import assert from 'node:assert/strict';
import { ngramsOf, tokenRows } from '../../../src/analyses/health/tokens/ngrams.js';
import { CoverProof, type CoverRule, CoverSearch } from '../../../src/analyses/health/tokens/tallies.js';
import { createRandom } from '../../../src/base/random.js';
import { FrequentItems } from '../../../src/engine/numeric/frequentItems.js';
import { int64Tensor } from '../../../src/onnx/tensorValue.js';

const rule: CoverRule = { share: 0.95, ngramCount: 5 };

/** Items of which a few take `share` together, and the others are drawn from a thousand. */
function stream(seed: number, { share, length }: { share: number; length: number }): string[] {
  const random = createRandom(seed);
  const few = 1 + random.integer(7);
  return Array.from({ length }, () =>
    random.next() < share ? `few ${String(random.integer(few))}` : `rare ${String(random.integer(1000))}`,
  );
}

function countsOf(items: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

describe('frequent items of a stream', () => {
  it('are held with counts that lie within their bound of the true ones, whatever the stream', () => {
    for (const seed of [1, 2, 3]) {
      const items = stream(seed, { share: 0.6, length: 3000 });
      const frequent = new FrequentItems(20);
      for (const item of items) frequent.add(item);
      assert.ok(frequent.counts.size <= 20);
      assert.ok(frequent.missedCount > 0 && frequent.missedCount <= items.length / 21);
      for (const [item, count] of countsOf(items)) {
        const held = frequent.counts.get(item) ?? 0;
        assert.ok(held <= count && count <= held + frequent.missedCount, item);
      }
    }
  });
});

describe('n-grams that cover activations', () => {
  it('are found as by counting everything, over streams near the edge of 95 %', () => {
    const seen = { cover: 0, none: 0, proven: 0, undecided: 0 };
    for (let seed = 0; seed < 120; seed++) {
      const items = stream(seed, { share: 0.9 + (seed % 10) / 100, length: 2500 });
      const search = new CoverSearch(items.length, rule);
      for (const item of items) if (!search.isClosed) search.add(item);
      const largest = [...countsOf(items).values()].sort((a, b) => b - a).slice(0, 5);
      const most = largest.reduce((sum, count) => sum + count, 0);
      const isCovered = 100 * most >= 95 * items.length;
      if (!search.isPossible) {
        assert.ok(!isCovered, String(seed));
        seen.none++;
        continue;
      }
      const proof = new CoverProof(search, items.length, rule);
      for (const item of items) proof.add(item);
      if (search.missedCount > 0) seen.proven++;
      const { verdict } = search.missedCount > 0 ? proof : search;
      if (verdict === 'undecided') {
        seen.undecided++;
        continue;
      }
      if (verdict === 'none') {
        assert.ok(!isCovered, String(seed));
        continue;
      }
      assert.ok(isCovered, String(seed));
      seen.cover++;
      const [first] = verdict.ngrams;
      assert.equal(first?.count, largest[0]);
      assert.equal(
        verdict.count,
        largest.slice(0, verdict.ngrams.length).reduce((sum, count) => sum + count, 0),
      );
    }
    assert.ok(seen.cover > 10 && seen.none > 10 && seen.proven > 10, JSON.stringify(seen));
    // A gap of a few n-grams that came once or twice is all that cannot be told.
    assert.ok(seen.undecided < seen.cover / 5, JSON.stringify(seen));
  });

  it('are undecided, not denied, where one that was not held to the end could fill the gap', () => {
    const singles = Array.from({ length: 153 }, (_, at) => `once ${String(at)}`);
    const items = [...new Array<string>(2845).fill('often'), 'twice', 'twice', ...singles];
    const search = new CoverSearch(items.length, rule);
    for (const item of items) search.add(item);
    const proof = new CoverProof(search, items.length, rule);
    for (const item of items) proof.add(item);
    // 2845 + 2 + 3 of 3000 are 95 %, but "twice" was dropped: 2845 + 4 are known, 2845 + 4 · 2 possible.
    assert.ok(!search.counts.has('twice'));
    assert.equal(proof.verdict, 'undecided');
  });

  it('end at every place that is not masked, the start of a sequence being a token of its own', () => {
    const ids = int64Tensor([5, 6, 7, 8, 9, 1], [2, 3]);
    const mask = int64Tensor([1, 1, 1, 0, 1, 1], [2, 3]);
    const rows = tokenRows(ids, mask, 2);
    assert.deepEqual(ngramsOf(rows, 0, 2), ['-1 5', '5 6', '6 7']);
    assert.deepEqual(ngramsOf(rows, 1, 2), [undefined, '-1 9', '9 1']);
    assert.deepEqual(ngramsOf(rows, 1, 3), [undefined, '-1 -1 9', '-1 9 1']);
  });
});
