import assert from 'node:assert/strict';
import {
  judgeUnit,
  neverOf,
  saturationBounds,
  type StateRule,
  type UnitState,
} from '../../../src/analyses/shared/states.js';
import { createUnitStatistics, type UnitStatistics } from '../../../src/analyses/shared/unitStatistics.js';

const relu: StateRule = { kind: 'rectifier', isNonNegative: true };
const gelu: StateRule = { kind: 'smooth-rectifier' };
const elu: StateRule = { kind: 'exponential', low: -1 };
const tanh: StateRule = { kind: 'bounded', low: -1, high: 1 };
const leaky: StateRule = { kind: 'leaky' };

interface Facts {
  samples?: number;
  elements?: number;
  maximum?: number;
  minimum?: number;
  positive?: number;
  active?: number;
  activeSamples?: number;
  saturated?: number;
  nanEntering?: number;
  infiniteLeaving?: number;
}

/** A unit that is ordinary but for the facts given. */
function unitWith(facts: Facts): UnitStatistics {
  const statistics = createUnitStatistics(1, 1);
  statistics.sampleCount = facts.samples ?? 10_000;
  statistics.elementCount = facts.elements ?? 40_000;
  statistics.maximum[0] = facts.maximum ?? 2;
  statistics.minimum[0] = facts.minimum ?? 0;
  statistics.positiveCount[0] = facts.positive ?? 20_000;
  statistics.activeCount[0] = facts.active ?? facts.positive ?? 20_000;
  statistics.activeSampleCount[0] = facts.activeSamples ?? 6000;
  statistics.saturatedCount[0] = facts.saturated ?? 0;
  statistics.nanEntering[0] = facts.nanEntering ?? 0;
  statistics.infiniteLeaving[0] = facts.infiniteLeaving ?? 0;
  return statistics;
}

/** The state table and its precedence, row by row. */
const cases: [string, StateRule, Facts, UnitState][] = [
  ['ReLU, ordinary', relu, {}, 'active'],
  ['ReLU, never > 0', relu, { positive: 0, activeSamples: 0, maximum: 0 }, 'dead'],
  ['ReLU on 9 of 10,000 samples', relu, { positive: 9, activeSamples: 9 }, 'rare'],
  ['ReLU on exactly 0.1 % of samples', relu, { positive: 10, activeSamples: 10 }, 'active'],
  ['ReLU on 1 of 2,999 samples', relu, { samples: 2999, positive: 1, activeSamples: 1 }, 'active'],
  ['ReLU on 2 of 3,000 samples', relu, { samples: 3000, positive: 2, activeSamples: 2 }, 'rare'],
  ['ReLU on every element', relu, { positive: 40_000, activeSamples: 10_000 }, 'always-on'],
  ['ReLU on every element but one', relu, { positive: 39_999, activeSamples: 10_000 }, 'active'],
  ['ReLU fed by one NaN', relu, { positive: 0, activeSamples: 0, nanEntering: 1 }, 'not-finite'],
  ['ReLU with one infinite output', relu, { infiniteLeaving: 1 }, 'not-finite'],
  ['GELU, positive and never active', gelu, { positive: 5, active: 0, activeSamples: 0 }, 'dead'],
  ['GELU active below 0 only', gelu, { positive: 0, active: 300, activeSamples: 300 }, 'active'],
  ['GELU active everywhere', gelu, { positive: 7, active: 40_000, activeSamples: 10_000 }, 'always-on'],
  ['GELU, rare', gelu, { active: 3, activeSamples: 3 }, 'rare'],
  ['ELU, never > 0', elu, { positive: 0, activeSamples: 0, minimum: -0.9, maximum: -0.1 }, 'rare'],
  ['ELU at its lower bound', elu, { saturated: 39_600, minimum: -1 }, 'saturated'],
  ['ELU nearly at its lower bound', elu, { saturated: 39_599, minimum: -1 }, 'active'],
  ['ELU, all the same', elu, { saturated: 40_000, minimum: -1, maximum: -0.9995 }, 'constant'],
  ['ELU on every element', elu, { positive: 40_000, activeSamples: 10_000 }, 'active'],
  ['Tanh, range of ε × width', tanh, { minimum: 0, maximum: 0.002 }, 'constant'],
  ['Tanh, range above ε × width', tanh, { minimum: 0, maximum: 0.0021 }, 'active'],
  ['Tanh, constant at a bound', tanh, { minimum: 0.999, maximum: 1, saturated: 40_000 }, 'constant'],
  ['Tanh at its bounds', tanh, { minimum: -1, maximum: 1, saturated: 39_600 }, 'saturated'],
  ['Tanh, never > 0', tanh, { positive: 0, activeSamples: 0, minimum: -0.8, maximum: -0.1 }, 'active'],
  [
    'LeakyRelu, never > 0',
    leaky,
    { positive: 0, activeSamples: 0, maximum: -0.1, minimum: -3 },
    'always-negative',
  ],
  ['LeakyRelu, rare', leaky, { positive: 9, activeSamples: 9, minimum: -3 }, 'rare'],
  [
    'LeakyRelu on every element',
    leaky,
    { positive: 40_000, activeSamples: 10_000, minimum: 0.1 },
    'always-on',
  ],
  ['an unknown activation', { kind: 'unjudged' }, {}, 'not-judged'],
  ['an unknown activation with NaN', { kind: 'unjudged' }, { nanEntering: 2 }, 'not-finite'],
  ['no element at all', relu, { elements: 0, positive: 0 }, 'not-judged'],
];

describe('judgeUnit', () => {
  for (const [name, rule, facts, state] of cases) {
    it(`calls ${name}: ${state}`, () => {
      assert.equal(judgeUnit(unitWith(facts), 0, rule, { epsilon: 1e-3 }), state);
    });
  }
});

describe('saturationBounds', () => {
  it('lie 1 % of the width inside the bounds', () => {
    assert.deepEqual(saturationBounds(tanh), { low: -0.98, high: 0.98 });
    assert.deepEqual(saturationBounds({ kind: 'bounded', low: 0, high: 1 }), { low: 0.01, high: 0.99 });
    assert.deepEqual(saturationBounds({ kind: 'exponential', low: -2 }), { low: -1.98 });
    assert.equal(saturationBounds(relu), undefined);
  });
});

describe('neverOf', () => {
  it('says the rule of three in percent', () => {
    assert.equal(neverOf(10_000), '0 of 10,000 samples, that is a rate below 0.03 % at 95 % confidence');
    assert.equal(neverOf(64), '0 of 64 samples, that is a rate below 4.7 % at 95 % confidence');
  });

  it('bounds nothing where 3/N is no rate below 1', () => {
    assert.equal(neverOf(1), '0 of 1 sample, too few to bound the rate');
    assert.equal(neverOf(3), '0 of 3 samples, too few to bound the rate');
  });
});
