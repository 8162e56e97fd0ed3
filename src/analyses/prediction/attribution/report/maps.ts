import { maxAbs } from '../../../../engine/numeric/vectors.js';
import { elementCountOf } from '../../../../onnx/tensorValue.js';
import type { OverlayBlock } from '../../../../protocol/blocks.js';
import { toReportNumber } from '../../../../protocol/reportNumbers.js';
import type { ExplainedTensor, Scores } from '../problem.js';
import { pictureOf } from '../../../../data/picture.js';
import { rowPixels } from '../../../shared/rowPixels.js';

/** Heat map values in one report, at most: JSON of a few megabytes. */
const maxMapValues = 400_000;

/** Sums a row over its channel axis: one number per position. */
export function sumOverChannels(
  row: ArrayLike<number>,
  dims: readonly number[],
  channelAxis: number | undefined,
): { readonly dims: readonly number[]; readonly values: Float64Array } {
  if (channelAxis === undefined) return { dims, values: Float64Array.from(row) };
  const channel = channelAxis - 1;
  const inner = elementCountOf(dims.slice(channelAxis));
  const channels = dims[channel] ?? 1;
  const positions = dims.filter((_, axis) => axis !== channel);
  const values = new Float64Array(elementCountOf(positions));
  for (let i = 0; i < row.length; i++) {
    const at = Math.floor(i / (channels * inner)) * inner + (i % inner);
    values[at] = (values[at] ?? 0) + (row[i] ?? 0);
  }
  return { dims: positions, values };
}

/**
 * Returns heat maps of an image's scores over the image, or undefined when the tensor has no two position axes.
 *
 * Channels are summed; the colour scale is centred on zero and the same for all rows.
 */
export function overlayOf(
  scores: Scores,
  channelAxis: number | undefined,
  options: {
    readonly base?: ExplainedTensor | undefined;
    readonly captions: readonly string[];
    readonly title: string;
  },
): OverlayBlock | undefined {
  const rowDims = scores.dims.slice(1);
  if (rowDims.length - (channelAxis === undefined ? 0 : 1) !== 2) return undefined;
  const size = elementCountOf(rowDims);
  const rowCount = scores.dims[0] ?? 0;
  const shownCount = Math.min(rowCount, Math.max(1, Math.floor((maxMapValues * (rowDims[0] ?? 1)) / size)));
  const maps = Array.from({ length: shownCount }, (_, row) =>
    sumOverChannels(scores.data.subarray(row * size, (row + 1) * size), rowDims, channelAxis),
  );
  const items = maps.map(({ dims, values }, row) => {
    const caption = options.captions[row] ?? '';
    const pixels = options.base === undefined ? undefined : rowPixels(options.base, row);
    return {
      width: dims[1] ?? 1,
      height: dims[0] ?? 1,
      values: [...values].map((value) => toReportNumber(Number(value.toPrecision(4)))),
      caption,
      ...(pixels === undefined ? {} : { base: pictureOf(pixels, `Input ${caption}`) }),
    };
  });
  return {
    type: 'overlay',
    title: options.title,
    alt: `Heat maps of ${String(shownCount)} of ${String(rowCount)} rows: positive scores raise the explained value, negative ones lower it.`,
    items,
    scale: 'diverging',
    limit: toReportNumber(Math.max(...maps.map(({ values }) => maxAbs(values)))),
  };
}
