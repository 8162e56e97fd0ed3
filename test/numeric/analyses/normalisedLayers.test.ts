import assert from 'node:assert/strict';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { variancePropagation } from '../../../src/analyses/health/variance-propagation.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf, runOn } from '../../support/runHealth.js';
import { range, sum } from '../../support/tensors.js';

const channels = 4;
const places = 9;
const random = createRandom(83);

/** Two convolutions with EvoNorm-S0 behind each, as exporters write it, then BN + ReLU and a lone layer normalisation. */
function evoNormModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N', channels, 3, 3));
  const vector = (dims: readonly number[], scale = 1): string =>
    builder.constant(normalTensor(random, dims, scale));
  const op = (opType: string, inputs: readonly string[], name: string): string =>
    builder.node(opType, inputs, { outputs: [name], name: `/${name}/${opType}` });
  const conv = (input: string, name: string): string =>
    op(
      'Conv',
      [input, builder.constant(normalTensor(random, [channels, channels, 1, 1]), `${name}.weight`)],
      name,
    );
  let count = 0;
  const evoNorm = (input: string, name: string): string => {
    const shaped = (opType: string, inputs: readonly string[], axes?: readonly number[]): string =>
      builder.node(opType, inputs, {
        name: `/${name}/${opType}_${++count}`,
        ...(axes === undefined ? {} : { attributes: { axes } }),
      });
    const mean = shaped('ReduceMean', [input], [1, 2, 3]);
    const centred = shaped('Sub', [input, mean]);
    const variance = shaped('ReduceMean', [shaped('Mul', [centred, centred])], [1, 2, 3]);
    const root = shaped('Sqrt', [shaped('Add', [variance, builder.scalar(1e-5)])]);
    const gate = shaped('Sigmoid', [shaped('Mul', [input, vector([1, channels, 1, 1])])]);
    const normed = shaped('Div', [shaped('Mul', [input, gate]), root]);
    const scaled = shaped('Mul', [normed, vector([1, channels, 1, 1])]);
    return builder.node('Add', [scaled, vector([1, channels, 1, 1])], {
      outputs: [name],
      name: `/${name}/Add`,
    });
  };
  const first = evoNorm(conv('x', 'conv1'), 'evo1');
  const second = evoNorm(conv(first, 'conv2'), 'evo2');
  const statistics = [
    vector([4]),
    vector([4]),
    vector([4]),
    builder.constant(float32Tensor([1, 2, 0.5, 3], [4])),
  ];
  op('BatchNormalization', [conv(second, 'conv3'), ...statistics], 'bn');
  op('Relu', ['bn'], 'relu');
  builder.node('LayerNormalization', [conv('relu', 'conv4'), vector([3]), vector([3])], {
    outputs: ['ln'],
    name: '/ln/LayerNormalization',
  });
  builder.addOutput('ln', floatType('N', channels, 3, 3));
  return builder.build();
}

describe('the statistics of normalised layers', function () {
  this.timeout(20_000);
  const model = evoNormModel();
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
