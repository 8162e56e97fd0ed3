import { providerNames, type RunRequest } from '../../../protocol/engineMessages.js';
import type { Report } from '../../../protocol/report.js';
import type { SettingValue } from '../../../protocol/settings.js';
import type { StoredResult } from '../../results/storedResult.js';
import type { AskedRun } from '../../run/runner.js';

/** Returns what the history would say of a report that is not in it, so that its question can be asked again. */
export function resultOfReport(report: Report): StoredResult {
  return {
    ...resultOfRequest(requestOf(report), report.title),
    summary: report.summary,
    status: report.status,
    sampleCount: report.data?.sampleCount ?? 0,
    findingCount: report.findings.length,
    createdAt: report.createdAt,
    durationMs: report.durationMs,
  };
}

/** Returns what the history would say of a run that left no report. */
export function resultOfRequest(asked: AskedRun, title: string): StoredResult {
  return {
    id: '',
    analysis: asked.analysis,
    title,
    summary: '',
    status: 'failed',
    modelPath: asked.modelPath,
    ...(asked.dataPath === undefined ? {} : { dataPath: asked.dataPath }),
    sampleCount: 0,
    findingCount: 0,
    createdAt: '',
    durationMs: 0,
    crossed: [],
    request: { ...asked, kind: 'run' },
  };
}

function requestOf(report: Report): RunRequest {
  const settings: Record<string, SettingValue> = {};
  for (const [key, value] of Object.entries(report.settings)) {
    if (isSettingValue(value)) settings[key] = value;
  }
  const { path: dataPath, describedBy } = report.data ?? {};
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
