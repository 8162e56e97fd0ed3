import assert from 'node:assert/strict';
import { differenceInterval, proportionInterval } from '../../../src/engine/numeric/proportions.js';

describe('intervals of proportions', () => {
  it('give the published interval of Newcombe’s first example, 56/70 − 48/80: 0.0524 to 0.3339', () => {
    const { low, high } = differenceInterval({ count: 56, total: 70 }, { count: 48, total: 80 });
    assert.deepEqual([low.toFixed(4), high.toFixed(4)], ['0.0524', '0.3339']);
  });

  it('stay within 0 and 1, and turn around with the sides', () => {
    assert.equal(proportionInterval({ count: 0, total: 10 }).low, 0);
    assert.equal(proportionInterval({ count: 10, total: 10 }).high, 1);
    const [a, b] = [
      { count: 3, total: 20 },
      { count: 7, total: 9 },
    ];
    const [there, back] = [differenceInterval(a, b), differenceInterval(b, a)];
    assert.ok(Math.abs(there.low + back.high) < 1e-12 && Math.abs(there.high + back.low) < 1e-12);
  });
});
