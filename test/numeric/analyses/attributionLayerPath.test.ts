import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { runAttribution } from '../../support/runAttribution.js';

describe('integrated gradients in the space of a layer', function () {
  this.timeout(30_000);

  it('add up where the layer is read twice, straight and bent', async () => {
    const random = createRandom(91);
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', 4));
    const weight = builder.constant(normalTensor(random, [4, 3]), 'fc.weight');
    const hidden = builder.node('MatMul', [input, weight], { name: '/fc/MatMul' });
    const halved = builder.node('Mul', [hidden, builder.scalar(0.5)]);
    const gated = builder.node('Mul', [hidden, builder.node('Sigmoid', [halved])]);
    const head = builder.constant(normalTensor(random, [3, 2]), 'head.weight');
    builder.addOutput(builder.node('MatMul', [gated, head]));
    const x = normalTensor(random, [3, 4]);
    const draft = await runAttribution(
      builder.build(),
      { x },
      { method: 'integrated-gradients', layer: 'fc' },
    );
    // Gauss–Legendre with 50 points is at rounding level for an analytic function.
    assert.ok(draft.metrics['maxCompletenessError']! < 1e-5);
  });
});
