import { strict as assert } from 'node:assert';
import { describe, it } from 'mocha';
import { sparklineOf } from '../../../src/base/sparkline.js';

describe('sparklineOf', () => {
  it('draws the largest count highest, an empty bin lowest, and a quarter of the largest half as high', () => {
    // √(1/4) of eight steps is four: the fifth block would begin there, so the fourth is drawn.
    assert.equal(sparklineOf([0, 16, 4, 16]), '▁█▄█');
  });

  it('merges neighbours to the width that was asked for', () => {
    assert.equal(sparklineOf([8, 8, 0, 0, 4, 12], 3), '█▁█');
  });

  it('draws nothing of nothing', () => {
    assert.equal(sparklineOf([]), '');
    assert.equal(sparklineOf([0, 0]), '');
  });
});
