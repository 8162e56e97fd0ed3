import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { writeNpz } from '../../../src/data/npz.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { assertClose, elementwise, isCode, linearModel } from '../../support/tensors.js';
import { join } from 'node:path';

// Float32 sums of some ten terms of order one: relative rounding 1e-7 each.
const rounding = 2e-6;

/** Methods whose scores are w ⊙ (x − b) on a linear model. */
const additiveMethods = ['feature-ablation'];

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
      const draft = await runAttribution(linear, { x }, { method, target: '1', baseline: '0.25' });
      const expected = elementwise(x, (xi, i) => (xi - 0.25) * w(i % 5, 1));
      assertClose(arrayOf(draft, 'attribution'), expected, rounding);
      assertClose(arrayOf(draft, 'featureAttribution'), expected, rounding);
    });

    it(`average over the rows of a background: ${method}`, async () => {
      const background = normalTensor(createRandom(3), [7, 5]);
      const path = join(folder(), 'background.npz');
      await writeNpz(path, { x: background });
      const draft = await runAttribution(linear, { x }, { method, target: '0', background: path });
      const mean = (feature: number): number =>
        toFloat64(background).reduce((sum, value, i) => sum + (i % 5 === feature ? value / 7 : 0), 0);
      const expected = elementwise(x, (xi, i) => (xi - mean(i % 5)) * w(i % 5, 0));
      assertClose(arrayOf(draft, 'attribution'), expected, rounding);
    });

    it(`give a group of columns the sum of its columns' scores, at each of them: ${method}`, async () => {
      const settings = { method, target: '2', groups: 'pair: 1, 3' };
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

  it('are refused settings of features where they hide none', async () => {
    const settings = { method: 'gradient', groups: 'a: 1, 2' };
    await assert.rejects(runAttribution(linear, { x }, settings), isCode('setting-not-used'));
  });
});
