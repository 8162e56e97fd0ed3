import { checkCase } from '../../support/gradientCase.js';

describe('gradients of matrix products', () => {
  for (const transA of [0, 1]) {
    for (const transB of [0, 1]) {
      it(`of Gemm equal central differences with transA=${transA}, transB=${transB}`, async () => {
        const a = transA === 1 ? [4, 3] : [3, 4];
        const b = transB === 1 ? [5, 4] : [4, 5];
        const attributes = {
          transA,
          transB,
          alpha: { kind: 'float', value: 0.7 },
          beta: { kind: 'float', value: -1.3 },
        } as const;
        for (const c of [[5], [1, 5], [3, 1], [3, 5], [1], []]) {
          await checkCase({ op: 'Gemm', inputs: [a, b, c], attributes });
        }
        await checkCase({ op: 'Gemm', inputs: [a, b], attributes, hidden: true });
      });
    }
  }

  const products: readonly (readonly [readonly number[], readonly number[]])[] = [
    [
      [3, 4],
      [4, 2],
    ],
    [[4], [4]],
    [[4], [4, 2]],
    [[3, 4], [4]],
    [
      [2, 3, 4],
      [4, 2],
    ],
    [
      [2, 3, 4],
      [2, 4, 2],
    ],
    [
      [2, 1, 3, 4],
      [3, 4, 2],
    ],
    [
      [3, 4],
      [2, 4, 2],
    ],
    [[4], [2, 4, 3]],
    [[2, 3, 4], [4]],
    [
      [2, 2, 3, 4],
      [4, 1],
    ],
    [
      [1, 2, 4],
      [3, 4, 1],
    ],
    [
      [2, 3, 2],
      [2, 2, 4],
    ],
  ];
  for (const [a, b] of products) {
    it(`of MatMul equal central differences for [${a.join()}] × [${b.join()}]`, async () => {
      await checkCase({ op: 'MatMul', inputs: [a, b] });
      await checkCase({ op: 'MatMul', inputs: [a, b], hidden: true });
    });
  }
});
