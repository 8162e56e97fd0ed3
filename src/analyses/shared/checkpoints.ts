import type { Setting } from '../../protocol/settings.js';
import type { AnalysisContext, ListedModel } from '../analysis.js';

/** The setting of analyses that follow a model over its training. */
export const checkpointsSetting = {
  kind: 'text',
  format: 'models',
  title: 'Checkpoints',
  description:
    'Files of the same model saved during its training: a folder of .onnx files or a pattern such as checkpoints/step-*.onnx, taken in the order of the numbers in their names; default the model alone.',
  default: null,
} as const satisfies Setting;

/**
 * Returns the checkpoints that the setting names, or the run's model as the only one.
 *
 * @throws UserError `no-models`; opening one throws `model-differs` when it is another model.
 */
export async function listCheckpoints(
  context: Pick<AnalysisContext, 'model' | 'openModels'>,
  checkpoints: string | null,
): Promise<readonly ListedModel[]> {
  if (checkpoints !== null) return context.openModels(checkpoints);
  const { model } = context;
  const name =
    model.file.path
      .split(/[\\/]/)
      .at(-1)
      ?.replace(/\.onnx$/i, '') ?? 'model';
  return [{ name, path: model.file.path, open: () => Promise.resolve(model) }];
}

/** Returns the step at which a checkpoint was saved: the last number of its name, else its place in the list. */
export function stepOf(name: string, index: number): number {
  const last = name.match(/\d+/g)?.at(-1);
  return last === undefined ? index : Number(last);
}
