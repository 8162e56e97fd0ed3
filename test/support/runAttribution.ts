import { unsharedWork } from '../../src/analyses/sharedWork.js';
import { attribution } from '../../src/analyses/prediction/attribution.js';
import type { AttributionSettings } from '../../src/analyses/prediction/attribution/settings.js';
import type { AnalysisContext, ReportDraft } from '../../src/analyses/analysis.js';
import { silentLogger } from '../../src/base/logger.js';
import { createRandom } from '../../src/base/random.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../src/engine/runtime/session.js';
import type { Model } from '../../src/onnx/model.js';
import type { TensorValue } from '../../src/onnx/tensorValue.js';
import { memoryDataset } from './memoryDataset.js';

/** Runs `attribution` on tensors in memory with its default settings changed. */
export async function runAttribution(
  model: Model,
  feeds: Feeds,
  settings: Readonly<Record<string, unknown>> = {},
  options: Partial<Pick<AnalysisContext, 'batchSize' | 'limit' | 'progress'>> & {
    readonly labels?: readonly number[];
  } = {},
): Promise<ReportDraft> {
  const defaults = Object.entries(attribution.settings).map(([key, setting]) => [key, setting.default]);
  const context: AnalysisContext = {
    model,
    data: memoryDataset(feeds, options.labels),
    runtime: createRuntime({ provider: 'cpu', threadCount: 2 }),
    random: createRandom(0),
    batchSize: options.batchSize ?? 64,
    limit: options.limit,
    log: silentLogger,
    shared: unsharedWork,
    signal: new AbortController().signal,
    progress: options.progress ?? (() => undefined),
    partial: () => undefined,
  };
  return attribution.run(context, { ...Object.fromEntries(defaults), ...settings } as AttributionSettings);
}

/** Returns an array of a report, or throws naming those that are there. */
export function arrayOf(draft: ReportDraft, name: string): TensorValue {
  const array = draft.arrays[name];
  if (array === undefined) throw new Error(`No array ${name} among ${Object.keys(draft.arrays).join(', ')}.`);
  return array.value;
}
