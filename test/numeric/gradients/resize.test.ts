import { float32Tensor, int64Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import { checkCase, type GradientCase } from '../../support/gradientCase.js';

const scales = (...values: number[]): TensorValue => float32Tensor(values, [values.length]);
const sizes = (...values: number[]): TensorValue => int64Tensor(values, [values.length]);
const roi = float32Tensor([0, 0, 0.1, -0.2, 1, 1, 0.8, 1.3], [8]);
const modes = ['nearest', 'linear', 'cubic'] as const;
const transforms = ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'] as const;

/** An image made larger and smaller at once, by factors that are no whole numbers. */
const image: Omit<GradientCase, 'op'> = { inputs: [[1, 2, 3, 5], '', scales(1, 1, 1.7, 0.7)] };

describe('gradients of Resize', () => {
  for (const mode of modes) {
    for (const transform of transforms) {
      it(`equal differences for mode=${mode}, coordinate_transformation_mode=${transform}`, async () => {
        const attributes = { mode, coordinate_transformation_mode: transform };
        await checkCase({ ...image, op: 'Resize', attributes });
      });
    }
    it(`equal differences for mode=${mode} in a cropped region that reaches over the edge`, async () => {
      const attributes = {
        mode,
        coordinate_transformation_mode: 'tf_crop_and_resize',
        extrapolation_value: { kind: 'float' as const, value: 2 },
      };
      const inputs = [[1, 2, 4, 5], roi, '' as const, sizes(1, 2, 3, 6)];
      await checkCase({ op: 'Resize', inputs, attributes });
    });
  }

  for (const nearest of ['floor', 'ceil', 'round_prefer_floor', 'round_prefer_ceil']) {
    for (const transform of ['half_pixel', 'asymmetric']) {
      it(`equal differences for whole factors, nearest_mode=${nearest}, ${transform}`, async () => {
        const attributes = { nearest_mode: nearest, coordinate_transformation_mode: transform };
        await checkCase({ op: 'Resize', inputs: [[1, 2, 3, 2], '', scales(1, 1, 2, 3)], attributes });
      });
    }
  }

  it('equal differences for cubic resizing with other coefficients and without the outside', async () => {
    const attributes = {
      mode: 'cubic',
      exclude_outside: 1,
      cubic_coeff_a: { kind: 'float' as const, value: -0.5 },
    };
    await checkCase({ ...image, op: 'Resize', attributes });
  });

  for (const mode of ['linear', 'cubic']) {
    it(`equal differences for mode=${mode} with antialiasing`, async () => {
      const inputs = [[1, 2, 6, 5], '' as const, '' as const, sizes(3, 4)];
      await checkCase({ op: 'Resize', inputs, attributes: { mode, antialias: 1, axes: [2, 3] }, opset: 18 });
    });
  }

  for (const policy of ['not_larger', 'not_smaller']) {
    for (const mode of modes) {
      it(`equal differences for keep_aspect_ratio_policy=${policy}, mode=${mode}`, async () => {
        const attributes = { mode, keep_aspect_ratio_policy: policy, axes: [2, 3] };
        // Factors 5/3 and 1.4: one of the two sides is not as wanted.
        const inputs = [[2, 2, 3, 5], '' as const, '' as const, sizes(5, 7)];
        await checkCase({ op: 'Resize', inputs, attributes, opset: 18 });
        await checkCase({ op: 'Resize', inputs, attributes, opset: 18, hidden: true });
      });
    }
  }

  it('equal differences where no size is known before running', async () => {
    await checkCase({ ...image, op: 'Resize', attributes: { mode: 'linear' }, hidden: true });
    await checkCase({ op: 'Resize', inputs: [[1, 2, 3, 2], '', scales(1, 1, 2, 2)], hidden: true });
  });

  it('equal differences for volumes, sequences and matrices', async () => {
    await checkCase({
      op: 'Resize',
      inputs: [[1, 1, 2, 3, 2], '', scales(1, 1, 2, 1.5, 2)],
      attributes: { mode: 'linear' },
    });
    await checkCase({ op: 'Resize', inputs: [[2, 3, 4], '', scales(1, 1, 1.5)] });
    await checkCase({ op: 'Resize', inputs: [[3, 4], '', scales(2, 0.6)], attributes: { mode: 'linear' } });
    await checkCase({ op: 'Resize', inputs: [[3, 2, 2, 1], '', scales(1.5, 1, 1, 1)] });
  });
});
