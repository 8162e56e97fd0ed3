import assert from 'node:assert/strict';
import { aspectImportance } from '../../../src/analyses/prediction/aspect-importance.js';
import { permutationImportance } from '../../../src/analyses/prediction/permutation-importance.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRandom } from '../../../src/base/random.js';
import { spearman } from '../../../src/engine/numeric/rankCorrelation.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { runAnalysisOn } from '../../support/runAnalysisOn.js';
import { arrayOf } from '../../support/runAttribution.js';
import { isCode, linearModel, range, sum } from '../../support/tensors.js';

const columnNames = ['strong', 'weak', 'unused', 'against'];

describe('permutation-importance', function () {
  this.timeout(60_000);
  const random = createRandom(5);
  // Logits of class 1 are 3 x₀ + x₁ − 2 x₃, those of class 0 zero.
  const weight = float32Tensor([0, 3, 0, 1, 0, 0, 0, -2], [4, 2]);
  const model = linearModel(weight);
  const x = normalTensor(random, [300, 4]);
  const logitOf = (values: TensorValue, row: number): number =>
    sum(4, (i) => (values.data[row * 4 + i] as number) * (weight.data[2 * i + 1] as number));
  const labels = range(0, 300).map((row) => Number(logitOf(x, row) > 0));
  const data = { model, feeds: { x }, columnNames };

  itHolds(91, 'is what a recount with the same shuffles gives', async () => {
    const settings = { loss: 'error-rate', repeats: 3, orders: 0, select: 0 };
    const draft = await runAnalysisOn(permutationImportance, data, settings, { labels, seed: 9 });
    const again = createRandom(9);
    const expected = range(0, 4).map((feature) => {
      const rises = range(0, 3).map(() => {
        const other = again.permutation(300);
        const wrong = range(0, 300).filter((row) => {
          const values = Float32Array.from(x.data.slice(row * 4, row * 4 + 4) as Float32Array);
          values[feature] = x.data[other[row]! * 4 + feature] as number;
          return Number(logitOf(float32Tensor(values, [1, 4]), 0) > 0) !== labels[row];
        });
        return wrong.length / 300;
      });
      const mean = sum(3, (i) => rises[i]!) / 3;
      return { mean, error: Math.sqrt(sum(3, (i) => (rises[i]! - mean) ** 2) / 2 / 3) };
    });
    const [means, errors] = ['importance', 'importanceStandardError'].map((name) =>
      toFloat64(arrayOf(draft, name)),
    );
    for (const [i, { mean, error }] of expected.entries()) {
      assert.ok(Math.abs(means![i]! - mean) < 1e-6, `${i}: ${means![i]!}, expected ${mean}`);
      assert.ok(Math.abs(errors![i]! - error) < 1e-6);
    }
    assert.equal(draft.metrics['loss'], 0);
    assert.match(draft.summary, /shuffling strong/);
  });

  itHolds(
    91,
    'ranks columns as their Shapley values do, and finds nothing in a column that is not read',
    async () => {
      const draft = await runAnalysisOn(permutationImportance, data, { orders: 20 }, { labels });
      const [importance, shapley] = ['importance', 'shapleyImportance'].map((name) =>
        toFloat64(arrayOf(draft, name)),
      );
      const order = range(0, 4).sort((a, b) => importance![b]! - importance![a]!);
      assert.deepEqual(order, [0, 3, 1, 2]);
      assert.equal(importance![2], 0);
      assert.equal(shapley![2], 0);
      assert.ok(Math.abs(draft.metrics['spearman']! - spearman(importance!, shapley!)) < 1e-12);
      assert.equal(draft.metrics['spearman'], 1);
      assert.equal(draft.metrics['kendall'], 1);
    },
  );

  it('gives Shapley values near their closed form on a linear score', async () => {
    // Every order gives w (x − x′) of one other row, so a row's value is w (x − mean of the drawn), and its mean absolute
    // value over rows that of |w (x − x̄)| but for the spread of the drawn mean.
    const positive = float32Tensor(
      Float32Array.from(x.data as Float32Array, (v, i) => (i % 4 === 2 ? 50 : v)),
      x.dims,
    );
    const certain = linearModel(float32Tensor([0, 3, 0, 1, 0, 1, 0, -2], [4, 2]));
    const draft = await runAnalysisOn(
      permutationImportance,
      { model: certain, feeds: { x: positive } },
      { orders: 60, select: 0 },
    );
    const shapley = toFloat64(arrayOf(draft, 'shapleyImportance'));
    for (const [i, w] of [3, 1, 0, 2].entries()) {
      const column = range(0, 300).map((row) => positive.data[row * 4 + i] as number);
      const mean = sum(300, (row) => column[row]!) / 300;
      const expected = sum(100, (row) => w * Math.abs(column[row]! - mean)) / 100;
      assert.ok(Math.abs(shapley[i]! - expected) <= 0.12 * w, `${i}: ${shapley[i]!}, expected ${expected}`);
    }
  });

  itHolds(91, 'selects forward what helps most first, and ends at the loss of the whole rows', async () => {
    const draft = await runAnalysisOn(permutationImportance, data, { orders: 0 }, { labels });
    const chart = draft.blocks.find(({ title }) => title === 'Forward selection');
    assert.ok(chart?.type === 'chart');
    const { rows } = chart.table;
    assert.deepEqual(rows.map(({ name }) => name).slice(0, 4), ['none', 'strong', 'against', 'weak']);
    assert.ok(Math.abs(draft.metrics['selectedLoss']! - draft.metrics['loss']!) < 1e-9);
    for (const [i, { loss }] of rows.entries()) {
      if (i > 0) assert.ok(Number(loss) <= Number(rows[i - 1]!['loss']));
    }
  });

  it('measures the change of the prediction where there are no labels, and refuses a loss that needs them', async () => {
    const draft = await runAnalysisOn(permutationImportance, data, { orders: 0, select: 0 });
    assert.equal(draft.metrics['loss'], 0);
    assert.equal(draft.evidence['spearman']?.kind, 'not-captured');
    await assert.rejects(
      runAnalysisOn(permutationImportance, data, { loss: 'error-rate' }),
      isCode('labels-missing'),
    );
    const one = { model, feeds: { x: normalTensor(random, [1, 4]) } };
    await assert.rejects(runAnalysisOn(permutationImportance, one), isCode('too-few-rows'));
  });

  it('reads the scores behind a ZipMap, passing over the class label', async () => {
    const builder = new GraphBuilder(linearModel(weight));
    const [{ name: scores } = { name: '' }] = builder.build().graph.outputs;
    const label = builder.node('ArgMax', [scores], { attributes: { axis: 1, keepdims: 0 } });
    const attributes = { classlabels_int64s: [0, 1] };
    const maps = builder.node('ZipMap', [scores], { domain: 'ai.onnx.ml', attributes });
    builder.setOutputs([label, maps]);
    const built = builder.build();
    const zipped = { ...built, opsets: new Map([...built.opsets, ['ai.onnx.ml', 1]]) };
    const [plain, behind] = await Promise.all(
      [model, zipped].map((each) =>
        runAnalysisOn(permutationImportance, { ...data, model: each }, { orders: 0, select: 0 }, { labels }),
      ),
    );
    assert.deepEqual(behind!.metrics, plain!.metrics);
  });

  it('does not depend on the batch size, and gives the same for the same seed', async () => {
    const run = async (batchSize: number, seed: number): Promise<Float64Array> =>
      toFloat64(
        arrayOf(
          await runAnalysisOn(
            permutationImportance,
            data,
            { orders: 2, select: 0 },
            { labels, batchSize, seed },
          ),
          'importance',
        ),
      );
    const reference = await run(64, 1);
    for (const [i, value] of (await run(17, 1)).entries()) assert.ok(Math.abs(value - reference[i]!) < 1e-6);
    assert.notDeepEqual(await run(64, 2), reference);
  });
});

describe('aspect-importance', function () {
  this.timeout(60_000);

  itHolds(91, 'puts a column and a monotone change of it together, whatever their scale', async () => {
    const random = createRandom(8);
    const rows = 400;
    // Columns 0 and 2 carry one signal, 2 upside down and bent; column 1 another.
    const signal = range(0, rows).map(() => random.normal());
    const other = range(0, rows).map(() => random.normal());
    const x = float32Tensor(
      signal.flatMap((value, row) => [value, other[row]!, -Math.exp(value)]),
      [rows, 3],
    );
    const weight = float32Tensor([0, 2, 0, 0.5, 0, -1], [3, 2]);
    const model = linearModel(weight);
    const labels = range(0, rows).map((row) =>
      Number(2 * signal[row]! + 0.5 * other[row]! + Math.exp(signal[row]!) > 0),
    );
    const data = { model, feeds: { x }, columnNames: ['signal', 'other', 'copy'] };
    const draft = await runAnalysisOn(aspectImportance, data, { loss: 'error-rate', orders: 4 }, { labels });
    assert.deepEqual([...toFloat64(arrayOf(draft, 'aspect'))], [0, 1, 0]);
    assert.equal(draft.metrics['aspectCount'], 2);
    const table = draft.blocks.find(({ title }) => title === 'Aspects of several features');
    assert.ok(table?.type === 'table');
    const [row] = table.rows;
    assert.equal(row!['aspect'], 'signal + copy');
    // A monotone change leaves the rank correlation at one.
    assert.ok(Math.abs(Number(row!['correlation']) - 1) < 1e-9);
    assert.equal(toFloat64(arrayOf(draft, 'importance')).length, 2);
    const apart = await runAnalysisOn(aspectImportance, data, { correlation: 1, orders: 0 }, { labels });
    assert.ok(apart.metrics['aspectCount']! >= 2);
  });

  it('gives an aspect of one feature what permutation-importance gives it, within its error', async () => {
    const random = createRandom(12);
    const x = normalTensor(random, [300, 3]);
    const model = linearModel(float32Tensor([0, 2, 0, 1, 0, 0], [3, 2]));
    const labels = range(0, 300).map((row) =>
      Number(2 * (x.data[row * 3] as number) + (x.data[row * 3 + 1] as number) > 0),
    );
    const data = { model, feeds: { x } };
    const aspects = await runAnalysisOn(aspectImportance, data, { orders: 0, repeats: 20 }, { labels });
    const features = await runAnalysisOn(
      permutationImportance,
      data,
      { orders: 0, select: 0, repeats: 20 },
      { labels, seed: 4 },
    );
    const [a, b] = [aspects, features].map((draft) => toFloat64(arrayOf(draft, 'importance')));
    const [ea, eb] = [aspects, features].map((draft) => toFloat64(arrayOf(draft, 'importanceStandardError')));
    for (const i of range(0, 3)) assert.ok(Math.abs(a![i]! - b![i]!) <= 4 * Math.hypot(ea![i]!, eb![i]!));
  });
});
