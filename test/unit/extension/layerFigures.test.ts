import assert from 'node:assert/strict';
import { layerFigures } from '../../../src/extension/lenses/layerFigures.js';
import type { LayerFacts } from '../../../src/extension/units/unitIndex.js';
import type { InspectedLayer } from '../../../src/protocol/inspection.js';

function layer(name: string, parameterCount: number): InspectedLayer {
  return {
    ...{ name, path: name, parent: null, index: 0, kind: 'dense', unitCount: 4, parameterCount },
    ...{ operator: 'Gemm', output: name, shape: null, blocks: [] },
  };
}

function facts(deadCount: number, activeFraction: number): LayerFacts {
  return {
    unitCount: 4,
    stateCounts: { dead: deadCount, active: 4 - deadCount },
    resultId: 'r',
    createdAt: '',
    dataPath: undefined,
    sampleCount: 10,
    areImages: false,
    isStale: false,
    unit: () => ({
      ...{ state: 'active', sampleCount: 10, activeSampleCount: 5, activeFraction },
      ...{ maximum: 1, mean: 0, topSamples: [] },
    }),
  };
}

describe('what a lens says of layers', () => {
  it('adds up parameters, and weighs shares by units', () => {
    const byName = new Map([
      ['a', facts(1, 0.25)],
      ['b', facts(0, 0.75)],
    ]);
    const figures = layerFigures([layer('a', 10), layer('b', 5), layer('c', 2)], (name) => byName.get(name));
    assert.equal(figures.parameterCount, 17);
    assert.deepEqual(figures.measured, { deadShare: 1 / 8, sparsity: 0.5, isStale: false });
  });

  it('counts an activation that judges two layers once, and says nothing where nothing was measured', () => {
    const shared = facts(2, 0.5);
    const figures = layerFigures([layer('a', 1), layer('b', 1)], () => shared);
    assert.equal(figures.measured?.deadShare, 0.5);
    assert.equal(layerFigures([layer('a', 1)], () => undefined).measured, undefined);
  });
});
