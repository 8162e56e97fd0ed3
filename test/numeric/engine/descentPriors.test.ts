import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { appendAlphaNorm, appendTotalVariation, variationFloor } from '../../../src/engine/descent/priors.js';
import { differentiate } from '../../../src/engine/gradients/differentiate.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';

const [height, width] = [4, 5] as const;
const count = 2 * height * width;

describe('the priors of a descent', function () {
  this.timeout(30_000);
  // Two rows of two channels of 4 × 5, seed 1; the sum of both rows is differentiated.
  const z = normalTensor(createRandom(1), [2, 2, height, width]);

  itHolds(93, 'are the α-norm and its gradient α |z|^(α−1) sign z, by their closed form', async () => {
    for (const alpha of [1, 1.5, 2, 6]) {
      const { value, gradient } = await measure((builder) =>
        appendAlphaNorm(builder, 'z', { alpha, rank: 4 }),
      );
      const elements = toFloat64(z);
      for (const row of [0, 1]) {
        const sum = elements
          .subarray(row * count, (row + 1) * count)
          .reduce((total, each) => total + Math.abs(each) ** alpha, 0);
        near(value[row]!, sum / count);
      }
      for (const [i, each] of elements.entries()) {
        near(gradient[i]!, (alpha * Math.abs(each) ** (alpha - 1) * Math.sign(each)) / count);
      }
    }
  });

  itHolds(
    93,
    'are total variation over the position axes and its gradient, by their closed form',
    async () => {
      for (const beta of [1, 1.5, 2, 3]) {
        const { value, gradient } = await measure((builder) =>
          appendTotalVariation(builder, 'z', { beta, rank: 4, axes: [2, 3] }),
        );
        const expected = variationOf(toFloat64(z), beta);
        for (const row of [0, 1]) near(value[row]!, expected.values[row]!);
        for (const [i, each] of gradient.entries()) near(each, expected.gradient[i]!);
      }
    },
  );

  async function measure(
    append: (builder: GraphBuilder) => string,
  ): Promise<{ readonly value: Float64Array; readonly gradient: Float64Array }> {
    const forward = new GraphBuilder(emptyModel());
    forward.addInput('z', floatType(2, 2, height, width));
    const value = append(forward);
    const total = forward.node('ReduceSum', [value], { attributes: { keepdims: 0 } });
    const one = forward.scalar(1);
    const model = forward.build();
    const types = inferTypes(model);
    const { model: done, gradients } = differentiate(model, {
      seeds: [{ value: total, cotangent: one }],
      wrt: ['z'],
      types,
    });
    const builder = new GraphBuilder(done);
    const gradient = gradients.get('z')!;
    builder.setOutputs([value, gradient]);
    const session = await createRuntime({ provider: 'cpu' }).open(builder.build());
    const outputs = await session.run({ z });
    await session.close();
    return { value: toFloat64(outputs[value]!), gradient: toFloat64(outputs[gradient]!) };
  }
});

/** Σ (right² + down² [+ 10⁻⁶])^(β/2) / elements, and its derivative term by term. */
function variationOf(z: Float64Array, beta: number): { values: number[]; gradient: Float64Array } {
  const floor = beta < 2 ? variationFloor : 0;
  const values = [0, 0];
  const gradient = new Float64Array(z.length);
  for (let at = 0; at < z.length; at++) {
    const x = at % width;
    const y = Math.floor(at / width) % height;
    const right = x + 1 < width ? z[at + 1]! - z[at]! : 0;
    const down = y + 1 < height ? z[at + width]! - z[at]! : 0;
    const sum = right ** 2 + down ** 2 + floor;
    values[Math.floor(at / count)]! += sum ** (beta / 2) / count;
    const slope = (sum === 0 ? 0 : beta * sum ** (beta / 2 - 1)) / count;
    gradient[at]! -= slope * (right + down);
    if (x + 1 < width) gradient[at + 1]! += slope * right;
    if (y + 1 < height) gradient[at + width]! += slope * down;
  }
  return { values, gradient };
}

/** Float32 powers of numbers of a few units. */
function near(actual: number, expected: number): void {
  assert.ok(
    Math.abs(actual - expected) <= 1e-5 * Math.max(1, Math.abs(expected)),
    `${actual}, expected ${expected}`,
  );
}
