import { UserError } from '../../../base/errors.js';
import { readArrays } from '../../../data/readArrays.js';
import { elementCountOf, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import { byPosition, type FeatureInput, type Partition, positionsOf } from './partition.js';

/**
 * Reads the numbers of features per input: an `.npz` has one array per input, an `.npy` the only input's.
 *
 * @throws UserError `feature-mask-unreadable`, or `mask-is-npy` where several inputs need one.
 */
export async function readFeatureMask(
  path: string,
  inputs: readonly FeatureInput[],
): Promise<ReadonlyMap<string, TensorValue>> {
  const [first] = inputs;
  if (inputs.length > 1 && path.toLowerCase().endsWith('.npy')) {
    throw new UserError(
      'mask-is-npy',
      `featureMask=${path} holds one array, and there are ${String(inputs.length)} inputs. Give an .npz with an array for each of ${inputs.map(({ name }) => name).join(', ')}.`,
      { detail: { path } },
    );
  }
  return readArrays(path, {
    setting: 'featureMask',
    code: 'feature-mask-unreadable',
    forms: 'the path of an .npy or .npz file',
    npyName: first?.name ?? '',
  });
}

/**
 * Returns the features that an array numbers, `[elements]` or `[positions]` of a row, one row or one per explained row.
 * Whatever the numbers are, features are counted from the smallest on; negative ones are never absent.
 *
 * @throws UserError when the array is missing, has another shape or holds other than whole numbers.
 */
export function maskPartition(
  input: FeatureInput,
  arrays: ReadonlyMap<string, TensorValue>,
  rowCount: number,
): Partition {
  const array = arrayOf(arrays, input.name);
  const { size, maskRowCount } = layoutOf(input, array.dims, rowCount);
  const numbers = toFloat64(array);
  if (!numbers.every((number) => Number.isInteger(number))) {
    throw new UserError(
      'mask-not-whole',
      `featureMask holds numbers that are not whole for "${input.name}". Give the number of its feature for every element or position.`,
      { detail: { input: input.name } },
    );
  }
  const known = [...new Set(numbers)].filter((number) => number >= 0).sort((a, b) => a - b);
  const indices = new Map(known.map((number, index) => [number, index]));
  const ids = numbers.map((number) => indices.get(number) ?? -1);
  const rows = Array.from({ length: maskRowCount }, (_, row) => {
    const own = ids.subarray(row * size, (row + 1) * size);
    return size === elementCountOf(input.dims)
      ? Int32Array.from(own)
      : byPosition(input, (position) => own[position] ?? -1);
  });
  return {
    countOf: () => known.length,
    idsOf: (row) => rows[maskRowCount === 1 ? 0 : row] ?? new Int32Array(),
    nameOf: (feature) => `feature ${String(known[feature] ?? feature)}`,
    namesTellInput: false,
    isElements: false,
    isPerRow: maskRowCount > 1,
    note: `${String(known.length)} features of the given mask.`,
  };
}

function arrayOf(arrays: ReadonlyMap<string, TensorValue>, name: string): TensorValue {
  const array = arrays.get(name);
  if (array !== undefined) return array;
  throw new UserError(
    'mask-missing',
    `featureMask has no array named "${name}" (it has ${[...arrays.keys()].join(', ')}). Save it under the name of the input.`,
    { detail: { input: name } },
  );
}

function layoutOf(
  input: FeatureInput,
  dims: readonly number[],
  rowCount: number,
): { readonly size: number; readonly maskRowCount: number } {
  for (const shape of [input.dims, positionsOf(input)]) {
    const size = elementCountOf(shape);
    if (dims.join() === shape.join()) return { size, maskRowCount: 1 };
    const rows = dims[0] ?? 0;
    if (dims.slice(1).join() === shape.join() && (rows === 1 || rows === rowCount)) {
      return { size, maskRowCount: rows };
    }
  }
  throw new UserError(
    'mask-shape',
    `featureMask has the shape [${dims.join(', ')}] for "${input.name}", where [${input.dims.join(', ')}] or [${positionsOf(input).join(', ')}] is needed, one or one per row.`,
    { detail: { input: input.name, dims } },
  );
}
