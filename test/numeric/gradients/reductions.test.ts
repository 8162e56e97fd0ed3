import { int64Tensor } from '../../../src/onnx/tensorValue.js';
import { float32Tensor } from '../../../src/onnx/tensorValue.js';
import { checkCase } from '../../support/gradientCase.js';

const positive = (value: number): number => Math.abs(value) + 0.3;

const operators = ['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd'].concat([
  'ReduceSumSquare',
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSumExp',
  'ReduceLogSum',
]);

describe('gradients of reductions', () => {
  for (const op of operators) {
    for (const opset of [17, 18]) {
      it(`of ${op} equal central differences in the form of opset ${opset}`, async () => {
        const map = op === 'ReduceLogSum' ? positive : (value: number) => value;
        for (const keepdims of [0, 1]) {
          for (const axes of [[1], [0, 2], [-1], [-2, 0]]) {
            const asInput = op === 'ReduceSum' || opset === 18;
            const inputs = [[2, 3, 4], ...(asInput ? [int64Tensor(axes, [axes.length])] : [])];
            const attributes = { keepdims, ...(asInput ? {} : { axes }) };
            await checkCase({ op, inputs, attributes, opset, map });
          }
          await checkCase({ op, inputs: [[3, 2]], attributes: { keepdims }, opset, map, hidden: true });
        }
      });
    }
  }

  it('of ReduceProd are exact where elements are 0', async () => {
    const rows = [2, 0, 3, 0, 0, 5, 1, 4, 7];
    const wrt = { wrt: float32Tensor(rows, [3, 3]) };
    await checkCase({ op: 'ReduceProd', inputs: [wrt], attributes: { axes: [1] } });
  });

  it('of Softmax and LogSoftmax equal central differences along any axis', async () => {
    for (const op of ['Softmax', 'LogSoftmax']) {
      await checkCase({ op, inputs: [[3, 5]] });
      for (const axis of [0, 1, 2, -2]) await checkCase({ op, inputs: [[2, 3, 4]], attributes: { axis } });
    }
  });
});
