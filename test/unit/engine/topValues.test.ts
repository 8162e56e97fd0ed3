import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { TopValues } from '../../../src/engine/numeric/topValues.js';

describe('TopValues', () => {
  const random = createRandom(3);
  const values = Array.from({ length: 5000 }, () => Math.fround(Math.round(random.normal() * 100) / 7));
  const sorted = [...values].sort((a, b) => b - a);

  it('keeps the largest of a stream, ties counted, as sorting all of it gives them', () => {
    for (const capacity of [1, 2, 50, 4999, 6000]) {
      const top = new TopValues(capacity);
      for (let start = 0; start < values.length; start += 333) top.add(values.slice(start, start + 333));
      for (let rank = 0; rank < capacity; rank += Math.ceil(capacity / 60)) {
        assert.equal(top.at(rank), sorted[rank], `${capacity}: ${rank}`);
      }
      assert.equal(top.at(capacity), undefined);
    }
  });

  it('merges streams in any order', () => {
    const parts = [values.slice(0, 10), values.slice(10, 3000), values.slice(3000)];
    for (const order of [
      [0, 1, 2],
      [2, 0, 1],
      [1, 2, 0],
    ]) {
      const tops = parts.map((part) => {
        const top = new TopValues(100);
        top.add(part);
        return top;
      });
      const [first, ...others] = order.map((index) => tops[index]!);
      for (const other of others) first!.merge(other);
      for (let rank = 0; rank < 100; rank++) assert.equal(first!.at(rank), sorted[rank]);
    }
  });

  it('passes over NaN, keeps infinities, and goes on after it was asked', () => {
    const top = new TopValues(3);
    top.add([NaN, -Infinity, -Infinity, NaN]);
    assert.equal(top.at(0), -Infinity);
    assert.equal(top.at(2), undefined);
    top.add([1, Infinity, 2]);
    assert.deepEqual([top.at(0), top.at(1), top.at(2)], [Infinity, 2, 1]);
    top.add([1.5, -Infinity]);
    assert.deepEqual([top.at(0), top.at(1), top.at(2)], [Infinity, 2, 1.5]);
  });

  it('holds doubles where it is told to', () => {
    const top = new TopValues(2, true);
    top.add([0.1, 0.2]);
    assert.equal(top.at(0), 0.2);
  });
});
