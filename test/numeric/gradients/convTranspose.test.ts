import { checkCase, type GradientCase } from '../../support/gradientCase.js';

type ConvTransposeCase = Omit<GradientCase, 'op'> & { readonly title: string };

const cases: readonly ConvTransposeCase[] = [
  { title: 'no padding', inputs: [[2, 2, 3, 4], [2, 3, 3, 2], [3]] },
  {
    title: 'pads and stride',
    inputs: [[2, 2, 3, 3], [2, 3, 3, 3], [3]],
    attributes: { strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    title: 'output_padding',
    inputs: [
      [1, 2, 3, 2],
      [2, 2, 3, 3],
    ],
    attributes: { strides: [2, 3], pads: [1, 0, 0, 1], output_padding: [1, 2] },
  },
  {
    title: 'a stride wider than the kernel',
    inputs: [
      [1, 2, 2, 3],
      [2, 1, 2, 2],
    ],
    attributes: { strides: [3, 3] },
  },
  {
    title: 'dilations',
    inputs: [
      [1, 2, 4, 3],
      [2, 2, 3, 2],
    ],
    attributes: { dilations: [2, 3], strides: [1, 2], pads: [1, 0, 2, 1] },
  },
  {
    title: 'pads that follow from output_shape',
    inputs: [
      [1, 2, 3, 3],
      [2, 2, 3, 3],
    ],
    attributes: { strides: [2, 2], output_shape: [6, 4] },
  },
  ...['SAME_UPPER', 'SAME_LOWER'].map((auto_pad) => ({
    title: `auto_pad=${auto_pad}`,
    inputs: [
      [1, 2, 3, 3],
      [2, 2, 4, 3],
    ],
    attributes: { strides: [2, 2], auto_pad },
  })),
  {
    title: 'groups',
    inputs: [[2, 4, 3, 3], [4, 3, 2, 2], [6]],
    attributes: { group: 2, strides: [2, 1] },
  },
  {
    title: 'one channel per group',
    inputs: [
      [2, 3, 3, 4],
      [3, 1, 3, 3],
    ],
    attributes: { group: 3, strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  { title: 'VALID', inputs: [[1, 2, 3, 3], [2, 1, 2, 2], [1]], attributes: { auto_pad: 'VALID' } },
  { title: 'one axis', inputs: [[2, 2, 4], [2, 3, 3], [3]], attributes: { strides: [2], pads: [0, 1] } },
  {
    title: 'three axes',
    inputs: [
      [1, 2, 2, 3, 2],
      [2, 1, 2, 2, 2],
    ],
    attributes: { strides: [2, 1, 1] },
  },
];

describe('gradients of ConvTranspose', () => {
  for (const { title, ...given } of cases) {
    it(`equal central differences: ${title}`, async () => {
      await checkCase({ op: 'ConvTranspose', ...given });
      const kernel = given.inputs[1];
      // A given result's pads follow from the operand's size.
      if (!Array.isArray(kernel) || given.attributes?.['output_shape'] !== undefined) return;
      const attributes = { ...given.attributes, kernel_shape: kernel.slice(2) as number[] };
      await checkCase({ op: 'ConvTranspose', ...given, attributes, hidden: 'maps' });
    });
  }
});
