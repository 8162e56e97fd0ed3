import { createRandom } from '../../../src/base/random.js';
import { float32Tensor } from '../../../src/onnx/tensorValue.js';
import { checkCase } from '../../support/gradientCase.js';

const epsilon = { kind: 'float', value: 0.01 } as const;

describe('gradients of normalisation', () => {
  it('of BatchNormalization equal central differences by all five operands', async () => {
    const random = createRandom(5);
    const variance = {
      wrt: float32Tensor(
        Array.from({ length: 3 }, () => 0.5 + random.next()),
        [3],
      ),
    };
    for (const dims of [
      [2, 3, 4, 2],
      [4, 3, 5],
      [6, 3],
    ]) {
      const inputs = [dims, [3], [3], [3], variance];
      await checkCase({ op: 'BatchNormalization', inputs });
      await checkCase({ op: 'BatchNormalization', inputs, attributes: { epsilon }, hidden: true });
    }
  });

  it('of LayerNormalization equal central differences for every axis', async () => {
    for (const axis of [-1, 1, 2, -2]) {
      const shape = [2, 3, 5].slice(axis);
      const attributes = { axis, epsilon };
      await checkCase({ op: 'LayerNormalization', inputs: [[2, 3, 5], shape, shape], attributes });
      await checkCase({ op: 'LayerNormalization', inputs: [[2, 3, 5], shape], attributes });
    }
  });

  it('of LpNormalization equal central differences for both norms and any axis', async () => {
    for (const p of [1, 2]) {
      for (const axis of [-1, 1, 0]) {
        await checkCase({ op: 'LpNormalization', inputs: [[3, 4, 5]], attributes: { p, axis } });
      }
    }
  });

  it('of RMSNormalization, InstanceNormalization and GroupNormalization equal central differences', async () => {
    await checkCase({ op: 'RMSNormalization', inputs: [[2, 3, 5], [5]], opset: 23, attributes: { epsilon } });
    for (const dims of [
      [2, 4, 5],
      [2, 4, 3, 2],
    ]) {
      await checkCase({ op: 'InstanceNormalization', inputs: [dims, [4], [4]], attributes: { epsilon } });
      const attributes = { epsilon, num_groups: 2 };
      await checkCase({
        op: 'GroupNormalization',
        inputs: [dims, [4], [4]],
        attributes,
        opset: 21,
        isSingle: true,
      });
      const perGroup = { attributes, opset: 18, isSingle: true };
      await checkCase({ op: 'GroupNormalization', inputs: [dims, [2], [2]], ...perGroup });
    }
  });

  it('of BatchNormalization in training mode equal central differences of standardising the batch', async () => {
    for (const dims of [
      [4, 3],
      [3, 2, 4, 2],
    ]) {
      const channel = [dims[1] ?? 1];
      const attributes = { training_mode: 1 };
      const inputs = [
        dims,
        channel,
        channel,
        float32Tensor([0.1, 0.2, 0.3].slice(0, dims[1]), channel),
        float32Tensor([1, 2, 3].slice(0, dims[1]), channel),
      ];
      await checkCase({ op: 'BatchNormalization', inputs, attributes, outputCount: 3, seeded: [0] });
    }
  });

  it('of LRN equal central differences', async () => {
    const alpha = { kind: 'float', value: 0.6 } as const;
    const beta = { kind: 'float', value: 0.8 } as const;
    for (const size of [1, 3, 5]) {
      await checkCase({ op: 'LRN', inputs: [[2, 5, 2, 3]], attributes: { size, alpha, beta } });
    }
  });
});
