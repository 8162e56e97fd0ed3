import assert from 'node:assert/strict';
import { at, PlantedWeights } from '../../support/plantedWeights.js';
import { range } from '../../support/tensors.js';

describe('the weights of a recurrent neuron', () => {
  it('are for every gate and direction those from each input and from each unit one step before', async () => {
    const planted = new PlantedWeights([7, 'N', 6]);
    const w = planted.weight('w', [2, 20, 6]);
    const r = planted.weight('r', [2, 20, 5]);
    const b = planted.weight('b', [2, 40]);
    const attributes = { hidden_size: 5, direction: 'bidirectional' };
    const y = planted.node('LSTM', ['x', 'w', 'r', 'b'], { name: '/lstm/LSTM', attributes });
    const weights = await planted.weightsOf('lstm[3]', y);
    assert.deepEqual([weights.dims, weights.unitCount], [[11, 8], 5]);
    const gates = range(0, 8).map((gate) => [Math.floor(gate / 4), 5 * (gate % 4) + 3] as const);
    const slice = [
      ...range(0, 6).flatMap((i) => gates.map(([direction, row]) => at(w, direction, row, i))),
      ...range(0, 5).flatMap((u) => gates.map(([direction, row]) => at(r, direction, row, u))),
    ];
    assert.equal(weights.count, slice.length);
    assert(Math.abs(weights.norm - Math.hypot(...slice)) < 1e-6 * weights.norm);
    assert.deepEqual(
      weights.kernels?.map(({ from, values }) => [from, values]),
      range(0, 11).map((i) => [
        i < 6 ? `x[${i}]` : `lstm[${i - 6}] one step before`,
        slice.slice(8 * i, 8 * i + 8),
      ]),
    );
    // From the input and from the step before, each gate after gate.
    assert.deepEqual(
      weights.biases,
      range(0, 16).map((i) => at(b, Math.floor(i / 8), 5 * (i % 8) + 3)),
    );
  });
});
