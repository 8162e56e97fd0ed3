import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { runGradient } from '../../support/gradientRun.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';

/** One product in float32. */
const rounding = 1e-6;

describe('gradients of Dropout in training mode', () => {
  for (const isTraining of [true, false]) {
    it(`follow what was ${isTraining ? 'dropped in the same run' : 'kept: everything'}`, async () => {
      const builder = new GraphBuilder(emptyModel());
      builder.addInput('x', floatType(40));
      const flag: TensorValue = { dtype: 'bool', dims: [], data: Uint8Array.of(isTraining ? 1 : 0) };
      const operands = ['x', builder.constant(float32Tensor([0.3], [])), builder.constant(flag)];
      builder.node('Dropout', operands, { outputs: ['y'] });
      builder.addOutput('y');
      const x = normalTensor(createRandom(4), [40]);
      const cotangent = float32Tensor(new Float32Array(40).fill(1), [40]);
      const run = { feeds: { x }, output: 'y', cotangent, wrt: 'x' };
      const { gradient, value } = await runGradient(builder.build(), run);
      const numbers = toFloat64(x);
      // y = x · slope, element by element.
      toFloat64(value).forEach((y, i) => {
        assert.ok(
          Math.abs(y - gradient[i]! * numbers[i]!) <= rounding * Math.abs(numbers[i]! * 2),
          `element ${i}`,
        );
      });
      assert.equal(gradient.includes(0), isTraining);
    });
  }
});
