import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { resize } from '../../../src/engine/numeric/resize.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { caseRuntime } from '../../support/gradientCase.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { assertClose, elementwise, isCode, linearModel, range, sum } from '../../support/tensors.js';

/** How a planted network ends after its last maps. */
interface Head {
  readonly pooling: 'GlobalAveragePool' | 'ReduceMean' | 'AveragePool';
  /** Without one the maps are the classes' own. */
  readonly weight?: TensorValue;
  readonly bias?: TensorValue;
}

const side = 6;

/** Conv, Relu and a head of linear operators; `maps` are what is pooled. */
function pooledModel(kernel: TensorValue, { pooling, weight, bias }: Head): Model {
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', 2, side, side));
  const conv = builder.node('Conv', [input, builder.constant(kernel, 'conv.weight')], {
    attributes: { pads: [1, 1, 1, 1] },
  });
  const maps = builder.node('Relu', [conv], { outputs: ['maps'], name: '/relu/Relu' });
  const pooled =
    pooling === 'ReduceMean'
      ? builder.reduce('ReduceMean', maps, [2, -1], false)
      : builder.node(pooling, [maps], {
          attributes: pooling === 'AveragePool' ? { kernel_shape: [side, side] } : {},
        });
  const flat = pooling === 'ReduceMean' ? pooled : builder.node('Flatten', [pooled]);
  const logits =
    weight === undefined ? flat : builder.node('MatMul', [flat, builder.constant(weight, 'fc.weight')]);
  const biased = bias === undefined ? logits : builder.node('Add', [logits, builder.constant(bias)]);
  builder.addOutput(builder.node('Softmax', [biased], { outputs: ['probabilities'] }));
  builder.addOutput('maps');
  return builder.build();
}

describe('class activation maps', function () {
  this.timeout(30_000);
  const random = createRandom(4);
  const kernel = normalTensor(random, [4, 2, 3, 3], 0.5);
  const weight = normalTensor(random, [4, 3]);
  const bias = float32Tensor([0.5, -1, 2], [3]);
  const x = normalTensor(random, [2, 2, side, side]);

  for (const pooling of ['GlobalAveragePool', 'ReduceMean', 'AveragePool'] as const) {
    itHolds(
      65,
      `are the weighted maps before ${pooling}, and their mean is the logit without its bias`,
      async () => {
        const model = pooledModel(kernel, { pooling, weight, bias });
        const draft = await runAttribution(model, { x }, { method: 'cam', target: '2' });
        const activations = toFloat64(await mapsOf(model, x));
        const cam = arrayOf(draft, 'attribution');
        assert.deepEqual(cam.dims, [2, 1, side, side]);
        const expected = elementwise(cam, (_value, i) => {
          const [row, position] = [Math.floor(i / side ** 2), i % side ** 2];
          return sum(
            4,
            (c) => (weight.data[c * 3 + 2] as number) * activations[(row * 4 + c) * side ** 2 + position]!,
          );
        });
        assertClose(cam, expected, 1e-5);
        for (const row of [0, 1]) {
          const mean = sum(side ** 2, (p) => toFloat64(cam)[row * side ** 2 + p]!) / side ** 2;
          assert.ok(Math.abs(mean + 2 - toFloat64(arrayOf(draft, 'output'))[row]!) < 1e-5);
        }
        assert.ok(draft.metrics['maxCompletenessError']! < 1e-5);
        assert.ok(Math.abs(draft.metrics['baselineOutput']! - 2) < 1e-6);
      },
    );
  }

  itHolds(65, 'are the class-confidence maps themselves where these are pooled into the logits', async () => {
    const model = pooledModel(kernel, { pooling: 'GlobalAveragePool' });
    const draft = await runAttribution(model, { x }, { method: 'cam', target: '3' });
    const activations = toFloat64(await mapsOf(model, x));
    const cam = arrayOf(draft, 'attribution');
    assertClose(
      cam,
      elementwise(
        cam,
        (_value, i) => activations[(Math.floor(i / side ** 2) * 4 + 3) * side ** 2 + (i % side ** 2)]!,
      ),
      1e-6,
    );
    assert.ok(draft.metrics['maxCompletenessError']! < 1e-5);
    assert.match(JSON.stringify(draft.blocks), /Maps of relu/);
  });

  it('are refused where no global average of maps leads to the output by linear operators', async () => {
    await assert.rejects(
      runAttribution(linearModel(weight), { x: normalTensor(random, [1, 4]) }, { method: 'cam' }),
      isCode('maps-not-pooled'),
    );
    const builder = new GraphBuilder(pooledModel(kernel, { pooling: 'GlobalAveragePool' }));
    builder.setOutputs([builder.node('Tanh', ['probabilities'])]);
    await assert.rejects(
      runAttribution(builder.build(), { x }, { method: 'cam' }),
      isCode('maps-not-pooled'),
    );
  });
});

describe('Score-CAM', () => {
  it('weighs every map by what the model sees through it alone', async () => {
    const random = createRandom(14);
    const kernel = normalTensor(random, [3, 2, 3, 3], 0.5);
    const model = pooledModel(kernel, { pooling: 'GlobalAveragePool' });
    const x = normalTensor(random, [1, 2, side, side]);
    const settings = { method: 'score-cam', layer: 'relu', target: '1', relu: false, baseline: '0.5' };
    const draft = await runAttribution(model, { x }, settings);
    const maps = toFloat64(await mapsOf(model, x));
    const logit = async (input: TensorValue): Promise<number> => {
      const seen = toFloat64(await mapsOf(model, input)).subarray(side ** 2, 2 * side ** 2);
      return sum(side ** 2, (p) => seen[p]!) / side ** 2;
    };
    const atBaseline = await logit(elementwise(x, () => 0.5));
    const expected = new Float64Array(side ** 2);
    for (const c of range(0, 3)) {
      const map = maps.subarray(c * side ** 2, (c + 1) * side ** 2);
      const [low, high] = [Math.min(...map), Math.max(...map)];
      const mask = resize(map.slice(), [side, side], [side, side], 'bilinear').map(
        (v) => (v - low) / (high - low),
      );
      const masked = elementwise(x, (value, i) => 0.5 + mask[i % side ** 2]! * (value - 0.5));
      const weight = (await logit(masked)) - atBaseline;
      for (const [p, value] of map.entries()) expected[p]! += weight * value;
    }
    assertClose(
      arrayOf(draft, 'attribution'),
      float32Tensor(Float32Array.from(expected), [1, 1, side, side]),
      1e-5,
    );
    const positive = await runAttribution(model, { x }, { ...settings, relu: true });
    assertClose(
      arrayOf(positive, 'attribution'),
      float32Tensor(
        Float32Array.from(expected, (value) => Math.max(0, value)),
        [1, 1, side, side],
      ),
      1e-5,
    );
  });
});

describe('RISE', function () {
  this.timeout(30_000);
  const random = createRandom(15);
  const weight = normalTensor(random, [6, 2]);
  const linear = linearModel(weight);
  const x = normalTensor(random, [3, 6]);

  it('estimates the closed form on a linear model within its standard error', async () => {
    const keep = 0.3;
    const settings = { method: 'rise', target: '0', keep, samples: 3000 };
    let within = 0;
    for (const seed of range(0, 5)) {
      const draft = await runAttribution(linear, { x }, settings, { seed });
      const errors = toFloat64(arrayOf(draft, 'standardError'));
      for (const [i, score] of toFloat64(arrayOf(draft, 'attribution')).entries()) {
        const row = Math.floor(i / 6);
        const share = (j: number): number => (x.data[row * 6 + j] as number) * (weight.data[j * 2] as number);
        // E[f · Mᵢ] / p = wᵢ xᵢ + p Σ_{j ≠ i} wⱼ xⱼ for independent cells.
        const expected = share(i % 6) + keep * sum(6, (j) => (j === i % 6 ? 0 : share(j)));
        if (Math.abs(score - expected) <= 2 * errors[i]!) within++;
      }
    }
    assert.ok(within >= 0.88 * 90 && within < 90, `${within} of 90`);
  });

  it('draws smooth masks of an image that let the given share through, the same for the same seed', async () => {
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', 1, 28, 28));
    const kernel = builder.constant(float32Tensor([1], [1, 1, 1, 1]));
    builder.addOutput(
      builder.node('Flatten', [builder.node('GlobalAveragePool', [builder.node('Conv', [input, kernel])])]),
    );
    const image = float32Tensor(new Float32Array(784).fill(1), [1, 1, 28, 28]);
    const run = async (seed: number): Promise<TensorValue> =>
      arrayOf(
        await runAttribution(builder.build(), { x: image }, { method: 'rise', samples: 800 }, { seed }),
        'attribution',
      );
    const scores = await run(1);
    // The mean of a mask is 0.5, and barely depends on what one pixel does.
    for (const score of toFloat64(scores)) assert.ok(Math.abs(score - 0.5) < 0.12, `${score}`);
    assert.deepEqual(toFloat64(await run(1)), toFloat64(scores));
    assert.notDeepEqual(toFloat64(await run(2)), toFloat64(scores));
  });
});

/** The planted maps on an input. */
async function mapsOf(model: Model, x: TensorValue): Promise<TensorValue> {
  const session = await caseRuntime.open(model);
  const outputs = await session.run({ x }, ['maps']);
  await session.close();
  return outputs['maps']!;
}
