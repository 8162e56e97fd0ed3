import assert from 'node:assert/strict';
import { meanErrorOf, momentsOf } from '../../../src/engine/numeric/moments.js';
import { inverseOf, placesByValue } from '../../../src/engine/numeric/order.js';
import { areaUnder } from '../../../src/engine/numeric/quadrature.js';

describe('orders, areas and errors of means', () => {
  it('places the largest first, and equal ones by index or as told', () => {
    assert.deepEqual([...placesByValue([1, 3, 2, 3])], [3, 0, 2, 1]);
    assert.deepEqual([...placesByValue([1, 3, 2, 3], [0, 5, 0, 4])], [3, 1, 2, 0]);
    assert.deepEqual([...inverseOf([2, 0, 1])], [1, 2, 0]);
  });

  it('is exact for straight lines, at uneven steps too', () => {
    // ∫ 2x + 1 from 0 to 3 is 12.
    assert.equal(areaUnder([0, 0.5, 2, 3], [1, 2, 5, 7]), 12);
    assert.equal(areaUnder([1], [5]), 0);
  });

  it('is s / √n', () => {
    // Deviations −2, 0, 2: s² = 4.
    assert.equal(meanErrorOf(momentsOf([1, 3, 5])), Math.sqrt(4 / 3));
    assert.ok(Number.isNaN(meanErrorOf(momentsOf([7]))));
  });
});
