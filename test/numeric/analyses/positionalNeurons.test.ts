import assert from 'node:assert/strict';
import { join } from 'node:path';
import { deadNeurons } from '../../../src/analyses/health/dead-neurons.js';
import { positionalNeurons } from '../../../src/analyses/health/positional-neurons.js';
import { createRandom } from '../../../src/base/random.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { tap } from '../../../src/engine/rewrites/tap.js';
import { layersOf } from '../../../src/onnx/layers/layerTable.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { itWithShared, samplesDir } from '../../support/paths.js';
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

/** Counts the elements of a value over ε × its RMS at each position and unit, by a plain loop over all of them. */
async function countByHand(
  model: Model,
  data: Dataset,
  { value, size, rowCount }: { readonly value: string; readonly size: number; readonly rowCount: number },
): Promise<number[]> {
  const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(tap(model, [value]).model);
  const counts = new Array<number>(size).fill(0);
  for await (const { feeds } of data.batches({ batchSize: rowCount, limit: rowCount })) {
    const elements = toFloat64((await session.run(feeds))[value]!);
    const rms = Math.sqrt(elements.reduce((sum, element) => sum + element ** 2, 0) / elements.length);
    for (const [at, element] of elements.entries()) if (Math.abs(element) > 1e-3 * rms) counts[at % size]!++;
  }
  await session.close();
  return counts;
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
    const counts = await countByHand(model, data, {
      ...{ value: '/blocks.1/mlp/act/Mul_output_0_1', size: 64 * 320, rowCount: 12 },
    });
    const own = arrayOf(draft, 'blocks.1.mlp.act.activeByPosition');
    // An element within float32 of the threshold may fall on either side.
    assert.ok(own.filter((count, at) => count !== counts[at]).length <= 2);
  });

  itWithShared(
    'counts on stories260k what a recount of every activation gives, and its information',
    async (shared) => {
      const model = await readModel(join(shared, 'models/stories260k/model.onnx'));
      const [rowCount, length, layer] = [10, 12, 'model.layers.2.mlp.act_fn'];
      const random = createRandom(6);
      const ids = Array.from({ length: rowCount * length }, () => random.integer(512));
      const data = memoryDataset({ input_ids: int64Tensor(ids, [rowCount, length]) });
      const draft = await runOn(positionalNeurons, model, data, { batchSize: 4 });
      const found = layersOf(model).layers.find(({ name }) => name === layer);
      assert.ok(found?.unitCount);
      const { unitCount, output: value } = found;
      const counts = await countByHand(model, data, { value, size: length * unitCount, rowCount });
      const own = arrayOf(draft, `${layer}.activeByPosition`);
      assert.equal(own.length, counts.length);
      assert.ok(own.filter((count, at) => count !== counts[at]).length <= 2);
      // I = Σ P(active, position) ln (P(active, position) / P(active) P(position)), both values of active.
      const information = arrayOf(draft, `${layer}.information`);
      for (let unit = 0; unit < unitCount; unit++) {
        const active = Array.from({ length }, (_, position) => own[position * unitCount + unit]! / rowCount);
        const share = active.reduce((sum, part) => sum + part, 0) / length;
        let expected = 0;
        for (const part of active) {
          if (part > 0) expected += (part / length) * Math.log(part / share);
          if (part < 1) expected += ((1 - part) / length) * Math.log((1 - part) / (1 - share));
        }
        assert.ok(Math.abs(information[unit]! - expected) < 1e-12);
      }
    },
  );

  it('refuses a model without positions', async () => {
    const data = memoryDataset({ x: normalTensor(createRandom(1), [4, 3]) });
    await assert.rejects(runOn(positionalNeurons, denseModel([3, 4, 2]), data), { code: 'no-positions' });
  });
});
