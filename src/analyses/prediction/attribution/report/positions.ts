import { elementCountOf } from '../../../../onnx/tensorValue.js';
import type { ExplainedTensor } from '../problem.js';

/** Values along one axis of positions, a list for each channel. */
export type Channels = readonly Float64Array[];

/** Returns the elements of a row by channel, where channels over one axis of positions are what it holds. */
export function channelsOf(
  row: ArrayLike<number>,
  { dims, channelAxis }: Pick<ExplainedTensor, 'dims' | 'channelAxis'>,
): Channels {
  const channelCount = channelAxis === undefined ? 1 : (dims[channelAxis - 1] ?? 1);
  const length = elementCountOf(dims) / Math.max(1, channelCount);
  const isChannelsFirst = channelAxis === 1;
  return Array.from({ length: channelCount }, (_, channel) =>
    Float64Array.from(
      { length },
      (_, at) => row[isChannelsFirst ? channel * length + at : at * channelCount + channel] ?? NaN,
    ),
  );
}

/** Returns numbers in at most `count` equally long pieces, each as what `fold` makes of it. */
export function inPieces(
  values: Float64Array,
  count: number,
  fold: (piece: Float64Array) => number,
): Float64Array {
  const pieceCount = Math.min(count, values.length);
  return Float64Array.from({ length: pieceCount }, (_, piece) => {
    const start = Math.floor((piece * values.length) / pieceCount);
    return fold(values.subarray(start, Math.floor(((piece + 1) * values.length) / pieceCount)));
  });
}
