import * as vscode from 'vscode';
import type { RunRequest } from '../../protocol/engineMessages.js';
import type { Report } from '../../protocol/report.js';
import { partFileName } from '../../runs/partFileName.js';
import type { ResultStore } from '../results/resultStore.js';
import type { StoredResult } from '../results/storedResult.js';
import type { LeftByRun } from './liveRun.js';

/** A run that ended, and how it was asked. */
export interface EndedRun extends LeftByRun {
  /** Id of its result. */
  readonly id: string;
  /** As it was asked, without the folder of the arrays. */
  readonly request: RunRequest;
  /** Returns why limits are crossed by a report. */
  crossedLimits(request: RunRequest, report: Report): Promise<readonly string[]>;
}

/**
 * Keeps a run in the history. Reports of the same model that it put together become results of their own, with their arrays;
 * those of other models, of which there may be hundreds, lie beside it. The report knows where they are.
 */
export async function keepRun(results: ResultStore, run: EndedRun): Promise<StoredResult> {
  const { id, request, report, modelStamp } = run;
  const files: string[] = [];
  for (const [index, part] of run.parts.entries()) {
    const listed = report.parts?.[index];
    files.push(
      listed?.of === undefined
        ? await keepPart(results, run, part)
        : await results.saveBeside(id, partFileName(listed), part),
    );
  }
  const crossed = await run.crossedLimits(request, report);
  return results.save(id, { report: withFiles(report, files), request, modelStamp, crossed });
}

/** Returns the file of the part's report, relative to the folder of the report that it is a part of. */
async function keepPart(results: ResultStore, run: EndedRun, part: Report): Promise<string> {
  const { id } = results.reserve();
  const usedCount = part.data?.usedCount;
  const request: RunRequest = {
    ...run.request,
    analysis: part.analysis,
    settings: {},
    ...(usedCount === undefined ? {} : { limit: usedCount }),
  };
  await moveArrays(vscode.Uri.joinPath(results.arraysDir(run.id), part.analysis), results.arraysDir(id));
  await results.save(id, {
    report: part,
    request,
    modelStamp: run.modelStamp,
    crossed: await run.crossedLimits(request, part),
  });
  return `../${id}/${results.reportUri(id).path.split('/').at(-1) ?? ''}`;
}

/** The engine wrote them beside those of the whole, in a folder of the analysis's name. */
async function moveArrays(from: vscode.Uri, to: vscode.Uri): Promise<void> {
  await vscode.workspace.fs.createDirectory(vscode.Uri.joinPath(to, '..'));
  await vscode.workspace.fs.rename(from, to);
}

/** Files in the order of the parts; a cancelled run lists parts that it left no report of. */
function withFiles(report: Report, files: readonly string[]): Report {
  if (report.parts === undefined) return report;
  return {
    ...report,
    parts: report.parts.map((part, index) => {
      const file = files[index];
      return file === undefined ? part : { ...part, file };
    }),
  };
}
