import { access } from 'node:fs/promises';
import { UserError } from '../base/errors.js';
import type { TensorValue } from '../onnx/tensorValue.js';
import { fileSource } from './byteSource.js';
import { readArray } from './namedArray.js';
import { openNpz } from './npz.js';
import { openNpy } from './openNpy.js';

/**
 * Reads the arrays of an `.npz` that a setting names, or the only one of an `.npy`, under the name `npyName`.
 *
 * @throws UserError `code`, in the words of `forms`, when there is no such file.
 */
export async function readArrays(
  path: string,
  options: {
    readonly setting: string;
    readonly code: string;
    readonly forms: string;
    readonly npyName?: string;
  },
): Promise<ReadonlyMap<string, TensorValue>> {
  try {
    await access(path);
  } catch (cause) {
    const { setting, code, forms } = options;
    throw new UserError(code, `${setting}=${path} cannot be read. Give ${forms}.`, {
      cause,
      detail: { setting, path },
    });
  }
  const source = await fileSource(path);
  const { npyName } = options;
  const isNpy = npyName !== undefined && path.toLowerCase().endsWith('.npy');
  const found = isNpy ? [await openNpy(source, npyName)] : await openNpz(source);
  const arrays = new Map<string, TensorValue>();
  for (const array of found) {
    arrays.set(array.name, { dtype: array.dtype, dims: array.dims, data: await readArray(array) });
  }
  return arrays;
}
