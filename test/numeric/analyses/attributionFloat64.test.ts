import assert from 'node:assert/strict';
import { join } from 'node:path';
import { quadrature } from '../../../src/engine/numeric/quadrature.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { lenet64 } from '../../support/lenet64.js';
import { openOracle, oracleFixturesDir } from '../../support/oracle.js';
import { itWithShared } from '../../support/paths.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';

const stepCount = 50;
const pixelCount = 784;

describe('attribution in float32 against float64 by hand', function () {
  this.timeout(60_000);

  it('differs at no step of the path but those whose max-pool windows tie within float32 rounding', async () => {
    const oracle = openOracle(oracleFixturesDir, 'lenet');
    const model = convertToOpset17(await readModel(oracle.modelPath));
    const network = await lenet64(model);
    const row = 3;
    const target = Number(oracle.tensor('target').data[row]);
    const { points } = quadrature('gauss-legendre', stepCount);
    const image = toFloat64(oracle.tensor('x')).subarray(row * pixelCount, (row + 1) * pixelCount);
    const path = Float32Array.from({ length: stepCount * pixelCount }, (_, i) => {
      return image[i % pixelCount]! * points[Math.floor(i / pixelCount)]!;
    });
    const draft = await runAttribution(
      model,
      { x: float32Tensor(path, [stepCount, 1, 28, 28]) },
      { method: 'gradient', target: String(target) },
      { limit: stepCount },
    );
    const gradients = toFloat64(arrayOf(draft, 'attribution'));
    let resolvedCount = 0;
    for (let step = 0; step < stepCount; step++) {
      const at = network(Float64Array.from(path.subarray(step * pixelCount, (step + 1) * pixelCount)));
      // Pooled values are of order one: sums of 150 float32 terms of that size are good to some 1e-7.
      if (at.smallestLead < 1e-7) continue;
      resolvedCount++;
      for (const [i, expected] of at.logitGradient(target).entries()) {
        assert.ok(Math.abs(gradients[step * pixelCount + i]! - expected) < 1e-6, `step ${step}, pixel ${i}`);
      }
    }
    assert.ok(resolvedCount >= 40, `only ${resolvedCount} steps are free of near ties`);
  });

  itWithShared(
    'confirms the reference where float32 cannot: its integrals, within its own tolerance',
    async (shared) => {
      const oracle = openOracle(join(shared, 'oracle'), 'lenet');
      const network = await lenet64(await readModel(oracle.modelPath));
      const images = toFloat64(oracle.tensor('x'));
      const { points, weights } = quadrature('gauss-legendre', stepCount);
      for (const key of ['ig', 'neuron_ig.fc1[5]']) {
        const expected = toFloat64(oracle.tensor(key));
        for (let row = 0; row < 4; row++) {
          const image = images.subarray(row * pixelCount, (row + 1) * pixelCount);
          const target = Number(oracle.tensor('target').data[row]);
          const sum = new Float64Array(pixelCount);
          for (const [step, point] of points.entries()) {
            const at = network(image.map((value) => value * point));
            const slope = key === 'ig' ? at.logitGradient(target) : at.fc1Gradient(5);
            for (const [i, value] of slope.entries()) sum[i]! += weights[step]! * value * image[i]!;
          }
          for (const [i, value] of sum.entries()) {
            assert.ok(
              Math.abs(value - expected[row * pixelCount + i]!) <= oracle.tolerance(key),
              `${key}, row ${row}, pixel ${i}`,
            );
          }
        }
      }
    },
  );
});
