import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Cancelled } from '../../../src/base/abort.js';
import { createRandom } from '../../../src/base/random.js';
import { writeNpz } from '../../../src/data/npz.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { gameOfColumns, meanOverOrders } from '../../support/bruteShapley.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { assertClose, elementwise, isCode, linearModel } from '../../support/tensors.js';

// Float32 sums of some ten terms of order one: relative rounding 1e-7 each.
const rounding = 2e-6;

/** Methods whose scores are w ⊙ (x − b) on a linear model. */
const additiveMethods = ['feature-ablation', 'shapley-exact', 'shapley-sampling', 'kernel-shap', 'lime'];

/** LIME shrinks by its ridge, which a planted linear model needs none of. */
const settingsOf = (method: string) => ({ method, ...(method === 'lime' ? { ridge: 0 } : {}) });

describe('methods that hide features', function () {
  this.timeout(30_000);
  const folder = useTemporaryFolder();
  const random = createRandom(21);
  const weight = normalTensor(random, [5, 3]);
  const linear = linearModel(weight);
  const x = normalTensor(random, [4, 5]);
  const w = (feature: number, target: number): number => weight.data[feature * 3 + target] as number;

  for (const method of additiveMethods) {
    it(`give w ⊙ (x − b) on a linear model: ${method}`, async () => {
      const draft = await runAttribution(
        linear,
        { x },
        { ...settingsOf(method), target: '1', baseline: '0.25' },
      );
      const expected = elementwise(x, (xi, i) => (xi - 0.25) * w(i % 5, 1));
      assertClose(arrayOf(draft, 'attribution'), expected, rounding);
      assertClose(arrayOf(draft, 'featureAttribution'), expected, rounding);
    });

    it(`average over the rows of a background: ${method}`, async () => {
      const background = normalTensor(createRandom(3), [7, 5]);
      const path = join(folder(), 'background.npz');
      await writeNpz(path, { x: background });
      const draft = await runAttribution(
        linear,
        { x },
        { ...settingsOf(method), target: '0', background: path },
      );
      const mean = (feature: number): number =>
        toFloat64(background).reduce((sum, value, i) => sum + (i % 5 === feature ? value / 7 : 0), 0);
      const expected = elementwise(x, (xi, i) => (xi - mean(i % 5)) * w(i % 5, 0));
      assertClose(arrayOf(draft, 'attribution'), expected, rounding);
    });

    it(`give a group of columns the sum of its columns' scores, at each of them: ${method}`, async () => {
      const settings = { ...settingsOf(method), target: '2', groups: 'pair: 1, 3' };
      const draft = await runAttribution(linear, { x }, settings);
      const single = (row: number, i: number): number => (x.data[row * 5 + i] as number) * w(i, 2);
      const expected = elementwise(x, (_value, i) => {
        const [row, column] = [Math.floor(i / 5), i % 5];
        return column === 1 || column === 3 ? single(row, 1) + single(row, 3) : single(row, column);
      });
      assertClose(arrayOf(draft, 'attribution'), expected, rounding);
      assert.deepEqual(arrayOf(draft, 'featureAttribution').dims, [4, 4]);
      assert.deepEqual([...toFloat64(arrayOf(draft, 'featureIds'))], [1, 0, 2, 0, 3]);
      const chart = draft.blocks.find(({ title }) => title === 'What the features contribute');
      assert.match(JSON.stringify(chart), /"pair"/);
    });

    it(`do not depend on the batch size: ${method}`, async () => {
      const model = denseModel([6, 8, 3], 'Relu', 4);
      const feeds = { x: normalTensor(createRandom(5), [3, 6]) };
      const reference = arrayOf(await runAttribution(model, feeds, { method }), 'attribution');
      const again = await runAttribution(model, feeds, { method }, { batchSize: 5 });
      assertClose(arrayOf(again, 'attribution'), reference, 1e-5);
    });
  }

  describe('of a network', () => {
    const model = denseModel([6, 12, 3], 'Tanh', 8);
    const feeds = { x: normalTensor(createRandom(6), [3, 6]) };
    const shares = async (settings: Record<string, unknown>, seed = 0): Promise<Float64Array> =>
      toFloat64(arrayOf(await runAttribution(model, feeds, settings, { seed }), 'featureAttribution'));

    itHolds(
      91,
      'equal enumeration over all orders: shapley-exact, and kernel-shap that has room for all coalitions',
      async () => {
        const values = await gameOfColumns(model, feeds.x, { target: 1 });
        const exact = await shares({ method: 'shapley-exact', target: '1' });
        const fitted = await shares({ method: 'kernel-shap', target: '1' });
        for (let row = 0; row < 3; row++) {
          const expected = meanOverOrders(values[row]!, 6);
          for (const [i, share] of expected.entries()) {
            assert.ok(Math.abs(exact[row * 6 + i]! - share) < rounding, `${row} ${i}`);
            assert.ok(Math.abs(fitted[row * 6 + i]! - share) < 2 * rounding, `${row} ${i}`);
          }
        }
      },
    );

    for (const [method, samples] of [
      ['shapley-sampling', 40],
      ['kernel-shap', 40],
    ] as const) {
      it(`are within their standard errors of the exact shares as often as they should: ${method}`, async () => {
        const exact = await shares({ method: 'shapley-exact' });
        let withinTwo = 0;
        let total = 0;
        let spread = 0;
        let claimed = 0;
        for (let seed = 0; seed < 30; seed++) {
          const draft = await runAttribution(model, feeds, { method, samples }, { seed });
          assert.ok(draft.metrics['maxCompletenessError']! < 1e-5);
          const errors = toFloat64(arrayOf(draft, 'featureStandardError'));
          for (const [i, share] of toFloat64(arrayOf(draft, 'featureAttribution')).entries()) {
            total++;
            if (Math.abs(share - exact[i]!) <= 2 * errors[i]!) withinTwo++;
            spread += (share - exact[i]!) ** 2;
            claimed += errors[i]! ** 2;
          }
        }
        // A normal estimate lies within two standard errors 95 times of 100; shares of one row are not independent.
        assert.ok(withinTwo / total > 0.88, `${withinTwo} of ${total}`);
        // Root mean square of the actual errors against that of the claimed ones.
        const ratio = Math.sqrt(spread / claimed);
        assert.ok(ratio > 0.75 && ratio < 1.3, `${ratio}`);
      });

      it(`give the same for the same seed and another estimate for another: ${method}`, async () => {
        const settings = { method, samples };
        assert.deepEqual(await shares(settings, 5), await shares(settings, 5));
        assert.notDeepEqual(await shares(settings, 5), await shares(settings, 6));
      });
    }

    it('draw the same for the same seed, and other samples for another: lime', async () => {
      const settings = { method: 'lime', samples: 60 };
      assert.deepEqual(await shares(settings, 5), await shares(settings, 5));
      assert.notDeepEqual(await shares(settings, 5), await shares(settings, 6));
    });

    for (const method of ['shapley-exact', 'shapley-sampling', 'kernel-shap', 'lime', 'rise']) {
      it(`stop after the batch in which they are cancelled: ${method}`, async () => {
        const controller = new AbortController();
        let batchCount = 0;
        const options = {
          batchSize: 4,
          signal: controller.signal,
          progress: () => {
            if (++batchCount === 3) controller.abort();
          },
        };
        await assert.rejects(runAttribution(model, feeds, { method }, options), Cancelled);
        assert.equal(batchCount, 3);
      });
    }

    it('say how well the linear model of lime fits, and warn when it hardly does', async () => {
      const draft = await runAttribution(model, feeds, { method: 'lime', samples: 400 });
      const fidelity = draft.metrics['fidelity']!;
      assert.ok(fidelity > 0.5 && fidelity < 1, `${fidelity}`);
      const exactly = await runAttribution(linear, { x }, { method: 'lime', ridge: 0 });
      assert.ok(Math.abs(exactly.metrics['fidelity']! - 1) < 1e-9);
      // x₀ · x₁ of two inputs that are both needed: the product of two presences is half linear at best.
      const product = await runAttribution(
        productModel(),
        { x: float32Tensor([1, 1], [1, 2]) },
        { method: 'lime', kernelWidth: 10 },
      );
      assert.ok(product.metrics['fidelity']! < 0.9);
    });
  });

  it('refuse more features than can be enumerated, and too few samples for the features', async () => {
    const wide = linearModel(normalTensor(createRandom(1), [20, 2]));
    const feeds = { x: normalTensor(createRandom(2), [1, 20]) };
    await assert.rejects(
      runAttribution(wide, feeds, { method: 'shapley-exact' }),
      isCode('too-many-features'),
    );
    for (const settings of [
      { method: 'kernel-shap', samples: 10 },
      { method: 'lime', samples: 8, ridge: 0 },
    ]) {
      await assert.rejects(runAttribution(wide, feeds, settings), isCode('too-few-samples'));
    }
  });

  it('are refused settings of features where they hide none', async () => {
    const settings = { method: 'gradient', groups: 'a: 1, 2' };
    await assert.rejects(runAttribution(linear, { x }, settings), isCode('setting-not-used'));
  });
});

/** x₀ · x₁. */
function productModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', 2));
  builder.addOutput(builder.node('ReduceProd', [input], { attributes: { axes: [1], keepdims: 1 } }));
  return builder.build();
}
