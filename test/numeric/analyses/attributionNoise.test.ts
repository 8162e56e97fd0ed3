import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { maxDifference, openOracle } from '../../support/oracle.js';
import { itWithShared } from '../../support/paths.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { assertClose, elementwise, isCode, linearModel } from '../../support/tensors.js';
import { assertNoiseKeys } from './assertNoiseKeys.js';
import { noiseKeys } from './attributionKeys.js';

describe('noise tunnels', function () {
  this.timeout(60_000);
  const weight = normalTensor(createRandom(11), [5, 3]);
  const x = normalTensor(createRandom(12), [4, 5]);
  const w = (i: number): number => weight.data[(i % 5) * 3 + 1] as number;

  it('leave a linear model’s weights as they are, exactly, and find no curvature', async () => {
    const linear = linearModel(weight);
    const expected: Readonly<Record<string, (i: number) => number>> = {
      smoothgrad: w,
      'smoothgrad-squared': (i) => w(i) ** 2,
      vargrad: () => 0,
    };
    for (const [method, of] of Object.entries(expected)) {
      const draft = await runAttribution(linear, { x }, { method, target: '1', samples: 7 });
      assertClose(
        arrayOf(draft, 'attribution'),
        elementwise(x, (_xi, i) => of(i)),
        1e-6,
      );
      assert.ok(draft.metrics['maxStandardError']! < 1e-6, method);
    }
  });

  it('estimate what algebra says of a quadratic model, within their own standard errors', async () => {
    // f = Σ aᵢ xᵢ²: g = 2aᵢ(xᵢ + ε), so E g = 2ax, E g² = 4a²(x² + σ²), Var g = 4a²σ².
    const a = [0.5, -1, 2, 0.25, -0.75];
    const samples = 400;
    const noise = 0.2;
    const deviation = (i: number): number => {
      const row = [0, 1, 2, 3, 4].map((k) => x.data[Math.floor(i / 5) * 5 + k] as number);
      return noise * (Math.max(...row) - Math.min(...row));
    };
    const expected: Readonly<Record<string, (xi: number, i: number) => readonly [number, number]>> = {
      smoothgrad: (xi, i) => [2 * a[i % 5]! * xi, 2 * Math.abs(a[i % 5]!) * deviation(i)],
      'smoothgrad-squared': (xi, i) => [
        4 * a[i % 5]! ** 2 * (xi ** 2 + deviation(i) ** 2),
        4 * a[i % 5]! ** 2 * deviation(i) * Math.sqrt(4 * xi ** 2 + 2 * deviation(i) ** 2),
      ],
      vargrad: (_xi, i) => [
        4 * a[i % 5]! ** 2 * deviation(i) ** 2,
        4 * a[i % 5]! ** 2 * deviation(i) ** 2 * Math.SQRT2,
      ],
    };
    for (const [method, of] of Object.entries(expected)) {
      const draft = await runAttribution(quadraticModel(a), { x }, { method, samples, noise });
      const errors = toFloat64(arrayOf(draft, 'standardError'));
      for (const [i, value] of toFloat64(arrayOf(draft, 'attribution')).entries()) {
        const [mean, spread] = of(x.data[i] as number, i);
        // 60 comparisons: 4.5 standard errors are exceeded once in some 2,000 seeds; 400 draws know theirs to 20 %.
        assert.ok(Math.abs(value - mean) < (4.5 * spread) / Math.sqrt(samples), `${method} ${i}`);
        assert.ok(Math.abs(errors[i]! / (spread / Math.sqrt(samples)) - 1) < 0.35, `${method} error ${i}`);
      }
    }
  });

  it('smooth integrated gradients of a layer from where the noisy row lands', async () => {
    const model = denseModel([5, 6, 3], 'Tanh', 2);
    const settings = { layer: 'fc1', samples: 3, noise: 0 };
    const plain = await runAttribution(model, { x }, { method: 'integrated-gradients', layer: 'fc1' });
    const draft = await runAttribution(
      model,
      { x },
      { ...settings, method: 'smoothgrad', around: 'integrated-gradients' },
    );
    assertClose(arrayOf(draft, 'attribution'), arrayOf(plain, 'attribution'), 1e-6);
  });

  it('are the same for the same seed and others for another, whatever the batch', async () => {
    const model = denseModel([5, 8, 3], 'Relu', 7);
    const run = async (seed: number, batchSize: number): Promise<TensorValue> =>
      arrayOf(
        await runAttribution(model, { x }, { method: 'smoothgrad', samples: 20 }, { seed, batchSize }),
        'attribution',
      );
    const first = await run(1, 64);
    assertClose(await run(1, 3), first, 1e-6);
    assert.ok(maxDifference(await run(2, 64), first) > 1e-3);
  });

  it('refuse one sample, which has no standard error', async () => {
    const settings = { method: 'smoothgrad', samples: 1 };
    await assert.rejects(runAttribution(linearModel(weight), { x }, settings), isCode('too-few-samples'));
  });

  itWithShared('reproduce Captum’s, with its stored noise', async (shared) => {
    const oracle = openOracle(join(shared, 'oracle'), 'lenet');
    await assertNoiseKeys(oracle, oracle.tensor('noise16'), noiseKeys);
  });
});

function quadraticModel(a: readonly number[]): Model {
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', a.length));
  const squares = builder.node('Mul', [input, input]);
  builder.addOutput(builder.node('MatMul', [squares, builder.constant(float32Tensor(a, [a.length, 1]))]));
  return builder.build();
}
