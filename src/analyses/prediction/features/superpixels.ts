import { UserError } from '../../../base/errors.js';
import { slic } from '../../../engine/numeric/slic.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import { byPosition, type FeatureInput, type Partition, positionsOf } from './partition.js';

/**
 * Returns superpixels of every row's image: patches of about equal size that follow its edges.
 *
 * @throws UserError `not-an-image` for inputs without two position axes.
 */
export function superpixelPartition(
  input: FeatureInput,
  options: { readonly count: number; readonly rowCount: number },
): Partition {
  const positions = positionsOf(input);
  const [height = 1, width = 1] = positions;
  if (positions.length !== 2) {
    throw new UserError(
      'not-an-image',
      `features=superpixels needs an image, and a row of "${input.name}" is ${input.dims.join(' × ')}. Use features=auto.`,
      { detail: { input: input.name, dims: input.dims } },
    );
  }
  const channelCount = input.channelAxis === undefined ? 1 : (input.dims[input.channelAxis - 1] ?? 1);
  const rows = Array.from({ length: options.rowCount }, (_, row) => {
    const labels = slic(channelsLast(input, row, channelCount), {
      height,
      width,
      channelCount,
      count: options.count,
    });
    const count = labels.reduce((largest, label) => Math.max(largest, label), 0) + 1;
    return { count, ids: byPosition(input, (position) => labels[position] ?? -1) };
  });
  const counts = rows.map(({ count }) => count);
  return {
    countOf: (row) => counts[row] ?? 0,
    idsOf: (row) => rows[row]?.ids ?? new Int32Array(),
    nameOf: (feature) => `superpixel ${String(feature)}`,
    namesTellInput: false,
    isElements: false,
    isPerRow: true,
    note: `${String(Math.min(...counts))} to ${String(Math.max(...counts))} superpixels (SLIC) a row.`,
  };
}

/** A row as `[height, width, channels]`. */
function channelsLast(input: FeatureInput, row: number, channelCount: number): Float64Array {
  const size = elementCountOf(input.dims);
  const elements = input.elements.subarray(row * size, (row + 1) * size);
  const inner = input.channelAxis === undefined ? 1 : elementCountOf(input.dims.slice(input.channelAxis));
  const image = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const channel = input.channelAxis === undefined ? 0 : Math.floor(i / inner) % channelCount;
    const position = Math.floor(i / (channelCount * inner)) * inner + (i % inner);
    image[position * channelCount + channel] = elements[i] ?? 0;
  }
  return image;
}
