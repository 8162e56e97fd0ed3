import assert from 'node:assert/strict';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { variancePropagation } from '../../../src/analyses/health/variance-propagation.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { evoNormChannels as channels, evoNormModel } from '../../support/evoNormModel.js';
import { normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf, runOn } from '../../support/runHealth.js';
import { range, sum } from '../../support/tensors.js';

const places = 9;
const random = createRandom(83);

describe('the statistics of normalised layers', function () {
  this.timeout(20_000);
  const model = evoNormModel(random);
  const x = normalTensor(random, [20, channels, 3, 3], 2);
  const layers = [
    ['conv1', 'evo1'],
    ['conv2', 'evo2'],
    ['conv3', 'relu'],
    ['conv4', 'ln'],
  ] as const;
  let draft: ReportDraft;
  let values: Readonly<Record<string, TensorValue>>;

  before(async () => {
    draft = await runOn(variancePropagation, model, memoryDataset({ x }), { batchSize: 6 });
    const builder = new GraphBuilder(model);
    for (const name of layers.flat()) builder.addOutput(name);
    const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(builder.build());
    values = await session.run({ x });
    await session.close();
  });

  itHolds(
    83,
    'shows two EvoNorm-S0 sub-graphs, BN + ReLU and a layer normalisation as one named layer each',
    () => {
      const table = draft.blocks.find(
        (block) => block.type === 'table' && block.title === 'Normalised layers',
      );
      assert(table?.type === 'table');
      const kinds = table.rows.map(({ variant }) => variant);
      assert.deepEqual(kinds.slice(0, 3), ['EvoNorm-S0', 'EvoNorm-S0', 'BN + ReLU']);
      assert.equal(kinds.length, 4);
      const names = table.rows.map(({ block }) => String(block));
      assert.equal(new Set(names).size, 4, names.join());
      for (const [index, name] of ['evo1', 'evo2'].entries()) {
        assert.ok(names[index]!.includes(name), names.join());
      }
    },
  );

  itHolds(
    83,
    'gives mean, variance and the spread of units before and after each as a recount of every element does, to 1e-9 (20 samples)',
    () => {
      for (const [side, at] of [
        ['Before', 0],
        ['After', 1],
      ] as const) {
        for (const [index, pair] of layers.entries()) {
          const elements = toFloat64(values[pair[at]]!);
          const count = elements.length;
          const mean = sum(count, (i) => elements[i]!) / count;
          const variance = sum(count, (i) => (elements[i]! - mean) ** 2) / count;
          // The units of a layer normalisation are those of its last axis.
          const isLast = pair[1] === 'ln';
          const unitCount = isLast ? 3 : channels;
          const unitOf = (i: number): number => (isLast ? i % 3 : Math.floor(i / places) % channels);
          const means = range(0, unitCount).map(
            (unit) => sum(count, (i) => (unitOf(i) === unit ? elements[i]! : 0)) / (count / unitCount),
          );
          const spread = Math.sqrt(sum(unitCount, (unit) => (means[unit]! - mean) ** 2) / unitCount);
          const said = (name: string): number => arrayOf(draft, name)[index]!;
          for (const [found, expected] of [
            [said(`normalisedMean${side}`), mean],
            [said(`normalisedVariance${side}`), variance],
            [said(`unitSpread${side}`), spread],
          ] as const) {
            assert.ok(
              Math.abs(found - expected) < 1e-9 * (1 + Math.abs(expected)),
              `${pair[at]}: ${found}, ${expected}`,
            );
          }
        }
      }
    },
  );
});
