import { join } from 'node:path';
import { encodeNpy } from '../data/npy.js';
import type { TensorValue } from '../onnx/tensorValue.js';
import { arrayFileNames } from './arrayFileNames.js';
import { ensureFolder, writeFileAtomic } from './outputFiles.js';
import { refuseUnstorable, storedDtype } from './storedArray.js';

/**
 * Writes every array of a run as `.npy` into a folder, made if missing, and returns the file of each.
 *
 * `arrays.json` maps each name to its file, shape and element type; it is written last, so where it stands every array
 * is whole.
 *
 * @throws UserError `array-not-storable`, and as `writeFileAtomic` does.
 */
export function writeArrays(
  dir: string,
  arrays: ReadonlyMap<string, TensorValue>,
): ReadonlyMap<string, string> {
  ensureFolder(dir);
  const fileByName = arrayFileNames([...arrays.keys()]);
  const index: [string, object][] = [];
  for (const [name, value] of arrays) {
    const file = fileByName.get(name) ?? '';
    refuseUnstorable(name, value.dtype);
    writeFileAtomic(join(dir, file), encodeNpy(value));
    index.push([name, { file, shape: value.dims, dtype: storedDtype(value.dtype) }]);
  }
  writeFileAtomic(join(dir, 'arrays.json'), `${JSON.stringify(Object.fromEntries(index), null, 2)}\n`);
  return fileByName;
}
