import { int64Tensor } from '../../../src/onnx/tensorValue.js';
import { checkCase } from '../../support/gradientCase.js';

/** Places of which some are written twice. */
const twice = int64Tensor([0, 2, 0, 1, 1, 1], [3, 2]);
const rows = int64Tensor([2, 0, 2], [3, 1]);

describe('gradients of scatters', () => {
  for (const reduction of ['add', 'mul', 'max', 'min']) {
    const opset = reduction.startsWith('m') && reduction !== 'mul' ? 18 : 17;
    it(`ScatterElements equal differences with reduction=${reduction} at repeated places`, async () => {
      const attributes = { axis: 0, reduction };
      await checkCase({ op: 'ScatterElements', inputs: [[3, 2], twice, [3, 2]], attributes, opset });
    });
    it(`ScatterND equal differences with reduction=${reduction} at repeated places`, async () => {
      await checkCase({ op: 'ScatterND', inputs: [[3, 2], rows, [3, 2]], attributes: { reduction }, opset });
    });
  }

  it('of products are exact where factors are zero', async () => {
    const map = (value: number): number => (Math.abs(value) < 0.7 ? 0 : value);
    for (const seed of [1, 2, 3]) {
      const attributes = { axis: 0, reduction: 'mul' };
      await checkCase({ op: 'ScatterElements', inputs: [[3, 2], twice, [3, 2]], attributes, map }, seed);
    }
  });
});
