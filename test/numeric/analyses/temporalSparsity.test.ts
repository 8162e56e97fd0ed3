import assert from 'node:assert/strict';
import { temporalSparsity } from '../../../src/analyses/health/temporal-sparsity.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import { memoryDataset, rowsOf } from '../../support/memoryDataset.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf, runOn } from '../../support/runHealth.js';

/** x → ReLU(x) → 3 outputs; the batch as given. */
function reluModel(width: number, batch: number | string = 'N'): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType(batch, width));
  const identity = Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0));
  const weight = builder.constant(float32Tensor(identity, [width, width]), 'fc1.weight');
  const dense = builder.node('MatMul', [x, weight], { outputs: ['fc1_out'], name: '/fc1/MatMul' });
  const act = builder.node('Relu', [dense], { outputs: ['act_out'], name: '/act/Relu' });
  const last = builder.constant(normalTensor(createRandom(3), [width, 3]), 'fc2.weight');
  builder.node('MatMul', [act, last], { outputs: ['logits'], name: '/fc2/MatMul' });
  builder.addOutput('logits', floatType(batch, 3));
  return builder.build();
}

/** Φ(z), by the series of erf; good to 1e-12 for |z| < 4. */
function normalCdf(z: number): number {
  let [term, sum] = [z, z];
  for (let n = 1; n < 100; n++) {
    term *= -(z * z) / (2 * n);
    sum += term / (2 * n + 1);
  }
  return 0.5 + sum / Math.sqrt(2 * Math.PI);
}

const noise = normalTensor(createRandom(11), [2001, 5]);

describe('temporal-sparsity', () => {
  itHolds(
    101,
    'a static clip is unchanged in all of its elements, the first frame left out, even with a threshold of 0',
    async () => {
      const frame = normalTensor(createRandom(1), [1, 5]);
      const data = float32Tensor(
        Array.from({ length: 9 }, () => [...(frame.data as Float32Array)]).flat(),
        [9, 5],
      );
      const draft = await runOn(temporalSparsity, reluModel(5), memoryDataset({ x: data }), {
        settings: { threshold: 0 },
        batchSize: 4,
      });
      assert.equal(draft.metrics['temporalSparsity'], 1);
      assert.equal(draft.metrics['temporalSaving'], 1);
      assert.equal(draft.metrics['stepCount'], 8);
      const zeros = [...(frame.data as Float32Array)].filter((value) => value <= 0).length;
      assert.equal(draft.metrics['spatialSparsity'], zeros / 5);
      assert.equal(draft.metrics['bothSparsity'], zeros / 5);
    },
  );

  itHolds(
    101,
    'white noise is unchanged as often as the closed forms say: 2Φ(θ/√2) − 1, behind a ReLU Φ(θ) − (1 − Φ(θ/√2))²',
    async () => {
      const draft = await runOn(temporalSparsity, reluModel(5), memoryDataset({ x: noise }), {
        settings: { threshold: 0.5, scale: 'absolute', steps: 'samples' },
      });
      // 10,000 elements, neighbours of which share a frame: the standard error is below √2 times that of independent ones.
      const error = Math.SQRT2 * Math.sqrt(0.25 / 10_000);
      const thresholds = arrayOf(draft, 'x.thresholds');
      const [ofInput, ofRelu] = [
        arrayOf(draft, 'x.unchangedByThreshold'),
        arrayOf(draft, 'act.unchangedByThreshold'),
      ];
      assert.deepEqual(thresholds, [0, 0.125, 0.25, 0.5, 1, 2]);
      for (const [index, threshold] of thresholds.entries()) {
        const apart = normalCdf(threshold / Math.SQRT2);
        assert(Math.abs(ofInput[index]! - (2 * apart - 1)) < 3 * error, `input, ${threshold}`);
        const relu = normalCdf(threshold) - (1 - apart) ** 2;
        assert(Math.abs(ofRelu[index]! - relu) < 3 * error, `ReLU, ${threshold}`);
      }
    },
  );

  describe('counts', () => {
    const threshold = 0.4;
    const data = rowsOf(noise, 0, 23);

    /** By hand: shares of ReLU(x) that are unchanged, near 0 and both, over the frames that have one before them. */
    function byHand(hasBefore: (frame: number) => boolean): readonly number[] {
      const relu = [...(data.data as Float32Array)].map((value) => Math.max(0, value));
      const counts = [0, 0, 0];
      let total = 0;
      for (let i = 5; i < relu.length; i++) {
        if (!hasBefore(Math.floor(i / 5))) continue;
        const isUnchanged = Math.abs(Math.fround(relu[i]! - relu[i - 5]!)) <= Math.fround(threshold);
        const isSilent = relu[i]! <= Math.fround(threshold);
        total++;
        if (isUnchanged) counts[0]!++;
        if (isSilent) counts[1]!++;
        if (isUnchanged && isSilent) counts[2]!++;
      }
      return counts.map((count) => count / total);
    }

    for (const [what, batch, batchSize] of [
      ['batches of any size', 'N', 4],
      ['a batch of 1 that the model insists on', 1, 1],
      ['a batch of 5 that the last samples do not fill', 5, 5],
    ] as const) {
      it(`equal a recount, with ${what}, over clips of 7 frames`, async () => {
        const draft = await runOn(temporalSparsity, reluModel(5, batch), memoryDataset({ x: data }), {
          settings: { threshold, scale: 'absolute', clip: 7, steps: 'samples' },
          batchSize,
        });
        const { temporalSparsity: temporal, spatialSparsity: spatial, bothSparsity: both } = draft.metrics;
        const expected = byHand((frame) => frame % 7 !== 0);
        for (const [index, share] of [temporal, spatial, both].entries()) {
          assert(
            Math.abs(share! - expected[index]!) < 1e-12,
            `${index}: ${share} against ${expected[index]}`,
          );
        }
        // fc1 reads the input, 25 products a sample, and fc2 the ReLU, 15: changes of each weigh by that.
        const [input] = arrayOf(draft, 'x.unchangedByThreshold').slice(3);
        const saving = (25 * input! + 15 * temporal!) / 40;
        assert(Math.abs(draft.metrics['temporalSaving']! - saving) < 1e-12);
        const silent = arrayOf(draft, 'x.silentFraction').reduce((sum, share) => sum + share / 5, 0);
        assert(Math.abs(draft.metrics['spatialSaving']! - (25 * silent + 15 * spatial!) / 40) < 1e-12);
      });
    }
  });

  it('steps along unmasked tokens where time runs inside the samples', async () => {
    const builder = new GraphBuilder(emptyModel());
    const x = builder.addInput('x', floatType('N', 'T', 2));
    builder.addInput('attention_mask', { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] });
    const identity = builder.constant(float32Tensor([1, 0, 0, 1], [2, 2]), 'fc.weight');
    const dense = builder.node('MatMul', [x, identity], { name: '/fc/MatMul' });
    builder.node('Relu', [dense], { outputs: ['y'], name: '/act/Relu' });
    builder.addOutput('y', floatType('N', 'T', 2));
    // Unit 0 stays at 1, unit 1 counts up; the last token of the second row is masked.
    const steps = [1, 1, 1, 2, 1, 3, 1, 1, 1, 2, 5, 9];
    const feeds: Record<string, TensorValue> = {
      x: float32Tensor(steps, [2, 3, 2]),
      attention_mask: int64Tensor([1, 1, 1, 1, 1, 0], [2, 3]),
    };
    const draft = await runOn(temporalSparsity, builder.build(), memoryDataset(feeds), {
      settings: { threshold: 0.5, scale: 'absolute' },
    });
    assert.deepEqual(arrayOf(draft, 'act.unchangedFraction'), [1, 0]);
    assert.match(draft.warnings.join(), /along the positions/);
  });

  it('says that a model without activations has nothing to count', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.node('Add', [builder.addInput('x', floatType('N', 2)), builder.scalar(1)], { outputs: ['y'] });
    builder.addOutput('y', floatType('N', 2));
    const data = memoryDataset({ x: normalTensor(createRandom(1), [4, 2]) });
    await assert.rejects(runOn(temporalSparsity, builder.build(), data), /Nothing in this model changes/);
  });
});
