import { createRandom } from '../../../src/base/random.js';
import { checkCase, type GradientCase } from '../../support/gradientCase.js';
import { normalTensor } from '../../support/modelBuilder.js';

type ConvCase = Omit<GradientCase, 'op'> & { readonly title: string };

const convolutions: ConvCase[] = [
  {
    title: '3×3 with padding',
    inputs: [[2, 2, 5, 6], [3, 2, 3, 3], [3]],
    attributes: { pads: [1, 1, 1, 1] },
  },
  {
    title: 'no padding, even kernel',
    inputs: [
      [2, 2, 5, 4],
      [3, 2, 2, 4],
    ],
  },
  { title: '1×1', inputs: [[2, 3, 4, 3], [2, 3, 1, 1], [2]] },
  {
    title: '1×1 with stride 2',
    inputs: [
      [2, 3, 5, 6],
      [2, 3, 1, 1],
    ],
    attributes: { strides: [2, 2] },
  },
  {
    title: 'stride 2 that leaves rows unread',
    inputs: [[2, 2, 8, 7], [3, 2, 3, 3], [3]],
    attributes: { strides: [2, 3], pads: [1, 0, 0, 1] },
  },
  {
    title: 'dilations and uneven pads',
    inputs: [
      [1, 2, 8, 7],
      [2, 2, 3, 2],
    ],
    attributes: { dilations: [2, 3], pads: [1, 2, 0, 3] },
  },
  {
    title: 'stride and dilation together',
    inputs: [
      [1, 2, 9, 8],
      [2, 2, 3, 3],
    ],
    attributes: { dilations: [2, 1], strides: [2, 2], pads: [2, 1, 2, 1] },
  },
  {
    title: 'groups',
    inputs: [[2, 4, 5, 5], [6, 2, 3, 3], [6]],
    attributes: { group: 2, pads: [1, 1, 1, 1] },
  },
  {
    title: 'groups with stride',
    inputs: [
      [2, 4, 6, 5],
      [2, 2, 3, 3],
    ],
    attributes: { group: 2, strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    title: 'depthwise',
    inputs: [
      [2, 3, 5, 5],
      [3, 1, 3, 3],
    ],
    attributes: { group: 3, pads: [1, 1, 1, 1] },
  },
  {
    title: 'depthwise with stride',
    inputs: [[2, 3, 6, 6], [3, 1, 3, 3], [3]],
    attributes: { group: 3, strides: [2, 2], pads: [0, 0, 1, 1] },
  },
  {
    title: 'depthwise with a multiplier',
    inputs: [
      [2, 3, 5, 5],
      [6, 1, 3, 3],
    ],
    attributes: { group: 3, pads: [1, 1, 1, 1] },
  },
  { title: 'one axis', inputs: [[2, 3, 9], [4, 3, 3], [4]], attributes: { strides: [2], pads: [2, 1] } },
  {
    title: 'three axes',
    inputs: [[1, 2, 4, 3, 4], [2, 2, 2, 3, 2], [2]],
    attributes: { strides: [2, 1, 1], pads: [1, 1, 0, 0, 1, 1] },
  },
  {
    title: 'padding wider than the kernel',
    inputs: [
      [1, 1, 3, 3],
      [2, 1, 2, 2],
    ],
    attributes: { pads: [2, 3, 2, 2] },
  },
  {
    title: 'SAME_UPPER',
    inputs: [
      [1, 2, 6, 5],
      [2, 2, 3, 3],
    ],
    attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2] },
  },
  {
    title: 'SAME_LOWER',
    inputs: [
      [1, 2, 6, 5],
      [2, 2, 2, 2],
    ],
    attributes: { auto_pad: 'SAME_LOWER' },
  },
  {
    title: 'VALID',
    inputs: [
      [1, 2, 6, 5],
      [2, 2, 3, 3],
    ],
    attributes: { auto_pad: 'VALID', strides: [2, 1] },
  },
];

convolutions.push(
  {
    title: 'depthwise with dilations and uneven pads',
    inputs: [
      [2, 2, 7, 8],
      [2, 1, 3, 2],
    ],
    attributes: { group: 2, dilations: [2, 3], strides: [1, 2], pads: [1, 2, 0, 1] },
  },
  {
    title: 'depthwise on a large plane',
    inputs: [normalTensor(createRandom(2), [2, 3, 33, 32]), [3, 1, 2, 3]],
    attributes: { group: 3, pads: [1, 1, 0, 1] },
  },
  {
    title: 'depthwise with stride on a large plane',
    inputs: [normalTensor(createRandom(3), [2, 2, 34, 66]), [2, 1, 3, 3]],
    attributes: { group: 2, strides: [1, 2], dilations: [1, 3], pads: [0, 3, 1, 3] },
  },
  {
    title: 'depthwise on a wide plane',
    inputs: [
      [2, 2, 3, 17],
      [2, 1, 3, 3],
    ],
    attributes: { group: 2, pads: [1, 1, 1, 1] },
  },
  {
    title: 'depthwise on a wide plane with stride, a column left over',
    inputs: [
      [2, 2, 5, 37],
      [2, 1, 3, 3],
    ],
    attributes: { group: 2, strides: [2, 2], pads: [0, 1, 1, 0] },
  },
  {
    title: 'depthwise on a wide plane with a stride longer than the kernel',
    inputs: [
      [2, 2, 4, 74],
      [2, 1, 2, 3],
    ],
    attributes: { group: 2, strides: [1, 4], pads: [1, 2, 0, 3] },
  },
  {
    title: 'depthwise on a wide plane with kernel columns far apart',
    inputs: [
      [2, 2, 4, 40],
      [2, 1, 2, 3],
    ],
    attributes: { group: 2, strides: [1, 2], dilations: [3, 5], pads: [0, 5, 1, 2] },
  },
  {
    title: 'depthwise on a wide plane with a kernel column between zeros only',
    inputs: [
      [2, 2, 3, 18],
      [2, 1, 1, 3],
    ],
    attributes: { group: 2, dilations: [1, 19], pads: [0, 19, 0, 19] },
  },
  {
    title: 'depthwise on a wide plane with rows and columns that no window reaches',
    inputs: [
      [2, 2, 6, 56],
      [2, 1, 2, 2],
    ],
    attributes: { group: 2, strides: [3, 3] },
  },
  {
    title: 'depthwise on a wide plane with windows among zeros above only',
    inputs: [
      [2, 2, 2, 17],
      [2, 1, 1, 1],
    ],
    attributes: { group: 2, strides: [5, 1], pads: [2, 0, 0, 0] },
  },
  {
    title: 'depthwise on one axis',
    inputs: [[2, 3, 9], [3, 1, 3], [3]],
    attributes: { group: 3, strides: [2], pads: [2, 1] },
  },
  {
    title: 'depthwise on three axes',
    inputs: [
      [2, 2, 4, 3, 5],
      [2, 1, 2, 2, 3],
    ],
    attributes: { group: 2, strides: [2, 1, 3], pads: [1, 0, 0, 1, 1, 1] },
  },
  {
    title: 'many channels',
    inputs: [
      [2, 9, 5, 4],
      [3, 9, 3, 2],
    ],
    attributes: { strides: [2, 1], dilations: [1, 2], pads: [1, 0, 1, 1] },
  },
  {
    title: 'few channels, with more rows of the kernel than one product takes',
    inputs: [
      [2, 7, 4, 5],
      [2, 7, 3, 3],
    ],
    attributes: { strides: [1, 2], pads: [1, 1, 1, 1] },
  },
  {
    title: 'many channels on a large plane',
    inputs: [normalTensor(createRandom(4), [2, 9, 50, 51]), [2, 9, 2, 3]],
    attributes: { dilations: [2, 1], pads: [1, 0, 2, 1] },
  },
  {
    title: 'more channels than positions',
    inputs: [
      [2, 9, 2, 1],
      [33, 9, 2, 1],
    ],
    attributes: { pads: [1, 0, 0, 0] },
  },
  {
    title: '1×1 with a weight larger than the maps',
    inputs: [
      [2, 6, 1, 1],
      [5, 6, 1, 1],
    ],
  },
);

convolutions.push({
  title: '1×1 whose products are many numbers',
  inputs: [normalTensor(createRandom(6), [3, 32, 5, 5]), [64, 32, 1, 1]],
});

describe('gradients of Conv', () => {
  for (const { title, ...given } of convolutions) {
    it(`equal central differences: ${title}`, () => checkCase({ op: 'Conv', ...given }));
  }

  it('are found without knowing the sizes of the maps', async () => {
    const shapes = [
      { channels: 2, weight: [3, 2, 3, 3], group: 1 },
      { channels: 9, weight: [3, 9, 3, 3], group: 1 },
      { channels: 2, weight: [2, 1, 3, 3], group: 2 },
    ];
    for (const { channels, weight, group } of shapes) {
      for (const attributes of [{ pads: [1, 1, 1, 1] }, { strides: [2, 3], pads: [1, 0, 0, 1] }]) {
        await checkCase({
          op: 'Conv',
          inputs: [[2, channels, 5, 4], weight],
          attributes: { ...attributes, group, kernel_shape: [3, 3] },
          hidden: 'maps',
        });
      }
    }
  });
});
