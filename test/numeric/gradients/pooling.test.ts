import { checkCase, type GradientCase } from '../../support/gradientCase.js';

type PoolCase = Pick<GradientCase, 'inputs' | 'attributes' | 'opset'> & { readonly title: string };

/** Numbers apart from each other, so that no step of a difference changes which one is the maximum. */
const spread = (value: number): number => Math.round(value * 1000) / 4;

const windows: readonly PoolCase[] = [
  {
    title: '2×2 side by side',
    inputs: [[2, 2, 4, 6]],
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
  },
  {
    title: 'side by side, of unequal sides',
    inputs: [[2, 2, 4, 6]],
    attributes: { kernel_shape: [2, 3], strides: [2, 3] },
  },
  {
    title: 'side by side, wide ones',
    inputs: [[2, 1, 18]],
    attributes: { kernel_shape: [9], strides: [9] },
  },
  { title: 'overlapping', inputs: [[2, 2, 5, 6]], attributes: { kernel_shape: [3, 2] } },
  {
    title: 'a row that no window reaches',
    inputs: [[1, 2, 7, 6]],
    attributes: { kernel_shape: [2, 2], strides: [3, 2] },
  },
  {
    title: 'uneven pads',
    inputs: [[2, 1, 5, 6]],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 0, 0, 1] },
  },
  {
    title: 'rounding up',
    inputs: [[1, 2, 6, 7]],
    attributes: { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 },
  },
  {
    title: 'rounding up with pads',
    inputs: [[1, 2, 6, 7]],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 },
  },
  {
    title: 'SAME_UPPER',
    inputs: [[1, 1, 5, 7]],
    attributes: { kernel_shape: [2, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' },
  },
  {
    title: 'SAME_LOWER',
    inputs: [[1, 1, 5, 7]],
    attributes: { kernel_shape: [2, 2], auto_pad: 'SAME_LOWER' },
  },
  { title: 'one axis', inputs: [[2, 2, 7]], attributes: { kernel_shape: [3], strides: [2], pads: [1, 1] } },
  {
    title: 'three axes',
    inputs: [[1, 2, 4, 4, 5]],
    attributes: { kernel_shape: [2, 2, 3], strides: [2, 1, 2] },
  },
];

const dilated: PoolCase = {
  title: 'dilations',
  inputs: [[1, 2, 7, 6]],
  attributes: { kernel_shape: [2, 3], dilations: [3, 2], pads: [1, 1, 1, 1] },
};

describe('gradients of pooling', () => {
  for (const { title, ...given } of [...windows, dilated]) {
    it(`of MaxPool equal central differences: ${title}`, async () => {
      await checkCase({ op: 'MaxPool', ...given, map: spread });
      const columnMajor = { ...given.attributes, storage_order: 1 };
      await checkCase({ op: 'MaxPool', ...given, attributes: columnMajor, map: spread, hidden: true });
    });
  }

  for (const { title, ...given } of [...windows, { ...dilated, opset: 19 }]) {
    for (const count_include_pad of [0, 1]) {
      it(`of AveragePool equal central differences: ${title}, count_include_pad=${count_include_pad}`, async () => {
        const attributes = { ...given.attributes, count_include_pad };
        await checkCase({ op: 'AveragePool', ...given, attributes });
        const needsSizes = /up|UPPER/.test(title);
        if (!needsSizes) await checkCase({ op: 'AveragePool', ...given, attributes, hidden: true });
      });
    }
  }

  it('of LpPool equal central differences', async () => {
    const away = (value: number): number => (value < 0 ? value - 0.2 : value + 0.2);
    for (const p of [1, 2, 3]) {
      for (const { title, ...given } of windows.filter((pool) => !/up|SAME/.test(pool.title))) {
        title;
        await checkCase({
          op: 'LpPool',
          ...given,
          attributes: { ...given.attributes, p },
          opset: 18,
          map: away,
        });
      }
      await checkCase({ op: 'GlobalLpPool', inputs: [[2, 2, 3, 2]], attributes: { p }, map: away });
    }
  });

  it('of global pooling equal central differences at any rank', async () => {
    for (const dims of [
      [2, 3, 4],
      [2, 3, 2, 4],
      [1, 2, 2, 3, 2],
    ]) {
      await checkCase({ op: 'GlobalAveragePool', inputs: [dims] });
      await checkCase({ op: 'GlobalMaxPool', inputs: [dims] });
      await checkCase({ op: 'GlobalMaxPool', inputs: [dims], hidden: true });
    }
  });
});
