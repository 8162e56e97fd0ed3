import { int64Tensor } from '../../../src/onnx/tensorValue.js';
import { checkCase } from '../../support/gradientCase.js';

const count = (value: number): ReturnType<typeof int64Tensor> => int64Tensor([value], []);

describe('gradients of DFT', () => {
  for (const parts of [1, 2]) {
    const kind = parts === 1 ? 'real' : 'complex';
    it(`of ${kind} signals equal differences, whole and one-sided, padded and cut`, async () => {
      await checkCase({ op: 'DFT', inputs: [[2, 5, parts]] });
      await checkCase({ op: 'DFT', inputs: [[2, 5, parts], count(8)] });
      await checkCase({ op: 'DFT', inputs: [[2, 5, parts], count(3)], opset: 20 });
      if (parts === 1) await checkCase({ op: 'DFT', inputs: [[2, 5, parts]], attributes: { onesided: 1 } });
      await checkCase({ op: 'DFT', inputs: [[2, 4, 3, parts]], attributes: { axis: 1 } });
      await checkCase({ op: 'DFT', inputs: [[2, 4, 3, parts], '', count(1)], opset: 20 });
    });
  }

  it('of the inverse equal differences, also where sizes are known while running only', async () => {
    await checkCase({ op: 'DFT', inputs: [[2, 5, 2]], attributes: { inverse: 1 } });
  });
});
