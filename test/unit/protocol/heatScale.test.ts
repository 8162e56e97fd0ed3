import assert from 'node:assert/strict';
import { defaultHeatColors, paintHeat } from '../../../src/protocol/heatScale.js';

const { positive, negative, notFinite } = defaultHeatColors;

describe('the colours of heat maps', () => {
  const pixel = (value: number | string, limit: number): number[] => [...paintHeat([value], limit)];

  it('tell the sign by hue and the size by opacity', () => {
    assert.deepEqual(pixel(2, 2), [...positive, 235]);
    assert.deepEqual(pixel(-1, 2), [...negative, 118]);
    assert.equal(pixel(0, 2)[3], 0);
  });

  it('end at the limit', () => {
    assert.deepEqual(pixel(100, 2), pixel(2, 2));
  });

  it('show what is no finite number, as reports spell it', () => {
    for (const value of ['NaN', 'Infinity', '-Infinity']) {
      assert.deepEqual(pixel(value, 1), [...notFinite, 255]);
    }
  });

  it('are clear when the scale has no size', () => {
    assert.equal(pixel(1, 0)[3], 0);
    assert.equal(pixel(1, Number.NaN)[3], 0);
  });
});
