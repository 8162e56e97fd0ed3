import { access } from 'node:fs/promises';
import { UserError } from '../../../base/errors.js';
import { fileSource } from '../../../data/byteSource.js';
import { readArray } from '../../../data/namedArray.js';
import { openNpz } from '../../../data/npz.js';
import type { TensorValue } from '../../../onnx/tensorValue.js';
import {
  backgroundFromArrays,
  baselineFromArrays,
  type BaselineInput,
  type Baselines,
  constantBaseline,
  type NamedArrays,
  parseConstant,
} from './baselines.js';
import type { AttributionSettings } from './settings.js';

/**
 * Returns the baselines that the settings name: `background` if it is set, else `baseline`.
 *
 * @throws UserError `baseline-unreadable` when the text is neither zeros, a number nor an existing `.npz`.
 */
export async function readBaselines(
  settings: Pick<AttributionSettings, 'baseline' | 'background'>,
  inputs: readonly BaselineInput[],
  rowCount: number,
): Promise<Baselines> {
  const { background, baseline } = settings;
  if (background !== null) {
    return backgroundFromArrays(await readArrays('background', background), inputs, background);
  }
  const constant = parseConstant(baseline);
  if (constant !== undefined) return constantBaseline(inputs, constant);
  return baselineFromArrays(await readArrays('baseline', baseline), inputs, { path: baseline, rowCount });
}

async function readArrays(setting: string, path: string): Promise<NamedArrays> {
  try {
    await access(path);
  } catch (cause) {
    const forms =
      setting === 'baseline' ? 'zeros, a number, or the path of an .npz file' : 'the path of an .npz file';
    throw new UserError('baseline-unreadable', `${setting}=${path} cannot be read. Give ${forms}.`, {
      cause,
      detail: { setting, path },
    });
  }
  const arrays = new Map<string, TensorValue>();
  for (const array of await openNpz(await fileSource(path))) {
    arrays.set(array.name, { dtype: array.dtype, dims: array.dims, data: await readArray(array) });
  }
  return arrays;
}
