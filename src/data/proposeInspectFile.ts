import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import type { Model } from '../onnx/model.js';
import type { InspectFile } from '../protocol/inspectFile.js';
import { prepareData } from './openDataset.js';

/** A description to be written down, and what was assumed to make it. */
export interface InspectFileProposal {
  readonly file: InspectFile;
  readonly warnings: readonly string[];
}

/**
 * Proposes the `.inspect.json` that says what opening the data without one assumes; paths are relative to the data's
 * folder, where the file is meant to stand.
 *
 * @throws UserError when the data does not fit the model.
 */
export async function proposeInspectFile(
  modelPath: string,
  dataPath: string,
  model: Model,
): Promise<InspectFileProposal> {
  const { dataset, spec } = await prepareData(dataPath, model);
  const dir = dirname(resolve(dataPath));
  const data = { ...spec, path: relativePath(dir, spec.path) };
  return {
    file: { version: 1, model: relativePath(dir, resolve(modelPath)), data },
    warnings: dataset.warnings,
  };
}

function relativePath(dir: string, path: string): string {
  // Forward slashes, so that the file means the same on every system.
  return (isAbsolute(path) ? relative(dir, path) : path).split(sep).join('/');
}
