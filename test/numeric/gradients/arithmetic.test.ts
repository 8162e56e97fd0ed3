import { float32Tensor, int64Tensor } from '../../../src/onnx/tensorValue.js';
import { checkCase, type GradientCase } from '../../support/gradientCase.js';

const shapes: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [[3], [2, 3]],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [[], [2, 2]],
  [
    [1, 3],
    [4, 1],
  ],
];

/** Keeps away from 0, where quotients explode. */
const apart = (value: number): number => (value < 0 ? value - 0.5 : value + 0.5);

describe('gradients of elementwise arithmetic', () => {
  for (const op of ['Add', 'Sub', 'Mul', 'Div', 'Min', 'Max', 'Sum', 'Mean']) {
    for (const [a, b] of shapes) {
      it(`of ${op} equal central differences for [${a.join()}] and [${b.join()}]`, async () => {
        const given: GradientCase = { op, inputs: [a, b], map: apart };
        await checkCase(given);
        await checkCase({ ...given, hidden: true }, 2);
      });
    }
  }

  it('of variadic Sum, Mean, Max and Min cover more than two operands', async () => {
    for (const op of ['Sum', 'Mean', 'Max', 'Min']) {
      await checkCase({ op, inputs: [[2, 3], [3], [2, 1], [1]] });
    }
  });

  it('of Pow equal central differences by base and exponent', async () => {
    const map = (value: number): number => Math.abs(value) + 0.3;
    for (const [a, b] of shapes) await checkCase({ op: 'Pow', inputs: [a, b], map });
    for (const power of [2, 3, 1, 0]) {
      await checkCase({ op: 'Pow', inputs: [[2, 3], float32Tensor([power], [])] });
      await checkCase({ op: 'Pow', inputs: [[2, 3], int64Tensor([power], [1])] });
    }
  });
});
