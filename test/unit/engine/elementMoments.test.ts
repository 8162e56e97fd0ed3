import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { ElementMoments } from '../../../src/engine/numeric/elementMoments.js';

describe('element by element moments', () => {
  const random = createRandom(3);
  // Far from zero: sums of powers would lose all digits of a fourth moment of order one.
  const arrays = Array.from({ length: 40 }, () =>
    Float64Array.from([1e6 + random.normal(), 3 * random.next(), -7]),
  );
  const moments = new ElementMoments(3);
  for (const array of arrays) moments.add(array);
  const central = (element: number, power: number): number => {
    const values = arrays.map((array) => array[element]!);
    const mean = values.reduce((a, b) => a + b) / values.length;
    return values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length;
  };

  it('agree with two passes over the arrays', () => {
    for (const element of [0, 1, 2]) {
      const [second, fourth] = [central(element, 2), central(element, 4)];
      // A mean near 1e6 is good to 1e-10 in float64, and so are deviations from it.
      assert.ok(Math.abs(moments.variance()[element]! - second) < 1e-8);
      assert.ok(Math.abs(moments.meanError()[element]! - Math.sqrt(second / 39)) < 1e-8);
      const error = Math.sqrt((fourth - second ** 2) / 40);
      assert.ok(Math.abs(moments.varianceError()[element]! - error) < 1e-8);
    }
    assert.equal(moments.mean[2], -7);
    assert.equal(moments.variance()[2], 0);
  });

  it('know no error of the mean of one array', () => {
    const single = new ElementMoments(1);
    single.add([4]);
    assert.ok(Number.isNaN(single.meanError()[0]));
  });
});
