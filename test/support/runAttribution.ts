import { unsharedWork } from '../../src/analyses/sharedWork.js';
import { attribution } from '../../src/analyses/prediction/attribution.js';
import type { AttributionSettings } from '../../src/analyses/prediction/attribution/settings.js';
import type { AnalysisContext, ReportDraft } from '../../src/analyses/analysis.js';
import { silentLogger } from '../../src/base/logger.js';
import { createRandom } from '../../src/base/random.js';
import type { SettingValues } from '../../src/protocol/settings.js';
import { completeSettings } from '../../src/protocol/readSettings.js';
import { openModels } from '../../src/runs/openModels.js';
import { openDataset } from '../../src/data/openDataset.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../src/engine/runtime/session.js';
import type { Model } from '../../src/onnx/model.js';
import type { TensorValue } from '../../src/onnx/tensorValue.js';
import { memoryDataset } from './memoryDataset.js';

/** What a test may set of a run besides its settings. */
export type RunOptions = Partial<Pick<AnalysisContext, 'batchSize' | 'limit' | 'progress' | 'signal'>> & {
  readonly labels?: readonly number[];
  readonly seed?: number;
};

/** Runs `attribution` on tensors in memory with its default settings changed. */
export async function runAttribution(
  model: Model,
  feeds: Feeds,
  settings: Readonly<Record<string, unknown>> = {},
  options: RunOptions = {},
): Promise<ReportDraft> {
  const context = attributionContext(model, feeds, options);
  return attribution.run(context, attributionSettingsWith(settings));
}

/** Returns the default settings of `attribution` with some changed. */
export function attributionSettingsWith(settings: Readonly<Record<string, unknown>>): AttributionSettings {
  return completeSettings(attribution.settings, settings as SettingValues) as AttributionSettings;
}

/** Returns what `attribution` runs in, over tensors in memory. */
export function attributionContext(model: Model, feeds: Feeds, options: RunOptions = {}): AnalysisContext {
  return {
    model,
    data: memoryDataset(feeds, options.labels),
    runtime: createRuntime({ provider: 'cpu', threadCount: 2 }),
    random: createRandom(options.seed ?? 0),
    batchSize: options.batchSize ?? 64,
    limit: options.limit,
    log: silentLogger,
    shared: unsharedWork,
    signal: options.signal ?? new AbortController().signal,
    openData: (path) => openDataset(path, model),
    openModels: (path, options) => openModels(path, model, options),
    ask: () => Promise.reject(new Error('Attribution asks no other model.')),
    progress: options.progress ?? (() => undefined),
    partial: () => undefined,
  };
}

/** Returns an array of a report, or throws naming those that are there. */
export function arrayOf(draft: ReportDraft, name: string): TensorValue {
  const array = draft.arrays[name];
  if (array === undefined) throw new Error(`No array ${name} among ${Object.keys(draft.arrays).join(', ')}.`);
  return array.value;
}
