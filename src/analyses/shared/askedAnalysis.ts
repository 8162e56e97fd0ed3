import { messageOf, UserError } from '../../base/errors.js';
import type { Dataset } from '../../data/dataset.js';
import type { Model } from '../../onnx/model.js';
import type { SettingsSchema, SettingValues } from '../../protocol/settings.js';
import type { Analysis, SettingsOf } from '../analysis.js';

/** Returns settings as the analysis that declares them takes them. */
export function typedSettings(settings: SettingValues): SettingsOf<SettingsSchema> {
  // Defaults are of the declared types, and others were checked.
  return settings as SettingsOf<SettingsSchema>;
}

/** Returns what a model lacks for an analysis, as a sentence, as far as that can be told without running. */
export function lackOf(analysis: Analysis, model: Model): string | undefined {
  try {
    const lacking = analysis.lacks?.(model);
    return lacking === undefined ? undefined : `It does not fit this model: ${lacking}.`;
  } catch (error) {
    if (error instanceof UserError) return messageOf(error);
    throw error;
  }
}

/** Returns which data an analysis needs and does not have, as a sentence. */
export function needOf({ needs }: Analysis, data: Dataset | undefined): string | undefined {
  if (needs.data === 'required' && data === undefined) return 'It needs data: pass --data.';
  if (needs.labels === 'required' && data?.hasLabels !== true) return 'It needs data with labels.';
  return undefined;
}
