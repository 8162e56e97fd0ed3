import assert from 'node:assert/strict';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { activationCatalog } from '../../../src/analyses/activations/activation-catalog.js';
import { activationCatalogue } from '../../../src/activations/catalogue.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import type { Block } from '../../../src/protocol/blocks.js';
import { evoNormChannels, evoNormModel } from '../../support/evoNormModel.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { activationModel, decomposedActivations } from '../../support/plantedActivations.js';
import { arrayOf, runOn } from '../../support/runHealth.js';

type Rows = Extract<Block, { type: 'table' }>['rows'];

function rowsOf({ blocks }: ReportDraft, title: string): Rows {
  const table = blocks.find((block) => block.type === 'table' && block.title === title);
  assert(table?.type === 'table', title);
  return table.rows;
}

describe('activation-catalog', function () {
  this.timeout(20_000);

  describe('on a network with EvoNorm-S0', () => {
    const random = createRandom(83);
    const model = evoNormModel(random);
    const x = normalTensor(random, [20, evoNormChannels, 3, 3], 2);
    let draft: ReportDraft;
    let values: Readonly<Record<string, TensorValue>>;

    before(async () => {
      draft = await runOn(activationCatalog, model, memoryDataset({ x }), { batchSize: 6 });
      const builder = new GraphBuilder(model);
      for (const name of ['conv1', 'evo1', 'conv2', 'evo2', 'bn', 'relu']) builder.addOutput(name);
      const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(builder.build());
      values = await session.run({ x });
      await session.close();
    });

    itHolds(
      83,
      'shows two EvoNorm-S0 sub-graphs as one named block each, mean and variance before and after as a recount has them to 1e-6 (20 samples, seed 83)',
      () => {
        const rows = rowsOf(draft, 'Normalised layers');
        assert.deepEqual(
          rows.map(({ variant }) => variant),
          ['EvoNorm-S0', 'EvoNorm-S0', 'BN + ReLU', 'LayerNormalization'],
        );
        assert.equal(draft.metrics['normalisedCount'], 4);
        for (const [index, [before, after]] of [
          ['conv1', 'evo1'],
          ['conv2', 'evo2'],
        ].entries()) {
          const row = rows[index]!;
          assert.ok(String(row['block']).includes(after!), String(row['block']));
          for (const [side, name] of [
            ['Before', before],
            ['After', after],
          ] as const) {
            const elements = toFloat64(values[name!]!);
            const mean = elements.reduce((sum, one) => sum + one, 0) / elements.length;
            const variance = elements.reduce((sum, one) => sum + (one - mean) ** 2, 0) / elements.length;
            assert.ok(Math.abs(Number(row[`mean${side}`]) - mean) < 1e-6, `${name} mean`);
            assert.ok(Math.abs(Number(row[`variance${side}`]) - variance) < 1e-6 * (1 + variance), name);
          }
        }
      },
    );

    it('names the normalised layers without data too', async () => {
      const bare = await runOn(activationCatalog, model, memoryDataset({ x }), { data: undefined });
      const kinds = rowsOf(bare, 'Normalised layers').map(({ variant }) => variant);
      assert.deepEqual(kinds, ['EvoNorm-S0', 'EvoNorm-S0', 'BN + ReLU', 'LayerNormalization']);
      assert.equal(bare.evidence['highestSaturation']?.kind, 'not-captured');
    });

    it('counts the inputs at which the slope of ReLU is 0 or 1', () => {
      const [share] = arrayOf(draft, 'saturatedShare').slice(-1);
      const entering = toFloat64(values['bn']!);
      const expected = entering.filter((one) => one <= 0).length / entering.length;
      assert.ok(Math.abs(share! - expected) < 1e-9, `${share}, ${expected}`);
      const [identity] = arrayOf(draft, 'identityShare').slice(-1);
      assert.ok(Math.abs(identity! - (1 - expected)) < 1e-9);
    });
  });

  it('measures written-out activations where they begin and end: saturation by a recount with the entry’s derivative (40 samples, seed 7)', async () => {
    const model = activationModel(decomposedActivations, 17);
    const x = normalTensor(createRandom(7), [40, 4], 2);
    const draft = await runOn(activationCatalog, model, memoryDataset({ x }), { batchSize: 16 });
    assert.deepEqual(
      rowsOf(draft, 'Activations').map(({ entry }) => entry),
      decomposedActivations.map(({ entry }) => entry),
    );
    const builder = new GraphBuilder(model);
    builder.addOutput('fc1_out');
    const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(builder.build());
    const entering = toFloat64((await session.run({ x }))['fc1_out']!);
    await session.close();
    // Swish with β = 1.5, its derivative by central differences.
    const swish = (z: number): number => z / (1 + Math.exp(-1.5 * z));
    const slopes = entering.map((z) => (swish(z + 1e-5) - swish(z - 1e-5)) / 2e-5);
    const share = slopes.filter((slope) => Math.abs(slope) <= 0.01).length / slopes.length;
    assert.ok(share > 0.05 && Math.abs(arrayOf(draft, 'saturatedShare')[0]! - share) < 1e-9, `${share}`);
    const chart = draft.blocks.find(
      (block) => block.type === 'chart' && /part of each/.test(block.title ?? ''),
    );
    assert(chart?.type === 'chart');
    const first = chart.table.rows.filter(({ layer }) => layer === chart.table.rows[0]!['layer']);
    const total = first.reduce((sum, row) => sum + Number(row['share']), 0);
    assert.ok(Math.abs(total - 1) < 1e-9, 'every input is in one bar');
  });

  it('warns of a Tanh whose inputs are far out, and says when an activation is a straight line', async () => {
    const saturated = await runOn(
      activationCatalog,
      denseModel([4, 6, 2], 'Tanh'),
      memoryDataset({ x: normalTensor(createRandom(2), [30, 4], 50) }),
    );
    assert.match(
      saturated.findings[0]?.message ?? '',
      /of the inputs fall where Tanh has a slope of 0\.01 or less/,
    );
    assert.ok(saturated.metrics['highestSaturation']! > 0.5);
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 2));
    const weight = builder.constant(float32Tensor([1, 0, 0, 1], [2, 2]), 'fc.weight');
    const dense = builder.node('MatMul', ['x', weight], { name: '/fc/MatMul' });
    const act = builder.node('Relu', [dense], { name: '/act/Relu' });
    builder.node('MatMul', [act, weight], { outputs: ['y'], name: '/head/MatMul' });
    builder.addOutput('y', floatType('N', 2));
    const positive = memoryDataset({ x: float32Tensor([1, 2, 3, 4, 5, 6], [3, 2]) });
    const linear = await runOn(activationCatalog, builder.build(), positive);
    assert.deepEqual(
      linear.findings.map(({ severity, address }) => [severity, address]),
      [['info', 'act']],
    );
    assert.match(
      linear.findings[0]!.message,
      /100.* % of the inputs fall where ReLU has a slope within 0\.01 of 1/,
    );
  });

  it('shows an entry in full on any model, and refuses a model with nothing to show otherwise', async () => {
    const builder = new GraphBuilder(emptyModel());
    const weight = builder.constant(normalTensor(createRandom(1), [3, 2]), 'fc.weight');
    builder.addInput('x', floatType('N', 3));
    builder.node('MatMul', ['x', weight], { outputs: ['y'], name: '/fc/MatMul' });
    builder.addOutput('y', floatType('N', 2));
    const model = builder.build();
    const nothing = memoryDataset({ x: normalTensor(createRandom(1), [2, 3]) });
    await assert.rejects(runOn(activationCatalog, model, nothing), { code: 'no-activations' });
    assert.equal(activationCatalog.lacks?.(model), 'it has no activation');
    const draft = await runOn(activationCatalog, model, nothing, {
      data: undefined,
      settings: { entry: 'hard-swish' },
    });
    const properties = new Map(
      rowsOf(draft, 'HardSwish: properties').map(({ property, value }) => [property, value]),
    );
    assert.equal(properties.get('Range'), '−0.375 … ∞');
    assert.equal(properties.get('Lipschitz constant'), '1.5');
    const text = draft.blocks.find((block) => block.type === 'markdown');
    assert.match(text?.type === 'markdown' ? text.text : '', /\\frac\{x\}\{6\}/);
    assert.equal(draft.metrics['entryCount'], activationCatalogue.size);
    assert.match(draft.summary, new RegExp(`${activationCatalogue.size} functions`));
  });
});
