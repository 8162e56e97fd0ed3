import { join } from 'node:path';
import type { Analysis, AnalysisContext, ReportDraft, SettingsOf } from '../../src/analyses/analysis.js';
import type { SettingsSchema, SettingValues } from '../../src/protocol/settings.js';
import { completeSettings } from '../../src/protocol/readSettings.js';
import type { Feeds } from '../../src/engine/runtime/session.js';
import type { Model } from '../../src/onnx/model.js';
import { openDataset } from '../../src/data/openDataset.js';
import { readModel } from '../../src/onnx/readModel.js';
import { samplesDir } from './paths.js';
import { attributionContext, type RunOptions } from './runAttribution.js';

/** Runs an analysis on tensors in memory with its default settings changed. */
export function runAnalysisOn<S extends SettingsSchema>(
  analysis: Analysis<S>,
  data: { readonly model: Model; readonly feeds: Feeds; readonly columnNames?: readonly string[] },
  settings: Readonly<Record<string, unknown>> = {},
  options: RunOptions = {},
): Promise<ReportDraft> {
  const context: AnalysisContext = attributionContext(data.model, data.feeds, options);
  const { columnNames } = data;
  const named =
    columnNames === undefined || context.data === undefined
      ? context
      : { ...context, data: { ...context.data, columnNames: { x: columnNames } } };
  return analysis.run(named, settingsWith(analysis, settings));
}

/** Runs an analysis on a committed sample and its data, with its default settings changed. */
export async function runAnalysisOnSample<S extends SettingsSchema>(
  analysis: Analysis<S>,
  name: string,
  settings: Readonly<Record<string, unknown>> = {},
  options: RunOptions = {},
): Promise<ReportDraft> {
  const dir = join(samplesDir, name);
  const model = await readModel(join(dir, `${name}.onnx`));
  const data = await openDataset(join(dir, `${name}.inspect.json`), model);
  const context: AnalysisContext = { ...attributionContext(model, {}, options), data };
  return analysis.run(context, settingsWith(analysis, settings));
}

function settingsWith<S extends SettingsSchema>(
  analysis: Analysis<S>,
  settings: Readonly<Record<string, unknown>>,
): SettingsOf<S> {
  return completeSettings(analysis.settings, settings as SettingValues) as SettingsOf<S>;
}
