import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { assertClose, elementwise, linearModel, sum } from '../../support/tensors.js';

// Float32 sums of a few dozen terms of order one.
const rounding = 1e-5;

describe('the attribution methods with another rule for rectifiers', function () {
  this.timeout(30_000);
  const random = createRandom(41);

  it('are the weights of a linear model, where there is no rectifier', async () => {
    const weight = normalTensor(random, [5, 3]);
    const x = normalTensor(random, [4, 5]);
    for (const method of ['guided-backprop', 'deconvnet']) {
      const draft = await runAttribution(linearModel(weight), { x }, { method, target: '1' });
      const expected = elementwise(x, (_xi, i) => weight.data[(i % 5) * 3 + 1] as number);
      assertClose(arrayOf(draft, 'attribution'), expected, 0);
      assert.deepEqual(draft.findings, []);
    }
  });

  for (const opType of ['Relu', 'Relu6']) {
    itHolds(
      93,
      `cut what pushes downwards at every ${opType}, and where it was inactive or not`,
      async () => {
        const [first, second, third] = [
          normalTensor(random, [4, 6]),
          normalTensor(random, [6, 5]),
          normalTensor(random, [5, 2]),
        ];
        const x = normalTensor(random, [3, 4], 2);
        const model = twoRectifiers([first, second, third], opType);
        for (const method of ['guided-backprop', 'deconvnet']) {
          const draft = await runAttribution(model, { x }, { method, target: '0' });
          const expected = elementwise(x, (_xi, i) => {
            const row = Math.floor(i / 4);
            const input = [0, 1, 2, 3].map((k) => x.data[row * 4 + k] as number);
            const high = opType === 'Relu6' ? 6 : Infinity;
            const clip = (z: number): number => Math.min(high, Math.max(0, z));
            const z1 = product(input, first);
            const z2 = product(z1.map(clip), second);
            const back = (z: number, g: number): number =>
              method === 'deconvnet' || (z > 0 && z < high) ? Math.max(0, g) : 0;
            const g2 = z2.map((z, j) => back(z, third.data[j * 2] as number));
            const g1 = z1.map((z, j) =>
              back(
                z,
                sum(5, (k) => (second.data[j * 5 + k] as number) * g2[k]!),
              ),
            );
            return sum(6, (j) => (first.data[(i % 4) * 6 + j] as number) * g1[j]!);
          });
          assertClose(arrayOf(draft, 'attribution'), expected, rounding);
        }
      },
    );
  }

  it('say which activations are no rectifiers', async () => {
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', 4));
    const hidden = builder.node('Tanh', [
      builder.node('MatMul', [input, builder.constant(normalTensor(random, [4, 3]))]),
    ]);
    builder.addOutput(hidden);
    const x = normalTensor(random, [2, 4]);
    const draft = await runAttribution(builder.build(), { x }, { method: 'guided-backprop' });
    const plain = await runAttribution(builder.build(), { x }, { method: 'gradient' });
    assertClose(arrayOf(draft, 'attribution'), arrayOf(plain, 'attribution'), 0);
    assert.match(draft.findings[0]!.message, /Tanh, which got the plain gradient/);
  });
});

describe('Grad-CAM++', function () {
  this.timeout(30_000);
  const side = 6;
  const image = normalTensor(createRandom(51), [2, 1, side, side]);
  const kernel = normalTensor(createRandom(52), [3, 1, 3, 3]);
  const head = normalTensor(createRandom(53), [3 * 16, 2]);

  it('weights every position by the closed form of its ratio of derivatives', async () => {
    const draft = await runAttribution(
      flattenedMaps(kernel, head),
      { x: image },
      { method: 'grad-cam-plus-plus', layer: 'conv.act', target: '1', relu: false },
    );
    const map = toFloat64(arrayOf(draft, 'attribution'));
    for (let row = 0; row < 2; row++) {
      const maps = [0, 1, 2].map((channel) => activations(row, channel));
      const weights = maps.map((activation, channel) => {
        const total = activation.reduce((a, b) => a + b);
        return sum(16, (p) => {
          const g = head.data[(channel * 16 + p) * 2 + 1] as number;
          // α = g²/(2g² + g³ΣA), the powers being the derivatives of e^f for f linear in A.
          return (g ** 2 / (2 * g ** 2 + g ** 3 * total)) * Math.max(g, 0);
        });
      });
      for (let p = 0; p < 16; p++) {
        const expected = sum(3, (channel) => weights[channel]! * maps[channel]![p]!);
        assert.ok(Math.abs(map[row * 16 + p]! - expected) < rounding);
      }
    }
    assert.deepEqual(draft.findings, []);
  });

  it('warns of a layer that is no activation', async () => {
    const draft = await runAttribution(
      flattenedMaps(kernel, head),
      { x: image },
      { method: 'grad-cam-plus-plus', layer: 'conv' },
    );
    assert.ok(draft.findings.some(({ message }) => message.includes('negative values')));
  });

  it('is laid over guided gradients by guided-grad-cam, in the shape of the input', async () => {
    const model = flattenedMaps(kernel, head);
    const settings = { target: '1', layer: 'conv.act' };
    const guided = await runAttribution(model, { x: image }, { method: 'guided-backprop', target: '1' });
    const maps = await runAttribution(model, { x: image }, { ...settings, method: 'grad-cam' });
    const both = await runAttribution(model, { x: image }, { ...settings, method: 'guided-grad-cam' });
    const enlarged = toFloat64(arrayOf(maps, 'attributionUpsampled'));
    const expected = elementwise(arrayOf(guided, 'attribution'), (value, i) => value * enlarged[i]!);
    assertClose(arrayOf(both, 'attribution'), expected, rounding);
    assert.ok(both.arrays['attributionUpsampled'] === undefined);
  });

  function activations(row: number, channel: number): number[] {
    return Array.from({ length: 16 }, (_, p) => {
      const [top, left] = [Math.floor(p / 4), p % 4];
      const z = sum(9, (k) => {
        const pixel = (top + Math.floor(k / 3)) * side + left + (k % 3);
        return (kernel.data[channel * 9 + k] as number) * (image.data[row * side * side + pixel] as number);
      });
      return Math.max(0, z);
    });
  }
});

function product(row: readonly number[], weight: TensorValue): number[] {
  const columns = weight.dims[1]!;
  return Array.from({ length: columns }, (_, j) =>
    sum(row.length, (i) => row[i]! * (weight.data[i * columns + j] as number)),
  );
}

function twoRectifiers(weights: readonly TensorValue[], opType: string): Model {
  const builder = new GraphBuilder(emptyModel());
  let value = builder.addInput('x', floatType('N', weights[0]!.dims[0]!));
  for (const [i, weight] of weights.entries()) {
    value = builder.node('MatMul', [value, builder.constant(weight, `fc${i}.weight`)]);
    if (i === weights.length - 1) break;
    value =
      opType === 'Relu'
        ? builder.node('Relu', [value])
        : builder.node('Clip', [value, builder.scalar(0), builder.scalar(6)]);
  }
  builder.addOutput(value);
  return builder.build();
}

function flattenedMaps(kernel: TensorValue, head: TensorValue): Model {
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', 1, 6, 6));
  const conv = builder.node('Conv', [input, builder.constant(kernel, 'conv.weight')], {
    name: '/conv/Conv',
  });
  const flat = builder.node('Flatten', [builder.node('Relu', [conv])]);
  builder.addOutput(builder.node('MatMul', [flat, builder.constant(head, 'head.weight')]));
  return builder.build();
}
