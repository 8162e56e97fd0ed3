import type { ListedModel, OpenModelsOptions } from '../analyses/analysis.js';
import { UserError } from '../base/errors.js';
import { soundModel } from '../engine/graph/verify.js';
import type { Model } from '../onnx/model.js';
import { convertToOpset17 } from '../onnx/opsets/convert.js';
import { readModel } from '../onnx/readModel.js';
import { structureDifference } from '../onnx/structureDifference.js';
import type { SettingsSchema, SettingValues } from '../protocol/settings.js';
import { findModelFiles } from './findModelFiles.js';

/**
 * Returns the models of a path beside the model of a run, in natural order, none read yet; see `AnalysisContext`.
 *
 * @throws UserError `no-models`; opening one throws what `readModel` does, and `model-differs`.
 */
export async function openModels(
  path: string,
  reference: Model,
  { structure = 'same' }: OpenModelsOptions = {},
): Promise<readonly ListedModel[]> {
  const { paths, names } = await findModelFiles(path);
  return paths.map((each, index) => ({
    name: names[index] ?? each,
    path: each,
    open: async () => {
      const model = convertToOpset17(soundModel(await readModel(each)));
      const difference = structure === 'same' ? structureDifference(model, reference) : undefined;
      if (difference === undefined) return model;
      throw new UserError(
        'model-differs',
        `${each} is not built as ${reference.file.path} is: ${difference}. Give checkpoints of one model, exported in the same way.`,
        { detail: { path: each, reference: reference.file.path, difference } },
      );
    },
  }));
}

/** Returns how many models the settings name beside that of the run; 0 for what names none, which the run itself will say. */
export async function listedCountOf(schema: SettingsSchema, settings: SettingValues): Promise<number> {
  let count = 0;
  for (const [key, setting] of Object.entries(schema)) {
    const value = settings[key];
    if (setting.kind !== 'text' || setting.format !== 'models' || typeof value !== 'string') continue;
    const found = await findModelFiles(value).catch(() => undefined);
    count += found?.paths.length ?? 0;
  }
  return count;
}
