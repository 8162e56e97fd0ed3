import type { Analysis, AnalysisContext, ReportDraft, SettingsOf } from '../../src/analyses/analysis.js';
import type { SettingsSchema } from '../../src/protocol/settings.js';
import type { Feeds } from '../../src/engine/runtime/session.js';
import type { Model } from '../../src/onnx/model.js';
import { attributionContext, type RunOptions } from './runAttribution.js';

/** Runs an analysis on tensors in memory with its default settings changed. */
export function runAnalysisOn<S extends SettingsSchema>(
  analysis: Analysis<S>,
  data: { readonly model: Model; readonly feeds: Feeds; readonly columnNames?: readonly string[] },
  settings: Readonly<Record<string, unknown>> = {},
  options: RunOptions = {},
): Promise<ReportDraft> {
  const defaults = Object.entries(analysis.settings).map(([key, setting]) => [key, setting.default]);
  const context: AnalysisContext = attributionContext(data.model, data.feeds, options);
  const { columnNames } = data;
  const named =
    columnNames === undefined || context.data === undefined
      ? context
      : { ...context, data: { ...context.data, columnNames: { x: columnNames } } };
  return analysis.run(named, { ...Object.fromEntries(defaults), ...settings } as SettingsOf<S>);
}
