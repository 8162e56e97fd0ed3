import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import type { InspectFile } from '../protocol/inspectFile.js';
import type { PreparedData } from './openDataset.js';

/**
 * Returns the `.inspect.json` that says what opening the data without one assumed; paths are relative to the data's
 * folder, where the file is meant to stand.
 */
export function inspectFileOf(
  {
    spec,
    dataset,
  }: Pick<PreparedData, 'spec'> & { readonly dataset?: Pick<PreparedData['dataset'], 'tokens'> },
  { modelPath, dataPath }: { readonly modelPath: string; readonly dataPath: string },
): InspectFile {
  const dir = dirname(resolve(dataPath));
  const data = { ...spec, path: relativePath(dir, spec.path) };
  const tokens = dataset?.tokens;
  return {
    version: 1,
    model: relativePath(dir, resolve(modelPath)),
    data,
    ...(tokens === undefined ? {} : { tokenizer: relativePath(dir, tokens.path) }),
  };
}

function relativePath(dir: string, path: string): string {
  // Forward slashes, so that the file means the same on every system.
  return (isAbsolute(path) ? relative(dir, path) : path).split(sep).join('/');
}
