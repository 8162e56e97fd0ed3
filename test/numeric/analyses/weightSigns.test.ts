import assert from 'node:assert/strict';
import { weightSigns } from '../../../src/analyses/health/weight-signs.js';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { createRandom } from '../../../src/base/random.js';
import { argmax } from '../../../src/engine/numeric/vectors.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf, runOn } from '../../support/runHealth.js';
import { elementwise } from '../../support/tensors.js';

interface Weights {
  readonly conv: TensorValue;
  readonly fc: TensorValue;
}

/** Pictures [N, 2, 4, 4] through conv(3×3), ReLU, mean and a Gemm with `alpha` −1: its stored weights act negated. */
function pictureModel({ conv, fc }: Weights): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 2, 4, 4));
  const maps = builder.node('Conv', [x, builder.constant(conv, 'conv.weight')], { name: '/conv/Conv' });
  const relu = builder.node('Relu', [maps], { name: '/relu/Relu' });
  const flat = builder.node('Flatten', [builder.node('GlobalAveragePool', [relu])]);
  const attributes = { alpha: { kind: 'float', value: -1 }, transB: 1 } as const;
  const logits = builder.node('Gemm', [flat, builder.constant(fc, 'fc.weight')], {
    attributes,
    name: '/fc/Gemm',
    outputs: ['logits'],
  });
  builder.addOutput(logits, floatType('N', 3));
  return builder.build();
}

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

/** Share of right answers of a model, run outside the analysis. */
async function accuracyOf(model: Model, x: TensorValue, labels: readonly number[]): Promise<number> {
  const session = await runtime.open(model);
  const scores = toFloat64((await session.run({ x }))['logits']!);
  await session.close();
  return (
    labels.filter((label, row) => argmax(scores.subarray(3 * row, 3 * row + 3)) === label).length /
    labels.length
  );
}

describe('weight-signs', function () {
  this.timeout(30_000);
  const random = createRandom(187);
  const sampleCount = 200;
  const x = normalTensor(random, [sampleCount, 2, 4, 4]);
  const labels = Array.from({ length: sampleCount }, () => random.integer(3));
  // The convolution is planted without a negative weight; one of them is exactly 0.
  const conv = elementwise(normalTensor(random, [4, 2, 3, 3]), (value, i) => (i === 5 ? 0 : Math.abs(value)));
  const fc = normalTensor(random, [3, 4]);
  const model = pictureModel({ conv, fc });
  let draft: ReportDraft;

  before(async () => {
    draft = await runOn(weightSigns, model, memoryDataset({ x }, labels));
  });

  itHolds(187, 'flags a planted layer whose 72 weights are all non-negative, and no other', () => {
    assert.equal(draft.metrics['nonNegativeLayerCount'], 1);
    assert.deepEqual(
      draft.findings.map(({ address }) => address),
      ['conv'],
    );
    assert.match(draft.summary, /conv has none/u);
  });

  itHolds(
    187,
    'counts excitatory and inhibitory weights and mass of every neuron as brute force does (seed 187)',
    () => {
      // `alpha` is −1, so a stored positive weight inhibits.
      const acting = toFloat64(fc).map((value) => -value);
      for (const unit of [0, 1, 2]) {
        const row = [...acting.subarray(4 * unit, 4 * unit + 4)];
        const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
        const expected = {
          positiveCount: row.filter((value) => value > 0).length,
          negativeCount: row.filter((value) => value < 0).length,
          excitatoryMass: sum(row.filter((value) => value > 0)),
          inhibitoryMass: -sum(row.filter((value) => value < 0)),
        };
        for (const [name, value] of Object.entries(expected)) {
          assert.ok(Math.abs(arrayOf(draft, `fc.${name}`)[unit]! - value) < 1e-12, `${name} of ${unit}`);
        }
      }
      const negative = acting.filter((value) => value < 0).length;
      assert.equal(draft.metrics['negativeShare'], negative / (72 + 12));
      assert.deepEqual(arrayOf(draft, 'conv.positiveCount'), [17, 18, 18, 18]);
    },
  );

  itHolds(
    187,
    'accuracy without the weights of a sign equals that of a model edited by hand, layer by layer (200 samples)',
    async () => {
      const chart = draft.blocks.find(({ title }) => title === 'Accuracy without the weights of one sign');
      assert.ok(chart?.type === 'chart');
      const rows = new Map(chart.table.rows.map((row) => [row['layer'], row]));
      const zero = (tensor: TensorValue, keep: (value: number) => boolean): TensorValue =>
        elementwise(tensor, (value) => (keep(value) ? value : 0));
      // The Gemm's weights act negated: without its negative ones the stored negative ones stay.
      const edited: readonly [string, 'negative' | 'positive', Weights][] = [
        ['conv', 'negative', { conv, fc }],
        ['fc', 'negative', { conv, fc: zero(fc, (value) => value < 0) }],
        ['fc', 'positive', { conv, fc: zero(fc, (value) => value > 0) }],
        ['conv', 'positive', { conv: zero(conv, () => false), fc }],
        ['all layers', 'negative', { conv, fc: zero(fc, (value) => value < 0) }],
        ['all layers', 'positive', { conv: zero(conv, () => false), fc: zero(fc, (value) => value > 0) }],
      ];
      for (const [layer, sign, weights] of edited) {
        assert.equal(
          rows.get(layer)?.[sign],
          await accuracyOf(pictureModel(weights), x, labels),
          `${layer} ${sign}`,
        );
      }
      assert.equal(draft.metrics['intactScore'], await accuracyOf(model, x, labels));
      // Removing what there is none of changes nothing; removing all of it does, or the comparison shows nothing.
      assert.notEqual(rows.get('fc')?.['negative'], draft.metrics['intactScore']);
    },
  );

  itHolds(187, 'a network without any negative weight is said to be monotone', async () => {
    const monotone = pictureModel({ conv, fc: elementwise(fc, (value) => -Math.abs(value)) });
    const found = await runOn(weightSigns, monotone, memoryDataset({ x }), { settings: { remove: 'none' } });
    assert.equal(found.metrics['negativeShare'], 0);
    assert.match(found.findings[0]!.message, /never fall in any input/u);
    assert.equal(found.evidence['intactScore']?.kind, 'not-captured');
  });

  it('gives the shares alone without labels, and says why', async () => {
    const found = await runOn(weightSigns, model, memoryDataset({ x }));
    assert.ok(!('scoreWithoutNegative' in found.metrics));
    assert.match(found.evidence['scoreWithoutNegative']?.how ?? '', /no labels/u);
    assert.ok(found.metrics['negativeShare']! > 0);
  });

  it('scores a language model by its next tokens, padding left out', async () => {
    // Token t is followed by t + 1 modulo 4: the head's row t is largest there; two rows only say so by a negative weight.
    const builder = new GraphBuilder(emptyModel());
    const tokens = builder.addInput('tokens', { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] });
    const mask = builder.addInput('attention_mask', {
      kind: 'tensor',
      elementType: 'int64',
      shape: ['N', 'T'],
    });
    const table = builder.constant(
      float32Tensor([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], [4, 4]),
      'embed.weight',
    );
    const head = builder.constant(
      float32Tensor([0, 1, 0, 0, 0, 0, 1, 0, -1, -1, -1, 0, 0, -1, -1, -1], [4, 4]),
      'head.weight',
    );
    const scores = builder.node('MatMul', [builder.node('Gather', [table, tokens]), head], {
      outputs: ['logits'],
      name: '/head/MatMul',
    });
    builder.addOutput(scores);
    builder.addOutput(builder.node('Identity', [mask], { outputs: ['mask_out'] }));
    const feeds = {
      tokens: int64Tensor([0, 1, 2, 3, 0, 2, 3, 0, 1, 1], [2, 5]),
      attention_mask: int64Tensor([1, 1, 1, 1, 1, 1, 1, 1, 1, 0], [2, 5]),
    };
    const found = await runOn(weightSigns, builder.build(), memoryDataset(feeds));
    assert.equal(found.metrics['intactScore'], 1);
    // Without them, the rows of 2 and 3 are all 0 and the first token wins: wrong after 2, right after 0, 1 and 3.
    assert.equal(found.metrics['scoreWithoutNegative'], 5 / 7);
    assert.match(found.summary, /next-token accuracy/u);
  });

  it('refuses a model without a layer whose weights are connections', async () => {
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', 2));
    builder.addOutput(builder.node('Relu', [input], { outputs: ['y'] }), floatType('N', 2));
    await assert.rejects(
      runOn(weightSigns, builder.build(), memoryDataset({ x: float32Tensor([1, 2], [1, 2]) })),
      { code: 'no-weights' },
    );
  });

  it('finds weights that are not finite', async () => {
    const damaged = denseModel([3, 4, 3]);
    const weight = damaged.graph.initializers.get('fc1.weight')!;
    const data = new Float32Array(12).fill(1);
    data[4] = NaN;
    const initializers = new Map(damaged.graph.initializers);
    const source = { kind: 'inline', bytes: new Uint8Array(data.buffer) } as const;
    initializers.set('fc1.weight', { ...weight, source });
    const found = await runOn(
      weightSigns,
      { ...damaged, graph: { ...damaged.graph, initializers } },
      memoryDataset({ x: float32Tensor([1, 2, 3], [1, 3]) }),
      { settings: { remove: 'none' } },
    );
    assert.equal(found.findings[0]?.severity, 'error');
    assert.match(found.findings[0].message, /^1 weight of fc1 is NaN/u);
  });
});
