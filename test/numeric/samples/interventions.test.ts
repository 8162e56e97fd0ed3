import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  activationSwapAt,
  type AddressContext,
  interventionsAt,
} from '../../../src/engine/interventions/atAddresses.js';
import type { Change } from '../../../src/engine/interventions/change.js';
import { runVariants } from '../../../src/engine/interventions/runVariants.js';
import type { Variant } from '../../../src/engine/interventions/variantReach.js';
import { intervene } from '../../../src/engine/rewrites/intervene.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { float32Tensor, int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { createRandom } from '../../../src/base/random.js';
import { contextOf, runOnce } from '../../support/interventions.js';
import { normalTensor } from '../../support/modelBuilder.js';
import { samplesDir } from '../../support/paths.js';

const runtime = createRuntime({ provider: 'cpu' });

function sample(name: string): Promise<Model> {
  return readModel(join(samplesDir, name, `${name}.onnx`));
}

/** Largest difference of two rows of numbers. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}

/** Float32 sums over a few hundred terms around 1, through several layers. */
const rounding = 1e-3;

describe('interventions on the samples', function () {
  this.timeout(60_000);

  describe('story-lm', () => {
    let model: Model;
    let context: AddressContext;
    const random = createRandom(4);
    const tokens = int64Tensor(
      Array.from({ length: 24 }, () => random.integer(1024)),
      [2, 12],
    );
    before(async () => {
      model = await sample('story-lm');
      context = contextOf(model);
    });

    it('zeroes every head and some neurons in one batch, as one by one', async () => {
      const heads = [0, 1, 2, 3].flatMap((block) =>
        [0, 1, 2, 3].map((head) => `blocks.${block}.attention.head[${head}]`),
      );
      const addresses = [...heads, 'blocks.2.mlp.hidden[7]', 'L3N42', 'blocks.1.mlp.fc1[3]@-1', 'norm[5]@2'];
      const variants = addresses.map((address): Variant =>
        interventionsAt([address], { kind: 'zero' }, context),
      );
      const { outputs, how } = await runVariants(runtime, model, {
        variants,
        types: inferTypes(model),
        feeds: { tokens },
      });
      assert.deepEqual(how, { kind: 'batched' });
      const plain = toFloat64((await runOnce(model, { tokens }))['logits']!);
      for (const [index, variant] of variants.entries()) {
        const expected = toFloat64((await runOnce(intervene(model, variant), { tokens }))['logits']!);
        const batched = toFloat64(outputs[index]!['logits']!);
        assert.ok(distance(batched, expected) < rounding, addresses[index]);
        assert.ok(distance(plain, expected) > 1e-4, `${addresses[index]!} does nothing`);
      }
    });

    it('changes no position before the one that is changed: attention looks back only', async () => {
      const changes = interventionsAt(['blocks.0.mlp.act@6'], { kind: 'scale', factor: 5 }, context);
      const plain = toFloat64((await runOnce(model, { tokens }))['logits']!);
      const changed = toFloat64((await runOnce(intervene(model, changes), { tokens }))['logits']!);
      for (const row of [0, 1]) {
        const at = (position: number): number => (row * 12 + position) * 1024;
        assert.deepEqual(changed.subarray(at(0), at(6)), plain.subarray(at(0), at(6)));
        assert.ok(distance(changed.subarray(at(6), at(12)), plain.subarray(at(6), at(12))) > 0.01);
      }
    });

    it('takes a recognised GELU for what it is: GELU in its place changes nothing, ReLU does', async () => {
      const plain = toFloat64((await runOnce(model, { tokens }))['logits']!);
      const swapped = async (by: 'gelu' | 'relu'): Promise<Float64Array> => {
        const variant = activationSwapAt('blocks.1.mlp.act', by, context);
        return toFloat64((await runOnce(intervene(model, variant), { tokens }))['logits']!);
      };
      assert.ok(distance(await swapped('gelu'), plain) < rounding);
      assert.ok(distance(await swapped('relu'), plain) > 0.01);
    });
  });

  it('fashion-cnn: zeroes every channel of a block in one batch, as one by one', async () => {
    const model = await sample('fashion-cnn');
    const context = contextOf(model);
    const image = normalTensor(createRandom(2), [3, 1, 28, 28]);
    const variants = Array.from({ length: 32 }, (_, unit): Variant =>
      interventionsAt([`block2.relu1[${unit}]`], { kind: 'zero' }, context),
    );
    const request = { variants, types: inferTypes(model), feeds: { image } };
    const { outputs, how } = await runVariants(runtime, model, request);
    assert.deepEqual(how, { kind: 'batched' });
    for (const unit of [0, 9, 31]) {
      const expected = await runOnce(intervene(model, variants[unit]!), { image });
      const batched = toFloat64(outputs[unit]!['logits']!);
      assert.ok(distance(batched, toFloat64(expected['logits']!)) < rounding, `channel ${unit}`);
    }
  });

  for (const [name, tolerance] of [
    // Half precision has 11 bits, and 8 bits have steps of a few hundredths.
    ['digits-fp16', 0.05],
    ['digits-int8', 0.7],
  ] as const) {
    it(`${name}: every kind of change does what it does in digits-cnn, within the coarser steps`, async () => {
      const changes: Change[] = [
        { kind: 'zero' },
        { kind: 'mean', mean: float32Tensor([0.25], []) },
        { kind: 'add', direction: float32Tensor([0.5], []), scale: 0.5 },
        { kind: 'scale', factor: 0.5 },
        { kind: 'clamp', low: 0.125, high: 0.5 },
        { kind: 'keep-top-k', k: 3, axis: 1 },
        { kind: 'resample', rows: int64Tensor([1, 2, 0], [3]) },
      ];
      const coarse = await sample(name);
      const fine = await sample('digits-cnn');
      const image = float32Tensor(
        Array.from({ length: 3 * 784 }, (_, i) => ((i * 7919) % 256) / 255),
        [3, 1, 28, 28],
      );
      const addresses = ['relu1[2]', 'relu1[9]', 'relu1[3]@5,5', 'relu2'];
      const logitsOf = async (model: Model, change: Change): Promise<Float64Array> => {
        const changed = intervene(model, interventionsAt(addresses, change, contextOf(model)));
        return toFloat64((await runOnce(changed, { image }))['logits']!);
      };
      for (const change of changes) {
        const [here, there] = [await logitsOf(coarse, change), await logitsOf(fine, change)];
        assert.ok(distance(here, there) < tolerance, `${change.kind}: ${distance(here, there)}`);
      }
    });
  }
});
