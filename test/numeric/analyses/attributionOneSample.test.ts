import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { assertClose, elementwise, isCode, linearModel, range, sum } from '../../support/tensors.js';

describe('attribution of chosen rows', function () {
  this.timeout(30_000);
  const random = createRandom(5);
  const weight = normalTensor(random, [5, 3]);
  const x = normalTensor(random, [40, 5]);

  it('explains the rows that are asked for, in that order, and says which they are', async () => {
    const draft = await runAttribution(linearModel(weight), { x }, { rows: '31, 2', target: '1' });
    const expected = [31, 2].flatMap((row) =>
      range(0, 5).map((i) => (x.data[row * 5 + i] as number) * (weight.data[i * 3 + 1] as number)),
    );
    assertClose(arrayOf(draft, 'attribution'), float32Tensor(expected, [2, 5]), 2e-6);
    assert.equal(draft.usedCount, 2);
    assert.match(draft.summary, /2 chosen rows of 40 rows/);
    assert.equal(draft.evidence['output']?.how, '2 chosen rows of 40 rows');
    const one = await runAttribution(linearModel(weight), { x }, { rows: '31', target: '1' });
    assert.match(one.summary, /for row 31 of 40 rows/);
  });

  it('gives equal numbers for a row alone and among others', async () => {
    const all = await runAttribution(linearModel(weight), { x }, { target: '0' }, { limit: 40 });
    const one = await runAttribution(linearModel(weight), { x }, { rows: '17', target: '0' });
    const row = toFloat64(arrayOf(all, 'attribution')).subarray(17 * 5, 18 * 5);
    assert.deepEqual([...toFloat64(arrayOf(one, 'attribution'))], [...row]);
  });

  it('refuses rows that the data do not have, naming how many there are', async () => {
    for (const rows of ['40', '3,99', '-1']) {
      await assert.rejects(runAttribution(linearModel(weight), { x }, { rows }), isCode('no-such-row'));
    }
  });
});

describe('the effect of a part of the input', function () {
  this.timeout(60_000);

  it('is w · (x − b) of that column alone on a linear model', async () => {
    const weight = normalTensor(createRandom(8), [5, 2]);
    const x = normalTensor(createRandom(9), [3, 5]);
    const settings = { part: '2', target: '1', baseline: '0.25' };
    for (const method of ['integrated-gradients', 'deeplift-rescale']) {
      const draft = await runAttribution(linearModel(weight), { x }, { ...settings, method });
      const expected = elementwise(x, (value, i) =>
        i % 5 === 2 ? (value - 0.25) * (weight.data[2 * 2 + 1] as number) : 0,
      );
      assertClose(arrayOf(draft, 'attribution'), expected, 2e-6);
    }
  });

  it('is shared out over the neurons that read it, each linear one by its weights, and sums to the drop', async () => {
    // y = Σ_u v_u · h_u with h = x · W: neuron u carries x_2 with share x_2 · W[2, u] · v_u.
    const [w, v] = [normalTensor(createRandom(1), [4, 6]), normalTensor(createRandom(2), [6, 1])];
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', 4));
    const hidden = builder.node('MatMul', [input, builder.constant(w, 'hidden.weight')]);
    builder.addOutput(builder.node('MatMul', [hidden, builder.constant(v, 'out.weight')]));
    const x = normalTensor(createRandom(3), [1, 4]);
    const draft = await runAttribution(builder.build(), { x }, { layer: 'hidden', part: '2' });
    const expected = range(0, 6).map(
      (u) => (x.data[2] as number) * (w.data[2 * 6 + u] as number) * (v.data[u] as number),
    );
    assertClose(arrayOf(draft, 'attribution'), float32Tensor(expected, [1, 6]), 2e-6);
    const drop = draft.metrics['output']! - draft.metrics['baselineOutput']!;
    assert.ok(Math.abs(drop - sum(6, (u) => expected[u]!)) < 1e-5);
    const table = draft.blocks.find(({ title }) => title === 'Neurons of hidden by their share');
    assert.ok(table?.type === 'table');
    const best = range(0, 6).sort((a, b) => Math.abs(expected[b]!) - Math.abs(expected[a]!))[0]!;
    assert.equal(table.rows[0]?.['neuron'], `hidden[${String(best)}]`);
    assert.ok(Math.abs(Number(table.rows[0]['mean']) - expected[best]!) < 1e-6);
    assert.match(draft.summary, /the effect of x\[2\] on/);
  });

  it('adds up to f(x) − f(x without it) in a ReLU network', async () => {
    const model = denseModel([3, 8, 2], 'Relu', 21);
    const x = normalTensor(createRandom(22), [6, 3]);
    const without = elementwise(x, (value, i) => (i % 3 === 1 ? 0 : value));
    const settings = { layer: 'act1', part: '1', target: '0', steps: 400 };
    const draft = await runAttribution(model, { x }, settings);
    const plain = await runAttribution(model, { x }, { method: 'gradient', target: '0' });
    const removed = await runAttribution(model, { x: without }, { method: 'gradient', target: '0' });
    const [f, g] = [arrayOf(plain, 'output'), arrayOf(removed, 'output')];
    const shares = toFloat64(arrayOf(draft, 'attribution'));
    const unitCount = shares.length / 6;
    for (let row = 0; row < 6; row++) {
      const total = sum(unitCount, (u) => shares[row * unitCount + u]!);
      const drop = (f.data[row] as number) - (g.data[row] as number);
      assert.ok(Math.abs(total - drop) < 2e-3, `row ${row}: ${total} for a drop of ${drop}`);
    }
  });

  it('takes a block of pixels in every channel', async () => {
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', 2, 4, 4));
    const kernel = float32Tensor([1, 10], [1, 2, 1, 1]);
    const same = builder.node('Conv', [input, builder.constant(kernel)]);
    const total = builder.reduce('ReduceSum', same, [1, 2, 3], false);
    builder.addOutput(builder.node('Reshape', [total, builder.int64s([-1, 1])]));
    const x = float32Tensor(new Float32Array(32).fill(1), [1, 2, 4, 4]);
    const draft = await runAttribution(builder.build(), { x }, { part: '1,2,2,3' });
    const expected = range(0, 32).map((flat) => {
      const [channel, y, column] = [Math.floor(flat / 16), Math.floor(flat / 4) % 4, flat % 4];
      return y >= 1 && y <= 2 && column >= 2 ? (channel === 0 ? 1 : 10) : 0;
    });
    assertClose(arrayOf(draft, 'attribution'), float32Tensor(expected, [1, 2, 4, 4]), 1e-5);
  });

  it('refuses parts that do not fit, and methods that follow no baseline', async () => {
    const weight = normalTensor(createRandom(8), [5, 2]);
    const x = normalTensor(createRandom(9), [3, 5]);
    for (const part of ['5', '1,2,3', '3,1', '-1']) {
      await assert.rejects(runAttribution(linearModel(weight), { x }, { part }), isCode('wrong-part'), part);
    }
    const unused = { part: '1', method: 'gradient' };
    await assert.rejects(runAttribution(linearModel(weight), { x }, unused), isCode('setting-not-used'));
  });
});
