import assert from 'node:assert/strict';
import { partName } from '../../../src/protocol/partNames.js';

describe('the name of a drawn piece', () => {
  it('is its position where every position is drawn', () => {
    assert.equal(partName([28, 28], [28, 28], [3, 27]), '3,27');
    assert.equal(partName([64], [64], [5]), '5');
  });

  it('is the first and last of the positions that it stands for', () => {
    assert.equal(partName([4, 6], [2, 3], [1, 2]), '2,4,3,5');
  });

  it('takes pieces apart so that every position is in exactly one', () => {
    const counts = new Array<number>(1000).fill(0);
    for (let piece = 0; piece < 37; piece++) {
      const [first = NaN, last = first] = partName([1000], [37], [piece]).split(',').map(Number);
      for (let at = first; at <= last; at++) counts[at]! += 1;
    }
    assert.deepEqual(new Set(counts), new Set([1]));
  });

  it('repeats positions that are drawn larger than they are', () => {
    assert.deepEqual(
      [0, 1, 2, 3].map((at) => partName([2], [4], [at])),
      ['0', '0', '1', '1'],
    );
  });
});
