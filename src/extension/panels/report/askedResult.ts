import type { Report } from '../../../protocol/report.js';
import { requestOfReport } from '../../../protocol/reportRequest.js';
import type { StoredResult } from '../../results/storedResult.js';
import type { AskedRun } from '../../run/runner.js';

/** Returns what the history would say of a report that is not in it, so that its question can be asked again. */
export function resultOfReport(report: Report): StoredResult {
  return {
    ...resultOfRequest(requestOfReport(report), report.title),
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
