import { elementCountOf, float32Tensor, type TensorValue } from '../../../onnx/tensorValue.js';

/** The range of an input that is moved along a gradient: x = centre + half · z, where z reaches from −1 to 1. */
export interface InputRange {
  /** Broadcasts to the input. */
  readonly centre: TensorValue;
  /** Broadcasts to the input; positive. */
  readonly half: TensorValue;
  /** Returns inputs as z. */
  toZ(values: Float64Array): Float64Array;
  /** Returns z as the model is fed it. */
  fromZ(z: Float64Array): Float64Array;
}

/** Finds the range of inputs while they are read. */
export interface RangeFold {
  /** Widens the range; false when a number is not finite. */
  add(values: Float64Array): boolean;
  /** Returns the range so far; an end that is given stands in the place of what was read. */
  range(ends?: { readonly low: number | null; readonly high: number | null }): InputRange;
}

/** Starts a range for inputs of some shape (rows first, of any number): one for each channel, or one for everything. */
export function createRangeFold(dims: readonly number[], channelAxis: number | undefined): RangeFold {
  const channelCount = channelAxis === undefined ? 1 : (dims[channelAxis] ?? 1);
  const inner = elementCountOf(dims.slice((channelAxis ?? dims.length) + 1));
  const channelOf = (element: number): number => Math.floor(element / inner) % channelCount;
  const low = new Float64Array(channelCount).fill(Infinity);
  const high = new Float64Array(channelCount).fill(-Infinity);
  return {
    add(values) {
      let isFinite = true;
      for (const [element, number] of values.entries()) {
        const channel = channelOf(element);
        if (!Number.isFinite(number)) isFinite = false;
        if (number < (low[channel] ?? 0)) low[channel] = number;
        if (number > (high[channel] ?? 0)) high[channel] = number;
      }
      return isFinite;
    },
    range(ends) {
      const shape = dims.map((size, axis) => (axis === channelAxis ? size : 1));
      const lows = low.map((least) => ends?.low ?? least);
      const highs = high.map((most) => ends?.high ?? most);
      return rangeBetween({ lows, highs }, shape, channelOf);
    },
  };
}

function rangeBetween(
  { lows, highs }: { readonly lows: Float64Array; readonly highs: Float64Array },
  shape: readonly number[],
  channelOf: (element: number) => number,
): InputRange {
  const centres = Float32Array.from(lows, (least, channel) => (least + (highs[channel] ?? 0)) / 2);
  // A channel that never changes still has a unit.
  const halves = Float32Array.from(lows, (least, channel) => ((highs[channel] ?? 0) - least) / 2 || 1);
  const centreAt = (element: number): number => centres[channelOf(element)] ?? 0;
  const halfAt = (element: number): number => halves[channelOf(element)] ?? 1;
  return {
    centre: float32Tensor(centres, shape),
    half: float32Tensor(halves, shape),
    toZ: (values) => values.map((number, at) => (number - centreAt(at)) / halfAt(at)),
    fromZ: (z) => z.map((number, at) => centreAt(at) + halfAt(at) * number),
  };
}
