import assert from 'node:assert/strict';
import { stateCountsText } from '../../../../src/extension/units/stateCounts.js';

describe('the states of a layer’s units', () => {
  it('are all counted, the worst first', () => {
    const stateCounts = { active: 1155, rare: 3, dead: 98, 'always-on': 2, saturated: 0, drifting: 1 };
    assert.equal(stateCountsText({ stateCounts }), '98 dead, 3 rare, 1 drifting, 2 always-on, 1,155 active');
    assert.equal(stateCountsText({ stateCounts: {} }), '');
  });
});
