import { unsharedWork } from '../../src/analyses/sharedWork.js';
import type { Analysis, AnalysisContext, ReportDraft, SettingsOf } from '../../src/analyses/analysis.js';
import { silentLogger } from '../../src/base/logger.js';
import { createRandom } from '../../src/base/random.js';
import type { Dataset } from '../../src/data/dataset.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import type { Model } from '../../src/onnx/model.js';
import type { SettingsSchema } from '../../src/protocol/settings.js';
import { unitStates } from '../../src/analyses/shared/states.js';
import { askOther } from '../../src/runs/askOther.js';
import { openModels } from '../../src/runs/openModels.js';
import { openDataset } from '../../src/data/openDataset.js';
import { toFloat64 } from '../../src/onnx/tensorValue.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });

/** Runs an analysis on data in memory with its default settings changed. */
export async function runOn<S extends SettingsSchema>(
  analysis: Analysis<S>,
  model: Model,
  data: Dataset,
  options: { readonly settings?: Partial<SettingsOf<S>> } & Partial<AnalysisContext> = {},
): Promise<ReportDraft> {
  const { settings, ...rest } = options;
  const defaults = Object.fromEntries(
    Object.entries(analysis.settings).map(([key, { default: value }]) => [key, value]),
  );
  const context: AnalysisContext = {
    model,
    data,
    runtime,
    random: createRandom(0),
    batchSize: 64,
    limit: undefined,
    log: silentLogger,
    shared: unsharedWork,
    signal: new AbortController().signal,
    openData: (path) => openDataset(path, model),
    openModels: (path, options) => openModels(path, model, options),
    ask: (question) => askOther(context, question, undefined),
    progress: () => undefined,
    partial: () => undefined,
    ...rest,
  };
  // Defaults are of the declared types.
  return analysis.run(context, { ...defaults, ...settings } as unknown as SettingsOf<S>);
}

/** Returns the elements of an array of a report. */
export function arrayOf(draft: ReportDraft, name: string): number[] {
  const array = draft.arrays[name];
  if (array === undefined) throw new Error(`No array ${name} among ${Object.keys(draft.arrays).join(', ')}.`);
  return [...toFloat64(array.value)];
}

/** Returns the states of a layer's units by name. */
export function statesOf(draft: ReportDraft, layer: string): string[] {
  return arrayOf(draft, `${layer}.state`).map((code) => unitStates[code] ?? '?');
}
