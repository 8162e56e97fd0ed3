import { elementCountOf } from '../onnx/tensorValue.js';
import type { Color } from '../protocol/inspectFile.js';

/** Numbers with named axes, one letter each (`HWC`). */
export interface AxisArray {
  readonly axes: string;
  readonly dims: readonly number[];
  readonly numbers: Float64Array;
}

/**
 * Returns the numbers with their axes in another order; axes that are missing come in with size 1.
 *
 * @throws RangeError when an axis of more than one element has no place in the new order.
 */
export function reorderAxes(value: AxisArray, axes: string): AxisArray {
  if (value.axes === axes) return value;
  for (const [place, axis] of Array.from(value.axes).entries()) {
    if (!axes.includes(axis) && value.dims[place] !== 1) {
      throw new RangeError(`Axis ${axis} is not in ${axes}.`);
    }
  }
  const places = Array.from(axes).map((axis) => value.axes.indexOf(axis));
  const dims = places.map((place) => (place < 0 ? 1 : (value.dims[place] ?? 1)));
  const stridesBySource = value.dims.map((_, axis) => elementCountOf(value.dims.slice(axis + 1)));
  const strides = places.map((place) => (place < 0 ? 0 : (stridesBySource[place] ?? 0)));
  return { axes, dims, numbers: gather(value.numbers, dims, strides) };
}

function gather(numbers: Float64Array, dims: readonly number[], strides: readonly number[]): Float64Array {
  const result = new Float64Array(elementCountOf(dims));
  const index = new Uint32Array(dims.length);
  let source = 0;
  for (let target = 0; target < result.length; target++) {
    result[target] = numbers[source] ?? NaN;
    // Count up like an odometer, moving the source along.
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0;
      const dim = dims[axis] ?? 1;
      const next = (index[axis] ?? 0) + 1;
      if (next < dim) {
        index[axis] = next;
        source += stride;
        break;
      }
      index[axis] = 0;
      source -= stride * (dim - 1);
    }
  }
  return result;
}

// ITU-R BT.601 luma, as PIL's and OpenCV's grey conversions use it.
const lumaWeights = [0.299, 0.587, 0.114] as const;

/**
 * Returns an image in another colour order: rgb and bgr are swapped, grey is weighted by BT.601 and rounded to whole
 * levels when the levels are whole, grey becomes colour by repetition.
 */
export function convertColor(value: AxisArray, from: Color, to: Color): AxisArray {
  const last = reorderAxes(
    value,
    Array.from(value.axes)
      .filter((axis) => axis !== 'C')
      .join('') + 'C',
  );
  const channelCount = last.dims.at(-1) ?? 1;
  if (channelCount === 1) return to === 'gray' ? value : repeatChannel(last);
  if (channelCount !== 3 || from === to) return value;
  return to === 'gray' ? toGray(last, from) : reverseChannels(last);
}

function repeatChannel(value: AxisArray): AxisArray {
  const numbers = new Float64Array(value.numbers.length * 3);
  for (const [pixel, level] of value.numbers.entries()) numbers.fill(level, pixel * 3, pixel * 3 + 3);
  return { axes: value.axes, dims: [...value.dims.slice(0, -1), 3], numbers };
}

function reverseChannels(value: AxisArray): AxisArray {
  const numbers = value.numbers.slice();
  for (let at = 0; at < numbers.length; at += 3) numbers.subarray(at, at + 3).reverse();
  return { ...value, numbers };
}

function toGray(value: AxisArray, from: Color): AxisArray {
  const source = from === 'bgr' ? reverseChannels(value).numbers : value.numbers;
  const isWhole = source.every(Number.isInteger);
  const numbers = new Float64Array(source.length / 3);
  for (let pixel = 0; pixel < numbers.length; pixel++) {
    let level = 0;
    for (let channel = 0; channel < 3; channel++) {
      level += (lumaWeights[channel] ?? 0) * (source[pixel * 3 + channel] ?? 0);
    }
    numbers[pixel] = isWhole ? Math.round(level) : level;
  }
  return { axes: value.axes, dims: [...value.dims.slice(0, -1), 1], numbers };
}

/** What brings stored values to the range a model was trained on. */
export interface Normalisation {
  readonly scale: number;
  /** One for all, or one per channel. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Applies (v × scale − mean) / std in place; `channelAxis` is where lists of means and deviations apply. */
export function normalise(
  numbers: Float64Array,
  { scale, mean, std }: Normalisation,
  { dims, channelAxis }: { dims: readonly number[]; channelAxis: number },
): void {
  const channelCount = channelAxis < 0 ? 1 : (dims[channelAxis] ?? 1);
  const inner = channelAxis < 0 ? numbers.length : elementCountOf(dims.slice(channelAxis + 1));
  for (let start = 0, channel = 0; start < numbers.length; start += inner) {
    const center = mean[mean.length === 1 ? 0 : channel] ?? 0;
    const spread = std[std.length === 1 ? 0 : channel] ?? 1;
    for (let at = start; at < start + inner; at++) {
      numbers[at] = ((numbers[at] ?? 0) * scale - center) / spread;
    }
    channel = (channel + 1) % channelCount;
  }
}
