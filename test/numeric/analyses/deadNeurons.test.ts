import assert from 'node:assert/strict';
import { activationSparsity } from '../../../src/analyses/health/activation-sparsity.js';
import { deadNeurons } from '../../../src/analyses/health/dead-neurons.js';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { blockSchemas } from '../../../src/protocol/blocks.js';
import { Value } from '@sinclair/typebox/value';
import { Cancelled } from '../../../src/base/abort.js';
import { createRandom, type Random } from '../../../src/base/random.js';
import { GraphBuilder, type NodeOptions } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { arrayOf, runOn, statesOf } from '../../support/runHealth.js';

/** Enough for `rare` to be judged. */
const sampleCount = 4000;

type Column = (random: Random, sample: number) => number;

const ordinary: Column = (random) => random.normal();
const negative: Column = (random) => -0.2 - random.next();
const positive: Column = (random) => 0.2 + random.next();
const once =
  (value: number, otherwise: Column): Column =>
  (random, sample) =>
    sample === 1234 ? value : otherwise(random, sample);
/** Positive on 2 of 4,000 samples: 0.05 %. */
const seldom: Column = (random, sample) => (sample % 2000 === 77 ? 1 : negative(random, sample));

function planted(columns: readonly Column[]): TensorValue {
  const random = createRandom(11);
  const data = new Float32Array(sampleCount * columns.length);
  for (let sample = 0; sample < sampleCount; sample++) {
    for (const [unit, column] of columns.entries()) {
      data[sample * columns.length + unit] = column(random, sample);
    }
  }
  return float32Tensor(data, [sampleCount, columns.length, 1, 1]);
}

/** x → a 1×1 convolution per channel with weight 1 (so that channels stay apart, NaN and all) → activation. */
function channelModel(unitCount: number, append: (builder: GraphBuilder, value: string) => string): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N', unitCount, 1, 1));
  const ones = float32Tensor(new Float32Array(unitCount).fill(1), [unitCount, 1, 1, 1]);
  const weight = builder.constant(ones, 'conv.weight');
  const value = builder.node('Conv', ['x', weight], { name: '/conv/Conv', attributes: { group: unitCount } });
  builder.addOutput(append(builder, value));
  return builder.build();
}

const one =
  (opType: string, attributes: NodeOptions['attributes'] = {}) =>
  (builder: GraphBuilder, value: string): string =>
    builder.node(opType, [value], { name: `/act/${opType}`, attributes });

const silu = (builder: GraphBuilder, value: string): string => {
  const sigmoid = builder.node('Sigmoid', [value], { name: '/act/Sigmoid' });
  return builder.node('Mul', [value, sigmoid], { name: '/act/Mul' });
};

interface Plant {
  readonly name: string;
  readonly append: (builder: GraphBuilder, value: string) => string;
  readonly units: readonly (readonly [state: string, column: Column])[];
}

const plants: readonly Plant[] = [
  {
    name: 'Relu',
    append: one('Relu'),
    units: [
      ['dead', negative],
      ['rare', seldom],
      ['always-on', positive],
      ['active', ordinary],
      ['not-finite', once(NaN, ordinary)],
      ['not-finite', once(-Infinity, negative)],
      ['not-finite', once(Infinity, ordinary)],
    ],
  },
  {
    name: 'SiLU',
    append: silu,
    units: [
      ['dead', () => -60],
      ['rare', (_, sample) => (sample % 2000 === 77 ? 2 : -60)],
      ['always-on', positive],
      ['active', (_, sample) => (sample % 2 === 0 ? 3 : -60)],
      ['not-finite', once(NaN, ordinary)],
    ],
  },
  {
    name: 'Elu',
    append: one('Elu'),
    units: [
      ['constant', () => -50],
      ['saturated', (random, sample) => (sample % 200 === 0 ? 1 : -8 - random.next())],
      ['active', (random, sample) => (sample % 50 === 0 ? 1 : -8 - random.next())],
      ['rare', seldom],
      ['active', positive],
    ],
  },
  {
    name: 'Tanh',
    append: one('Tanh'),
    units: [
      ['constant', () => 0.3],
      ['saturated', (random, sample) => (sample % 2 === 0 ? 5 : -5) + 0.1 * random.next()],
      ['active', ordinary],
      ['active', negative],
    ],
  },
  {
    name: 'LeakyRelu',
    append: one('LeakyRelu', { alpha: { kind: 'float', value: 0.01 } }),
    units: [
      ['always-negative', negative],
      ['rare', seldom],
      ['always-on', positive],
      ['active', ordinary],
    ],
  },
];

function assertValidBlocks(draft: ReportDraft): void {
  for (const block of draft.blocks) {
    const error = Value.Errors(blockSchemas[block.type], block).First();
    assert.equal(error, undefined, `${block.type}: ${error?.path} ${error?.message}`);
  }
}

describe('dead-neurons', () => {
  for (const { name, append, units } of plants) {
    it(`finds every state planted in a ${name} layer`, async () => {
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
      channelModel(4, one('Relu')),
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
    const draft = await runOn(deadNeurons, channelModel(2, one('Relu')), memoryDataset({ x }), {
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
      [20, 40, 60, 80, 100],
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

  it('refuses a model without activations', async () => {
    const data = memoryDataset({ x: normalTensor(createRandom(3), [10, 6]) });
    await assert.rejects(runOn(deadNeurons, denseModel([6, 3]), data), {
      name: 'UserError',
      code: 'no-activations',
    });
  });
});

describe('activation-sparsity', () => {
  it('equals a plain count, layer by layer', async () => {
    const model = channelModel(2, one('Relu'));
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
