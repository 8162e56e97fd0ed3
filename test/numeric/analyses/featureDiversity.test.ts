import assert from 'node:assert/strict';
import { featureDiversity } from '../../../src/analyses/health/feature-diversity.js';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf, runOn } from '../../support/runHealth.js';
import { elementwise, isCode, range, sum } from '../../support/tensors.js';

/** Pictures [N, 1, 4, 4] through conv(3×3) of 5 channels and ReLU to 3 logits; `maps` is an output too. */
function pictureModel(conv: TensorValue, fc: TensorValue): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 1, 4, 4));
  const maps = builder.node('Conv', [x, builder.constant(conv, 'conv.weight')], { name: '/conv/Conv' });
  const relu = builder.node('Relu', [maps], { name: '/relu/Relu', outputs: ['maps'] });
  const flat = builder.node('Flatten', [builder.node('GlobalAveragePool', [relu])]);
  const logits = builder.node('MatMul', [flat, builder.constant(fc, 'fc.weight')], {
    name: '/fc/MatMul',
    outputs: ['logits'],
  });
  builder.addOutput(logits, floatType('N', 3));
  builder.addOutput('maps', floatType('N', 5, 2, 2));
  return builder.build();
}

/** Σ (t − t̄)² / (n − 1), in two passes. */
function varianceOf(values: readonly number[]): number {
  const mean = sum(values.length, (i) => values[i]!) / values.length;
  return sum(values.length, (i) => (values[i]! - mean) ** 2) / (values.length - 1);
}

describe('feature-diversity', function () {
  this.timeout(30_000);
  const random = createRandom(137);
  const sampleCount = 60;
  const model = pictureModel(normalTensor(random, [5, 1, 3, 3]), normalTensor(random, [5, 3]));
  // Every fifth sample is faint: its features hardly differ.
  const x = elementwise(normalTensor(random, [sampleCount, 1, 4, 4]), (value, i) =>
    Math.floor(i / 16) % 5 === 0 ? 0.01 * value : value,
  );
  const faint = range(0, sampleCount).filter((row) => row % 5 === 0);
  let maps: Float64Array;
  let answers: number[];
  let labels: number[];
  let draft: ReportDraft;

  before(async () => {
    const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(model);
    const outputs = await session.run({ x });
    await session.close();
    maps = toFloat64(outputs['maps']!);
    const logits = toFloat64(outputs['logits']!);
    answers = range(0, sampleCount).map((row) => {
      const own = [...logits.subarray(3 * row, 3 * row + 3)];
      return own.indexOf(Math.max(...own));
    });
    // The model is right on all samples but for 9 of the 12 faint ones and 4 others.
    const wrong = new Set([...faint.slice(0, 9), 1, 2, 3, 4]);
    labels = answers.map((answer, row) => (wrong.has(row) ? (answer + 1) % 3 : answer));
    draft = await runOn(featureDiversity, model, memoryDataset({ x }, labels), {
      settings: { share: 0.2, shown: 6 },
      batchSize: 7,
    });
  });

  itHolds(
    137,
    'variance of the feature maps of each of 60 samples equals brute force to 1e-9 (seed 137)',
    () => {
      const measured = arrayOf(draft, 'variance');
      assert.match(draft.summary, /at relu/u);
      for (const row of range(0, sampleCount)) {
        const expected = varianceOf([...maps.subarray(20 * row, 20 * row + 20)]);
        assert.ok(Math.abs(measured[row]! - expected) <= 1e-9 * expected, `sample ${row}: ${measured[row]!}`);
      }
    },
  );

  itHolds(
    137,
    'error rates of the 12 least diverse samples and of the rest equal a recount, and the interval Newcombe’s',
    () => {
      const order = range(0, sampleCount).sort(
        (a, b) =>
          varianceOf([...maps.subarray(20 * a, 20 * a + 20)]) -
          varianceOf([...maps.subarray(20 * b, 20 * b + 20)]),
      );
      assert.deepEqual(arrayOf(draft, 'ranking'), order);
      assert.deepEqual(
        [...order.slice(0, 12)].sort((a, b) => a - b),
        faint,
      );
      const { leastErrorRate, restErrorRate, errorGapLow, errorGapHigh } = draft.metrics;
      assert.deepEqual([leastErrorRate, restErrorRate], [9 / 12, 4 / 48]);
      const [low, high] = [wilson(9, 12), wilson(4, 48)];
      const gap = 9 / 12 - 4 / 48;
      assert.ok(Math.abs(errorGapLow! - (gap - Math.hypot(9 / 12 - low[0], high[1] - 4 / 48))) < 1e-9);
      assert.ok(Math.abs(errorGapHigh! - (gap + Math.hypot(low[1] - 9 / 12, 4 / 48 - high[0]))) < 1e-9);
      assert.ok(errorGapLow! > 0);
      // A difference of two shares is no share.
      const metrics = draft.blocks.find((block) => block.type === 'metrics')!;
      const format = (metric: string) => metrics.items.find((item) => item.metric === metric)?.format;
      assert.deepEqual(['errorGap', 'errorGapLow', 'errorGapHigh'].map(format), Array(3).fill('points'));
      assert.match(draft.findings[0]!.message, /9 of the 12 least diverse samples and on 4 of the other 48/u);
    },
  );

  itHolds(137, 'the ranked list opens the samples: the picture of each, least diverse first', () => {
    const grid = draft.blocks.find(({ type }) => type === 'image-grid');
    const table = draft.blocks.find(
      ({ title, type }) => type === 'table' && title === 'Least diverse samples',
    );
    assert.ok(grid?.type === 'image-grid' && table?.type === 'table');
    const order = arrayOf(draft, 'ranking');
    assert.equal(grid.images.length, 6);
    for (const [i, image] of grid.images.entries()) {
      assert.ok(image.caption!.startsWith(`row ${order[i]!}: `), image.caption);
      assert.deepEqual([image.width, image.height], [4, 4]);
    }
    assert.deepEqual(
      table.rows.map(({ sample }) => sample),
      order.slice(0, 6).map((row) => `row ${row}`),
    );
    assert.equal(table.omittedRowCount, 54);
  });

  it('ranks samples without labels, spells out what is no picture, and says why no errors are compared', async () => {
    const rows = normalTensor(createRandom(5), [9, 6]);
    const plain = await runOn(featureDiversity, denseModel([6, 8, 3]), memoryDataset({ x: rows }));
    assert.equal(plain.evidence['errorGap']?.how, 'the data have no labels');
    assert.equal(arrayOf(plain, 'ranking').length, 9);
    const table = plain.blocks.find(({ type }) => type === 'table');
    assert.ok(table?.type === 'table' && /^x: /u.test(String(table.rows[0]!['content'])));
  });

  it('leaves masked tokens out of the variance of a sequence', async () => {
    const builder = new GraphBuilder(emptyModel());
    const tokens = builder.addInput('h', floatType('N', 3, 2));
    const mask = builder.addInput('attention_mask', {
      kind: 'tensor',
      elementType: 'int64',
      shape: ['N', 3],
    });
    const same = builder.constant(float32Tensor([1, 0, 0, 1], [2, 2]), 'fc.weight');
    const hidden = builder.node('MatMul', [tokens, same], { name: '/fc/MatMul' });
    const act = builder.node('Relu', [hidden], { name: '/act/Relu' });
    const used = builder.node('Cast', [mask], { attributes: { to: 1 } });
    builder.addOutput(builder.node('MatMul', [builder.node('Unsqueeze', [used, builder.int64s([1])]), act]));
    const h = elementwise(normalTensor(createRandom(6), [2, 3, 2]), (value) => Math.abs(value));
    const attention = int64Tensor([1, 1, 0, 1, 1, 1], [2, 3]);
    const masked = await runOn(
      featureDiversity,
      builder.build(),
      memoryDataset({ h, attention_mask: attention }),
    );
    const values = [...toFloat64(h)];
    const expected = [varianceOf(values.slice(0, 4)), varianceOf(values.slice(6, 12))];
    for (const [row, variance] of arrayOf(masked, 'variance').entries()) {
      assert.ok(Math.abs(variance - expected[row]!) < 1e-9);
    }
  });

  it('says what is missing: one sample, NaN in all, an unknown layer or a part of one', async () => {
    const dense = denseModel([6, 8, 3]);
    const one = memoryDataset({ x: normalTensor(createRandom(7), [1, 6]) });
    await assert.rejects(runOn(featureDiversity, dense, one), isCode('too-few-samples'));
    const nan = elementwise(normalTensor(createRandom(7), [4, 6]), () => NaN);
    await assert.rejects(
      runOn(featureDiversity, dense, memoryDataset({ x: nan })),
      isCode('too-few-samples'),
    );
    await assert.rejects(
      runOn(featureDiversity, dense, one, { settings: { layer: 'fc9' } }),
      isCode('unknown-layer'),
    );
    await assert.rejects(
      runOn(featureDiversity, dense, one, { settings: { layer: 'fc1[2]' } }),
      isCode('layer-not-whole'),
    );
  });
});

/** The roots of (p̂ − p)² = z² p (1 − p) / n, solved as a quadratic. */
function wilson(count: number, total: number): [number, number] {
  const [share, z2] = [count / total, 1.959963984540054 ** 2];
  const [a, b, c] = [1 + z2 / total, -(2 * share + z2 / total), share * share];
  const root = Math.sqrt(b * b - 4 * a * c);
  return [(-b - root) / (2 * a), (-b + root) / (2 * a)];
}
