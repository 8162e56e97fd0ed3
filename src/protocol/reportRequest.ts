import { providerNames, type RunRequest } from './engineMessages.js';
import type { Report } from './report.js';
import type { SettingValue } from './settings.js';

/** Returns the run that makes a report again: its data are what was named for them, an inspect file or the data themselves. */
export function requestOfReport(report: Report): RunRequest {
  const settings: Record<string, SettingValue> = {};
  for (const [key, value] of Object.entries(report.settings)) {
    if (isSettingValue(value)) settings[key] = value;
  }
  const { path, inspectFile, describedBy } = report.data ?? {};
  const dataPath = inspectFile ?? path;
  return {
    kind: 'run',
    analysis: report.analysis,
    modelPath: report.model.path,
    ...(dataPath === undefined ? {} : { dataPath }),
    ...(describedBy === undefined ? {} : { describedBy }),
    settings,
    seed: report.seed,
    provider: providerNames.find((name) => name === report.provider) ?? 'auto',
  };
}

function isSettingValue(value: unknown): value is SettingValue {
  return value === null || ['number', 'string', 'boolean'].includes(typeof value);
}
