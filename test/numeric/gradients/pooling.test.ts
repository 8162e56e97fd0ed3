import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { tapOffsets } from '../../../src/engine/gradients/convTaps.js';
import { differentiate } from '../../../src/engine/gradients/differentiate.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { elementCountOf, float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { buildCase, caseRuntime, checkCase, type GradientCase } from '../../support/gradientCase.js';
import { runGradient } from '../../support/gradientRun.js';

type PoolCase = Pick<GradientCase, 'inputs' | 'attributes' | 'opset'> & {
  readonly title: string;
  /** Whether the runtime's search finds the maxima, and not a comparison axis by axis. */
  readonly isSearched?: boolean;
};

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
    title: 'rounding up, even columns',
    inputs: [[2, 2, 7, 6]],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
  },
  {
    title: 'SAME_UPPER, even columns',
    inputs: [[2, 1, 5, 6]],
    attributes: { kernel_shape: [2, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' },
  },
  {
    title: 'SAME_LOWER, even columns',
    inputs: [[2, 1, 5, 6]],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_LOWER' },
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
  {
    title: 'three axes, pads on each',
    inputs: [[2, 2, 5, 4, 6]],
    attributes: { kernel_shape: [2, 3, 3], strides: [2, 1, 2], pads: [1, 1, 1, 0, 1, 1] },
  },
  {
    title: 'every second position, as behind a stem',
    inputs: [[2, 3, 8, 8]],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    title: 'maps smaller than the windows',
    inputs: [[2, 2, 1, 2]],
    attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
  },
];

/** Windows that lie apart or on few positions, for MaxPool alone. */
const sparse: readonly PoolCase[] = [
  {
    title: 'rounding up into the padding',
    inputs: [[1, 1, 8, 8]],
    attributes: { kernel_shape: [3, 3], strides: [4, 4], ceil_mode: 1 },
    isSearched: true,
  },
  {
    title: 'rounding up into pads',
    inputs: [[1, 1, 5, 4]],
    attributes: { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 },
    isSearched: true,
  },
  {
    title: 'strides longer than the windows',
    inputs: [[2, 2, 8, 9]],
    attributes: { kernel_shape: [2, 2], strides: [4, 3] },
  },
  {
    title: 'dilations and strides',
    inputs: [[2, 2, 9, 8]],
    attributes: { kernel_shape: [3, 2], strides: [2, 2], dilations: [2, 3], pads: [2, 1, 1, 1] },
  },
  {
    title: 'long windows',
    inputs: [[1, 2, 16]],
    attributes: { kernel_shape: [13], pads: [6, 6] },
    isSearched: true,
  },
];

const dilated: PoolCase = {
  title: 'dilations',
  inputs: [[1, 2, 7, 6]],
  attributes: { kernel_shape: [2, 3], dilations: [3, 2], pads: [1, 1, 1, 1] },
};

/** Every cotangent added at the first maximum of its window, found by looking at each of its positions. */
function firstMaxima(x: TensorValue, g: TensorValue, attributes: PoolCase['attributes'] = {}): number[] {
  const [, , ...sizes] = x.dims;
  const [, , ...counts] = g.dims;
  const numbers = (key: string, fallback: number): readonly number[] =>
    (attributes[key] as readonly number[] | undefined) ?? sizes.map(() => fallback);
  const [kernel, strides, dilations] = [
    numbers('kernel_shape', 1),
    numbers('strides', 1),
    numbers('dilations', 1),
  ];
  const pads = sizes.map((size, axis) => {
    if (attributes['auto_pad'] === undefined) return numbers('pads', 0)[axis]!;
    const reach = (counts[axis]! - 1) * strides[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1;
    const total = Math.max(0, reach - size);
    return attributes['auto_pad'] === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
  });
  const [values, cotangents] = [toFloat64(x), toFloat64(g)];
  const gradient = Array.from({ length: values.length }, () => 0);
  const mapSize = elementCountOf(sizes);
  const [windowsOfMap, taps] = [tapOffsets(counts), tapOffsets(kernel)];
  for (const [index, cotangent] of cotangents.entries()) {
    const map = Math.floor(index / windowsOfMap.length) * mapSize;
    const at = windowsOfMap[index % windowsOfMap.length]!;
    let best: number | undefined;
    for (const tap of taps) {
      const place = tap.map(
        (step, axis) => at[axis]! * strides[axis]! - pads[axis]! + step * dilations[axis]!,
      );
      if (place.some((position, axis) => position < 0 || position >= sizes[axis]!)) continue;
      const flat = map + place.reduce((sum, position, axis) => sum * sizes[axis]! + position, 0);
      if (best === undefined || values[flat]! > values[best]!) best = flat;
    }
    gradient[best!]! += cotangent;
  }
  return gradient;
}

describe('gradients of pooling', () => {
  for (const { title, ...given } of [...windows, ...sparse, dilated]) {
    it(`of MaxPool equal central differences: ${title}`, async () => {
      await checkCase({ op: 'MaxPool', ...given, map: spread });
      const columnMajor = { ...given.attributes, storage_order: 1 };
      await checkCase({ op: 'MaxPool', ...given, attributes: columnMajor, map: spread, hidden: true });
    });
  }

  for (const { title, ...given } of [...windows, ...sparse, dilated]) {
    it(`of MaxPool goes to the first of equal maxima: ${title}`, async () => {
      const random = createRandom(7);
      const [dims = []] = given.inputs as readonly number[][];
      // Three numbers alone, so that most windows hold their maximum several times.
      const x = float32Tensor(
        Array.from({ length: elementCountOf(dims) }, () => random.integer(3) - 1),
        dims,
      );
      const { model } = buildCase({ op: 'MaxPool', ...given }, random);
      const session = await caseRuntime.open(model);
      const y = (await session.run({ x0: x }))['y0']!;
      const cotangent = float32Tensor(
        Array.from({ length: y.data.length }, () => random.integer(100)),
        y.dims,
      );
      const { gradient } = await runGradient(model, { feeds: { x0: x }, output: 'y0', cotangent, wrt: 'x0' });
      assert.deepEqual(Array.from(gradient), firstMaxima(x, cotangent, given.attributes));
    });
  }

  it('of MaxPool compare axis by axis, but where columns are left over by the stride or windows are long', () => {
    for (const { title, isSearched, ...given } of [...windows, ...sparse, dilated]) {
      const { model } = buildCase({ op: 'MaxPool', ...given }, createRandom(7));
      const builder = new GraphBuilder(model);
      const seeds = [{ value: 'y0', cotangent: builder.node('Mul', ['y0', 'y0']) }];
      const asked = { seeds, wrt: ['x0'], types: inferTypes(model) };
      const { nodes } = differentiate(builder.build(), asked).model.graph;
      const columns = (given.inputs[0] as readonly number[]).at(-1)!;
      const stride = (given.attributes?.['strides'] as readonly number[] | undefined)?.at(-1) ?? 1;
      const searches = nodes.some(({ opType }) => opType === 'ScatterElements');
      assert.equal(searches, isSearched ?? columns % stride !== 0, title);
    }
  });

  for (const { title, ...given } of [...windows, { ...dilated, opset: 19 }]) {
    for (const count_include_pad of [0, 1]) {
      it(`of AveragePool equal central differences: ${title}, count_include_pad=${count_include_pad}`, async () => {
        const attributes = { ...given.attributes, count_include_pad };
        await checkCase({ op: 'AveragePool', ...given, attributes });
        const needsSizes = /up|UPPER|LOWER, even/.test(title);
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
