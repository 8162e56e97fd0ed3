import assert from 'node:assert/strict';
import { compareKeys, type SortKey } from '../../../webview/components/sortKey.js';

describe('compareKeys', () => {
  const sorted = (keys: SortKey[], sign: 1 | -1): SortKey[] =>
    [...keys].sort((a, b) => compareKeys(a, b, sign));

  it('orders numbers by size, not by their digits', () => {
    assert.deepEqual(sorted([10, 9, -1], 1), [-1, 9, 10]);
  });

  it('orders unit addresses by their number', () => {
    assert.deepEqual(sorted(['fc1[10]', 'fc1[9]'], 1), ['fc1[9]', 'fc1[10]']);
  });

  // Array.prototype.sort moves undefined elements to the end by itself, so the pair is compared directly.
  it('puts what was not captured last in both directions', () => {
    assert.ok(compareKeys(undefined, 1, 1) > 0);
    assert.ok(compareKeys(undefined, 1, -1) > 0);
    assert.ok(compareKeys('a', undefined, -1) < 0);
  });

  it('turns round the order of numbers when descending', () => {
    assert.deepEqual(sorted([1, 3, 2], -1), [3, 2, 1]);
  });
});
