import type { Pixels } from '../../data/picture.js';
import { elementCountOf } from '../../onnx/tensorValue.js';

/** Rows of a tensor, `[N, …dims]`, that may be pictures. */
export interface RowTensor {
  /** Without the row axis. */
  readonly dims: readonly number[];
  /** Axis of the channels, row axis counted; undefined when every element is a position of its own. */
  readonly channelAxis: number | undefined;
  readonly elements: ArrayLike<number>;
}

/** Returns a row as pixels, channels last; undefined unless it has two position axes and one or three channels. */
export function rowPixels({ dims, channelAxis, elements }: RowTensor, row: number): Pixels | undefined {
  const channelCount = channelAxis === undefined ? 1 : dims[channelAxis - 1];
  if (channelCount !== 1 && channelCount !== 3) return undefined;
  const sides = dims.filter((_, axis) => axis + 1 !== channelAxis);
  const [height, width] = sides;
  if (height === undefined || width === undefined || sides.length !== 2) return undefined;
  const size = elementCountOf(dims);
  const isChannelsFirst = channelAxis === 1 && channelCount === 3;
  const plane = width * height;
  const values = Float64Array.from({ length: size }, (_, i) => {
    const at = isChannelsFirst ? (i % 3) * plane + Math.floor(i / 3) : i;
    return elements[row * size + at] ?? 0;
  });
  return { width, height, channelCount, values };
}
