import assert from 'node:assert/strict';
import { activationSparsity } from '../../../src/analyses/health/activation-sparsity.js';
import { deadNeurons } from '../../../src/analyses/health/dead-neurons.js';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { blockSchemas } from '../../../src/protocol/blocks.js';
import { Value } from '@sinclair/typebox/value';
import { Cancelled } from '../../../src/base/abort.js';
import { createRandom } from '../../../src/base/random.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import {
  activationNode,
  channelModel,
  negative,
  ordinary,
  planted,
  plants,
  positive,
  sampleCount,
  seldom,
} from '../../support/plantedStates.js';
import { arrayOf, runOn, statesOf } from '../../support/runHealth.js';

function assertValidBlocks(draft: ReportDraft): void {
  for (const block of draft.blocks) {
    const error = Value.Errors(blockSchemas[block.type], block).First();
    assert.equal(error, undefined, `${block.type}: ${error?.path} ${error?.message}`);
  }
}

describe('dead-neurons', () => {
  for (const { name, append, units } of plants) {
    itHolds(17, `finds every state planted in a ${name} layer`, async () => {
      const model = channelModel(units.length, append);
      const x = planted(units.map(([, column]) => column));
      const draft = await runOn(deadNeurons, model, memoryDataset({ x }));
      const expected = units.map(([state]) => state);
      assert.deepEqual(statesOf(draft, 'act'), expected);
      assert.equal(draft.metrics['deadCount'], expected.filter((state) => state === 'dead').length);
      assert.equal(draft.metrics['neuronCount'], units.length);
      assert.equal(draft.metrics['sampleCount'], sampleCount);
      assertValidBlocks(draft);
    });
  }

  it('names the layer that feeds the activation, and says how many never fire', async () => {
    const units = [negative, negative, ordinary, positive];
    const draft = await runOn(
      deadNeurons,
      channelModel(4, activationNode('Relu')),
      memoryDataset({ x: planted(units) }),
    );
    const finding = draft.findings[0]!;
    assert.equal(finding.severity, 'error');
    assert.equal(finding.address, 'conv');
    assert.match(
      finding.message,
      /^2 of 4 neurons in conv never fire on 4,000 samples: 0 of 4,000 samples, that is a rate below 0\.075 %/,
    );
    assert.equal(draft.summary, '2 of 4 neurons (50.0 %) are dead on 4,000 samples; all in conv, 2 of 4.');
    assert.deepEqual(arrayOf(draft, 'act.topExamples').slice(0, 8), new Array<number>(8).fill(-1));
  });

  it('does not judge rare under 3,000 samples, and says so', async () => {
    const x = planted([seldom, ordinary]);
    const draft = await runOn(deadNeurons, channelModel(2, activationNode('Relu')), memoryDataset({ x }), {
      limit: 2999,
    });
    assert.deepEqual(statesOf(draft, 'act'), ['active', 'active']);
    assert.match(
      draft.warnings.join('\n'),
      /"Rare" .* is not judged: that takes 3,000 samples, and there were 2,999/,
    );
    assert.equal(draft.evidence['deadCount']?.kind, 'sampled');
  });

  it('gives the same arrays and metrics at any batch size', async () => {
    const model = denseModel([6, 20, 15, 3]);
    const data = memoryDataset({ x: normalTensor(createRandom(3), [130, 6]) });
    const drafts = await Promise.all(
      [1, 7, 64].map((batchSize) => runOn(deadNeurons, model, data, { batchSize })),
    );
    const [first] = drafts;
    for (const draft of drafts) {
      assert.deepEqual(draft.metrics['deadCount'], first?.metrics['deadCount']);
      assert.deepEqual(Object.keys(draft.arrays), Object.keys(first?.arrays ?? {}));
      for (const name of Object.keys(draft.arrays).filter((key) =>
        /Count|Fraction|state|topExamples/.test(key),
      )) {
        assert.deepEqual(arrayOf(draft, name), arrayOf(first!, name), name);
      }
    }
  });

  it('reports progress to the end, partial results on the way, and stops when cancelled', async () => {
    const model = denseModel([6, 20, 3]);
    const data = memoryDataset({ x: normalTensor(createRandom(3), [100, 6]) });
    const fractions: number[] = [];
    const partials: ReportDraft[] = [];
    await runOn(deadNeurons, model, data, {
      batchSize: 20,
      progress: ({ fractionDone }) => fractions.push(fractionDone),
      partial: (makeDraft) => partials.push(makeDraft()),
    });
    assert.deepEqual(
      [...fractions].sort((a, b) => a - b),
      fractions,
    );
    assert.equal(fractions.at(-1), 1);
    assert.deepEqual(
      partials.map((draft) => draft.metrics['sampleCount']),
      // Once more before the histograms, which may take long.
      [20, 40, 60, 80, 100, 100],
    );
    const controller = new AbortController();
    const run = runOn(deadNeurons, model, data, {
      batchSize: 20,
      signal: controller.signal,
      progress: () => {
        controller.abort();
      },
    });
    await assert.rejects(run, Cancelled);
  });

  it('counts the outputs of every neuron between the edges, as a plain loop does, and layers as their sum', async () => {
    const units = [ordinary, negative, positive];
    const x = planted(units);
    const data = memoryDataset({ x });
    const draft = await runOn(deadNeurons, channelModel(3, activationNode('Relu')), data, {
      settings: { histogramSamples: 900, histogramBins: 7 },
    });
    const edges = arrayOf(draft, 'act.histogramEdges');
    const counts = arrayOf(draft, 'act.histogram');
    assert.deepEqual(draft.arrays['act.histogram']!.value.dims, [3, 7]);
    assert.deepEqual(draft.arrays['act.histogramEdges']!.value.dims, [8]);
    const { evidence } = draft.arrays['act.histogram']!;
    assert.deepEqual([evidence.kind, evidence.n], ['sampled', 900]);
    // The graph compares float32 numbers with float32 edges.
    const inner = edges.slice(1, -1).map(Math.fround);
    for (let unit = 0; unit < 3; unit++) {
      const outputs = Array.from({ length: 900 }, (_, n) => Math.max(0, x.data[n * 3 + unit] as number));
      for (let bin = 0; bin < 7; bin++) {
        const inBin = outputs.filter(
          (value) => (bin === 0 || value > inner[bin - 1]!) && (bin === 6 || value <= inner[bin]!),
        );
        assert.equal(counts[unit * 7 + bin], inBin.length, `unit ${unit}, bin ${bin}`);
      }
    }
    const chart = draft.blocks.find((block) => block.type === 'chart' && /spread/.test(block.title ?? ''));
    assert(chart?.type === 'chart');
    assert.deepEqual(
      chart.table.rows.map((row) => row['count']),
      Array.from({ length: 7 }, (_, bin) => counts[bin]! + counts[7 + bin]! + counts[14 + bin]!),
    );
  });

  it('refuses a model without activations', async () => {
    const data = memoryDataset({ x: normalTensor(createRandom(3), [10, 6]) });
    await assert.rejects(runOn(deadNeurons, denseModel([6, 3]), data), {
      name: 'UserError',
      code: 'no-activations',
    });
  });
});

describe('activation-sparsity', () => {
  itHolds(45, 'equals a plain count, layer by layer', async () => {
    const model = channelModel(2, activationNode('Relu'));
    const x = planted([ordinary, negative]);
    const draft = await runOn(activationSparsity, model, memoryDataset({ x }), {
      settings: { relativeThreshold: 0.5, histogramSamples: 1000 },
    });
    const values = [...(x.data as Float32Array)].map((value) => Math.max(value, 0));
    const activeShare = values.filter((value) => value > 0).length / values.length;
    assert.equal(draft.metrics['meanSparsity'], 1 - activeShare);
    const bound = Math.fround(0.5 * Math.max(...values));
    const first = values.slice(0, 2000);
    assert.deepEqual(arrayOf(draft, 'act.aboveFraction'), [
      first.filter((value) => value > bound).length / 2000,
    ]);
    assert.equal(draft.evidence['meanSparsity']?.n, sampleCount);
    assertValidBlocks(draft);
  });

  it('draws histograms whose counts add up to every output of the subsample', async () => {
    const model = denseModel([6, 20, 15, 3], 'Tanh');
    const data = memoryDataset({ x: normalTensor(createRandom(3), [90, 6]) });
    const draft = await runOn(activationSparsity, model, data, {
      settings: { histogramSamples: 50, histogramBins: 7 },
    });
    const chart = draft.blocks.find((block) => block.type === 'chart' && /spread/.test(block.title ?? ''));
    assert.ok(chart?.type === 'chart');
    const countOf = (layer: string): number =>
      chart.table.rows
        .filter((row) => row['layer'] === layer)
        .reduce((sum, row) => sum + Number(row['count']), 0);
    assert.equal(countOf('fc1'), 50 * 20);
    assert.equal(countOf('fc2'), 50 * 15);
    assert.equal(chart.table.rows.length, 14);
  });
});
