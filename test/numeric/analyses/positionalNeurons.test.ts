import assert from 'node:assert/strict';
import { join } from 'node:path';
import { deadNeurons } from '../../../src/analyses/health/dead-neurons.js';
import { positionalNeurons } from '../../../src/analyses/health/positional-neurons.js';
import { createRandom } from '../../../src/base/random.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { tap } from '../../../src/engine/rewrites/tap.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { samplesDir } from '../../support/paths.js';
import { plantedDecoder, plantedLength, plantedVocabulary } from '../../support/plantedDecoder.js';
import { arrayOf, runOn, statesOf } from '../../support/runHealth.js';

const sequenceCount = 400;

function plantedData(): ReturnType<typeof memoryDataset> {
  const random = createRandom(3);
  const ids = Array.from({ length: sequenceCount * plantedLength }, () => random.integer(plantedVocabulary));
  return memoryDataset({ input_ids: int64Tensor(ids, [sequenceCount, plantedLength]) });
}

/** H(share) in nats. */
function entropy(share: number): number {
  return -share * Math.log(share) - (1 - share) * Math.log(1 - share);
}

describe('positional neurons', function () {
  this.timeout(20_000);

  itHolds(17, 'finds the planted position unit and no other, and dead-neurons the dead one', async () => {
    const draft = await runOn(positionalNeurons, plantedDecoder(), plantedData());
    const information = arrayOf(draft, 'mlp.act.information');
    const found = [...information.keys()].filter((unit) => (information[unit] ?? 0) > 0.05);
    // Active at 3 of 8 positions whatever the token: I = H(3/8).
    assert.deepEqual(found, [2]);
    assert.ok(Math.abs((information[2] ?? 0) - entropy(3 / 8)) < 1e-12);
    assert.equal(draft.metrics['positionalCount'], 1);
    // What chance gives units that the position does not move: about 1/2M.
    assert.equal(draft.metrics['informationBias'], 1 / (2 * sequenceCount));
    for (const unit of [1, 3]) assert.ok((information[unit] ?? 1) < 6 / (2 * sequenceCount));
    const dead = await runOn(deadNeurons, plantedDecoder(), plantedData(), {
      settings: { histogramBins: 0 },
    });
    assert.deepEqual(
      statesOf(dead, 'mlp.act').map((state) => state === 'dead'),
      [true, false, false, false, false],
    );
    const depth = draft.blocks.find((block) => block.type === 'chart');
    assert(depth?.type === 'chart');
    assert.deepEqual(depth.table.rows, [{ layer: 'mlp.fc1', count: 1 }]);
  });

  itHolds(17, 'counts on story-lm what a recount of every activation gives', async () => {
    const dir = join(samplesDir, 'story-lm');
    const model = await readModel(join(dir, 'story-lm.onnx'));
    const data = await openDataset(join(dir, 'story-lm.inspect.json'), model);
    const draft = await runOn(positionalNeurons, model, data, { limit: 12, batchSize: 5 });
    const value = model.graph.nodes.find(({ outputs }) =>
      outputs.includes('/blocks.1/mlp/act/Mul_output_0_1'),
    );
    assert(value !== undefined);
    const tapped = tap(model, ['/blocks.1/mlp/act/Mul_output_0_1']);
    const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(tapped.model);
    const unitCount = 320;
    const counts = new Array<number>(64 * unitCount).fill(0);
    for await (const { feeds } of data.batches({ batchSize: 12, limit: 12 })) {
      const elements = toFloat64((await session.run(feeds))['/blocks.1/mlp/act/Mul_output_0_1']!);
      const rms = Math.sqrt(elements.reduce((sum, element) => sum + element ** 2, 0) / elements.length);
      for (const [at, element] of elements.entries()) {
        if (Math.abs(element) > 1e-3 * rms) counts[at % counts.length]!++;
      }
    }
    await session.close();
    const own = arrayOf(draft, 'blocks.1.mlp.act.activeByPosition');
    // An element within float32 of the threshold may fall on either side.
    const differing = own.filter((count, at) => count !== counts[at]).length;
    assert.ok(differing <= 2, String(differing));
  });

  it('refuses a model without positions', async () => {
    const data = memoryDataset({ x: normalTensor(createRandom(1), [4, 3]) });
    await assert.rejects(runOn(positionalNeurons, denseModel([3, 4, 2]), data), { code: 'no-positions' });
  });
});
