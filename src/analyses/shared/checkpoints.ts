import { Cancelled } from '../../base/abort.js';
import { messageOf } from '../../base/errors.js';
import { folderOf, withoutFolders } from '../../base/withoutFolders.js';
import type { Model } from '../../onnx/model.js';
import type { Setting } from '../../protocol/settings.js';
import type { AnalysisContext, ListedModel } from '../analysis.js';

/** The setting of analyses that follow a model over its training. */
export const checkpointsSetting = {
  kind: 'text',
  format: 'models',
  title: 'Checkpoints',
  description:
    'Files of the same model saved during its training: a folder of .onnx files, a pattern such as checkpoints/step-*.onnx, or several of these with ; between them, taken in the order of the numbers in their names; default the model alone.',
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

/** What a checkpoint gave, or why it gave nothing. */
export interface CheckpointPoint<T> {
  readonly name: string;
  readonly step: number;
  readonly value: T | undefined;
  /** Undefined where there is a value. */
  readonly problem: string | undefined;
}

/** What is done at each checkpoint. */
export interface CheckpointWork<T> {
  /** Steps in the order of the list; default: those that the checkpoints say. */
  readonly steps?: readonly number[];
  /** Key of the model's metadata that holds the step; default `step`. */
  readonly stepKey?: string;
  measure(model: Model, checkpoint: ListedModel, progress: AnalysisContext['progress']): Promise<T>;
  /** Hears of what is known after each. */
  onPoint?(points: readonly CheckpointPoint<T>[]): void;
}

/**
 * Measures every checkpoint alike, in the order of the list; returns what they gave in the order of their steps. One that fails
 * is a point with its problem, and the others are measured all the same.
 *
 * @throws what the first one threw, when none could be measured; Cancelled when the run is.
 */
export async function followCheckpoints<T>(
  context: Pick<AnalysisContext, 'progress' | 'log'>,
  checkpoints: readonly ListedModel[],
  work: CheckpointWork<T>,
): Promise<readonly CheckpointPoint<T>[]> {
  const points: CheckpointPoint<T>[] = [];
  let firstError: unknown;
  for (const [index, checkpoint] of checkpoints.entries()) {
    const { name } = checkpoint;
    const progress: AnalysisContext['progress'] = ({ fractionDone, message }) => {
      context.progress({
        fractionDone: (index + fractionDone) / checkpoints.length,
        message: `${name}: ${message}`,
      });
    };
    let step = work.steps?.[index] ?? stepOf(name, index);
    try {
      const model = await checkpoint.open();
      step = work.steps?.[index] ?? metadataStep(model, work.stepKey ?? 'step') ?? step;
      points.push({ name, step, value: await work.measure(model, checkpoint, progress), problem: undefined });
    } catch (error) {
      if (error instanceof Cancelled) throw error;
      firstError ??= error;
      context.log.warn(`Checkpoint ${name} was not measured: ${messageOf(error)}`);
      const problem = withoutFolders(messageOf(error), [folderOf(checkpoint.path)]);
      points.push({ name, step, value: undefined, problem });
    }
    progress({ fractionDone: 1, message: 'measured' });
    work.onPoint?.(inOrder(points));
  }
  if (points.every(({ value }) => value === undefined)) throw firstError;
  return inOrder(points);
}

function inOrder<T>(points: readonly CheckpointPoint<T>[]): CheckpointPoint<T>[] {
  return [...points].sort((a, b) => a.step - b.step);
}

/** The step at which a checkpoint was saved: the last number of its name, else its place in the list. */
function stepOf(name: string, index: number): number {
  const last = name.match(/\d+/g)?.at(-1);
  return last === undefined ? index : Number(last);
}

function metadataStep({ metadata }: Model, key: string): number | undefined {
  const text = metadata.get(key)?.trim() ?? '';
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
}
