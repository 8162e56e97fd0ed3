import { UserError } from '../../../base/errors.js';
import { readArrays } from '../../../data/readArrays.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { Rows } from '../attribution/rows.js';
import type { PositionSpace } from './positions.js';

/**
 * Returns 1 for every position inside the mask of a row, `[rows, positions]`.
 *
 * The first masks are those of the first samples of the data; there must be one for each sample, or for each row that is
 * explained.
 *
 * @throws UserError `masks-unreadable`, `masks-missing` or `masks-shape`.
 */
export async function readMasks(path: string, rows: Rows, space: PositionSpace): Promise<Uint8Array> {
  const arrays = await readArrays(path, {
    setting: 'masks',
    code: 'masks-unreadable',
    forms: 'the path of an .npy file, or of an .npz file with an array "masks"',
    npyName: 'masks',
  });
  const masks = arrays.get('masks');
  if (masks === undefined) {
    throw new UserError(
      'masks-missing',
      `${path} has no array named "masks" (it has ${[...arrays.keys()].join(', ')}). Save the masks under that name.`,
      { detail: { path } },
    );
  }
  checkShape(path, masks, { rows, space });
  return Uint8Array.from(toFloat64(masks).subarray(0, rows.count * space.count), (value) =>
    value === 0 ? 0 : 1,
  );
}

function checkShape(
  path: string,
  { dims }: TensorValue,
  { rows, space }: { readonly rows: Rows; readonly space: PositionSpace },
): void {
  const [count = 0, ...own] = dims;
  const size = own.reduce((product, dim) => product * dim, 1);
  const isOfRows = count === rows.count || count === rows.availableCount;
  if (size === space.count && isOfRows) return;
  throw new UserError(
    'masks-shape',
    `The masks of ${path} have shape [${dims.join(', ')}], where one row for each of ${String(rows.availableCount)} samples with ${String(space.count)} positions is needed.`,
    { detail: { path, shape: dims } },
  );
}

/**
 * Returns whether the highest score of every row lies inside its mask; of several highest, the share that does. NaN for
 * rows with an empty mask.
 *
 * Source: Zhang, Lin, Brandt, Shen & Sclaroff (2016), "Top-down Neural Attention by Excitation Backprop",
 * https://arxiv.org/abs/1608.00507. Differs: no tolerance around the mask.
 */
export function pointingHits(ranking: Float64Array, masks: Uint8Array, rowCount: number): Float64Array {
  const count = ranking.length / rowCount;
  return Float64Array.from({ length: rowCount }, (_, row) => {
    const mask = masks.subarray(row * count, (row + 1) * count);
    if (!mask.includes(1)) return NaN;
    const scores = ranking.subarray(row * count, (row + 1) * count);
    const highest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
    let [hits, ties] = [0, 0];
    for (const [position, score] of scores.entries()) {
      if (score !== highest) continue;
      ties++;
      hits += mask[position] ?? 0;
    }
    return hits / ties;
  });
}

/** Returns the mean share of a row that its mask covers: what pointing at random hits. */
export function chanceOf(masks: Uint8Array): number {
  return masks.reduce((sum, inside) => sum + inside, 0) / masks.length;
}
