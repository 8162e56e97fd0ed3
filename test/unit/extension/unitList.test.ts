import { strict as assert } from 'node:assert';
import { describe, it } from 'mocha';
import { pageUnits, plainQuery } from '../../../src/extension/trees/unitList.js';

describe('the list of a layer’s units', () => {
  const shares = [0.5, 0, NaN, 0.9, 0.5];
  const states = ['active', 'dead', 'not-judged', 'active', 'rare'];
  const facts = (unit: number): { state: string; activeShare: number } | undefined => {
    const state = states[unit];
    return state === undefined ? undefined : { state, activeShare: shares[unit] ?? NaN };
  };

  it('shows one page of a hundred thousand units in their own order without looking at any', () => {
    const page = pageUnits(100_000, plainQuery, () => {
      throw new Error('No fact is needed.');
    });
    assert.equal(page.units.length, 200);
    assert.equal(page.units[199], 199);
    assert.equal(page.moreCount, 99_800);
  });

  it('lists only units of the chosen states', () => {
    const page = pageUnits(5, { ...plainQuery, states: ['dead', 'rare'] }, facts);
    assert.deepEqual(page, { units: [1, 4], moreCount: 0 });
  });

  it('counts how many units match beyond the page', () => {
    const page = pageUnits(5, { ...plainQuery, states: ['active'], count: 1 }, facts);
    assert.deepEqual(page, { units: [0], moreCount: 1 });
  });

  it('orders by activity either way, equal ones by number and unknown ones last', () => {
    const most = pageUnits(5, { ...plainQuery, order: 'most-active' }, facts);
    const least = pageUnits(5, { ...plainQuery, order: 'least-active' }, facts);
    assert.deepEqual(most.units, [3, 0, 4, 1, 2]);
    assert.deepEqual(least.units, [1, 0, 4, 3, 2]);
  });

  it('lists nothing by state when nothing is known', () => {
    assert.deepEqual(
      pageUnits(3, { ...plainQuery, states: ['dead'] }, () => undefined),
      { units: [], moreCount: 0 },
    );
  });
});
