import { strict as assert } from 'node:assert';
import { describe, it } from 'mocha';
import { sparklineOf } from '../../../src/base/sparkline.js';

describe('sparklineOf', () => {
  it('draws counts by their logarithm: the largest highest, empty bins alone on the ground', () => {
    // log₂(1 + count) is 0, 8, 4 and 1.
    assert.equal(sparklineOf([0, 255, 15, 1]), '▁█▄▂');
    assert.equal(sparklineOf([1_000_000, 1, 0]), '█▂▁');
  });

  it('merges neighbours to the width that was asked for', () => {
    assert.equal(sparklineOf([8, 8, 0, 0, 4, 12], 3), '█▁█');
  });

  it('draws nothing of nothing', () => {
    assert.equal(sparklineOf([]), '');
    assert.equal(sparklineOf([0, 0]), '');
  });
});
