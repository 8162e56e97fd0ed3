import assert from 'node:assert/strict';
import { moduleUsage } from '../../../src/analyses/health/module-usage.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { branchingModel } from '../../support/plantedBranches.js';
import { arrayOf, runOn } from '../../support/runHealth.js';

const moduleCount = 4;

/** Adds `input · W` with a weight of its own. */
function dense(builder: GraphBuilder, input: string, weight: readonly number[], columns: number): string {
  const w = builder.constant(float32Tensor(weight, [weight.length / columns, columns]), 'w');
  return builder.node('MatMul', [input, w]);
}

function pick(builder: GraphBuilder, from: string, index: number): string {
  return builder.node('Slice', [
    from,
    builder.int64s([index]),
    builder.int64s([index + 1]),
    builder.int64s([1]),
  ]);
}

/** Four experts of two layers; the router passes the input on, so that the largest of four inputs chooses. */
function mixture(kind: 'dense' | 'best' | 'best-first'): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N', moduleCount));
  const identity = Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0));
  const scores = dense(builder, 'x', identity, 4);
  const probabilities = builder.node('Softmax', [scores], { outputs: ['p'] });
  let gates = probabilities;
  if (kind === 'best-first') {
    builder.node('TopK', [scores, builder.int64s([2])], { outputs: ['best', 'index'] });
    const zeros = builder.node('Mul', [scores, builder.scalar(0)]);
    gates = builder.node('ScatterElements', [zeros, 'index', builder.node('Softmax', ['best'])], {
      attributes: { axis: 1 },
    });
  } else if (kind === 'best') {
    builder.node('TopK', [probabilities, builder.int64s([1])], { outputs: ['best', 'index'] });
    const zeros = builder.node('Mul', [probabilities, builder.scalar(0)]);
    gates = builder.node('ScatterElements', [zeros, 'index', 'best'], { attributes: { axis: 1 } });
  }
  const made = Array.from({ length: moduleCount }, (_, index) => {
    const hidden = builder.node('Relu', [
      dense(
        builder,
        'x',
        identity.map((one) => one + index),
        4,
      ),
    ]);
    return builder.node('Mul', [dense(builder, hidden, [1, 2, 3, 4], 1), pick(builder, gates, index)]);
  });
  builder.node('Sum', made, { outputs: ['y'] });
  builder.addOutput('y', floatType('N', 1));
  return builder.build();
}

/** Three skills that a second input switches on. */
function skilled(): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N', 2));
  builder.addInput('skills', floatType('N', 3));
  const made = [0, 1, 2].map((index) =>
    builder.node('Mul', [dense(builder, 'x', [index + 1, 2], 1), pick(builder, 'skills', index)]),
  );
  builder.node('Sum', made, { outputs: ['y'] });
  builder.addOutput('y', floatType('N', 1));
  return builder.build();
}

/** Expert 3 is never the best; label 0 goes to expert 0, label 1 to experts 1 and 2. */
const rows = [
  [5, 0, 0, 1],
  [9, 1, 0, 0],
  [0, 7, 0, 0],
  [0, 0, 6, 1],
];
const labels = [0, 0, 1, 1];

describe('module-usage', function () {
  this.timeout(20_000);

  itHolds(
    139,
    'recovers planted routing exactly: samples, weights, by label, and what is never used',
    async () => {
      const data = memoryDataset({ x: float32Tensor(rows.flat(), [4, 4]) }, labels);
      const draft = await runOn(moduleUsage, mixture('best'), data);
      const [name = ''] = Object.keys(draft.arrays).map((key) => key.replace(/\.sampleShare$/, ''));
      assert.deepEqual(arrayOf(draft, `${name}.sampleShare`), [0.5, 0.25, 0.25, 0]);
      assert.deepEqual(arrayOf(draft, `${name}.sampleShareByLabel`), [1, 0, 0, 0, 0, 0.5, 0.5, 0]);
      // The mass is the mean of the softmax, added up here in float64; the graph's is float32.
      const softmax = rows.map((row) => {
        const powers = row.map(Math.exp);
        return powers.map((power) => power / powers.reduce((a, b) => a + b));
      });
      for (const [index, share] of arrayOf(draft, `${name}.weightShare`).entries()) {
        const expected = softmax.reduce((sum, row) => sum + (row[index] ?? 0), 0) / rows.length;
        assert.ok(Math.abs(share - expected) < 1e-6, `${String(share)} ${String(expected)}`);
      }
      assert.equal(draft.metrics['neverUsedCount'], 1);
      assert.match(draft.findings[0]?.message ?? '', /No sample uses .*\[3\]/);

      const gates = [1, 0, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0];
      const skills = await runOn(
        moduleUsage,
        skilled(),
        memoryDataset(
          { x: float32Tensor([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]), skills: float32Tensor(gates, [4, 3]) },
          labels,
        ),
      );
      assert.deepEqual(arrayOf(skills, 'skills.sampleShare'), [0.75, 0.5, 0]);
      assert.deepEqual(arrayOf(skills, 'skills.weightShare'), [2.5 / 4, 1.5 / 4, 0]);
      assert.deepEqual(arrayOf(skills, 'skills.sampleShareByLabel'), [0.5, 0.5, 0, 1, 0.5, 0]);

      const branches = await runOn(
        moduleUsage,
        branchingModel(),
        memoryDataset({ x: float32Tensor([-1, -2, 1, 1, 2, 0, 1, 0], [4, 2]) }, labels),
      );
      assert.deepEqual(arrayOf(branches, 'outer.sampleShare'), [0.25, 0.75]);
      assert.deepEqual(arrayOf(branches, 'outer/then/inner.sampleShare'), [0.75, 0]);
      assert.equal(branches.metrics['neverUsedCount'], 1);
    },
  );

  it('weighs only the chosen where the best are taken before the softmax', async () => {
    const draft = await runOn(
      moduleUsage,
      mixture('best-first'),
      memoryDataset({ x: float32Tensor(rows.flat(), [4, 4]) }, labels),
    );
    const [name = ''] = Object.keys(draft.arrays).map((key) => key.replace(/\.sampleShare$/, ''));
    // The two largest scores of the rows: 5 and 1, 9 and 1, 7 and 0 (the first of three), 6 and 1.
    assert.deepEqual(arrayOf(draft, `${name}.sampleShare`), [0.75, 0.5, 0.25, 0.5]);
    const first = [4, 8, 7, 5].map((difference) => 1 / (1 + Math.exp(-difference)));
    const [a = 0, b = 0, c = 0, d = 0] = first;
    const expected = [a + b + (1 - c), 1 - b + c, d, 1 - a + (1 - d)].map((sum) => sum / 4);
    for (const [index, share] of arrayOf(draft, `${name}.weightShare`).entries()) {
      assert.ok(
        Math.abs(share - (expected[index] ?? 0)) < 1e-6,
        `${String(share)} ${String(expected[index])}`,
      );
    }
  });

  it('counts what a mixture without a choice weighs above the least weight', async () => {
    const data = memoryDataset({ x: float32Tensor([0, 0, 0, -20], [1, 4]) });
    const draft = await runOn(moduleUsage, mixture('dense'), data);
    const [name = ''] = Object.keys(draft.arrays).map((key) => key.replace(/\.sampleShare$/, ''));
    assert.deepEqual(arrayOf(draft, `${name}.sampleShare`), [1, 1, 1, 0]);
  });

  it('refuses a model that routes nothing, and sees none in a gate of channels', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 4));
    builder.node('Mul', ['x', builder.node('Sigmoid', [dense(builder, 'x', [1, 2, 3, 4], 1)])], {
      outputs: ['y'],
    });
    builder.addOutput('y');
    const data = memoryDataset({ x: float32Tensor([1, 2, 3, 4], [1, 4]) });
    await assert.rejects(runOn(moduleUsage, builder.build(), data), { code: 'no-modules' });
  });
});
