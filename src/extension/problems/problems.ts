import * as vscode from 'vscode';
import { messageOf } from '../../base/errors.js';
import type { App } from '../app.js';
import { loadAnalyses } from '../loadAnalyses.js';
import type { StoredResult } from '../results/storedResult.js';
import { findingKey, isMuted, mutedFindings } from './mutedFindings.js';
import { diagnosticOf, placeFindings, type Problem } from './problem.js';

/** A layer with more problems than this shows them in its report. */
const maxPerResult = 100;

/** The findings of the newest results as problems of the editor: errors and warnings of health analyses. */
export class Problems {
  private readonly app: Pick<App, 'results' | 'models' | 'log'>;
  private readonly collection: vscode.DiagnosticCollection;
  private shown: readonly { readonly problem: Problem; readonly diagnostic: vscode.Diagnostic }[] = [];
  /** Counts refreshes: one that is overtaken shows nothing. */
  private turn = 0;

  constructor(app: Pick<App, 'results' | 'models' | 'log'>, collection: vscode.DiagnosticCollection) {
    this.app = app;
    this.collection = collection;
  }

  /** Reads the newest results again and shows what they found; never rejects. */
  async refresh(): Promise<void> {
    const turn = ++this.turn;
    const problems: Problem[] = [];
    for (const result of await this.newestResults()) {
      try {
        problems.push(...(await this.problemsOf(result)));
      } catch (error) {
        this.app.log.warn(`The findings of ${result.title} are not listed: ${messageOf(error)}`);
      }
    }
    if (turn === this.turn) this.show(problems);
  }

  /** Returns the problem that a diagnostic of the editor stands for. */
  find(uri: vscode.Uri, { message, range }: vscode.Diagnostic): Problem | undefined {
    return this.shown.find(
      ({ problem, diagnostic }) =>
        problem.uri.toString() === uri.toString() &&
        problem.line === range.start.line &&
        diagnostic.message === message,
    )?.problem;
  }

  private show(problems: readonly Problem[]): void {
    this.shown = problems.map((problem) => ({ problem, diagnostic: diagnosticOf(problem) }));
    const byUri = new Map<string, [vscode.Uri, vscode.Diagnostic[]]>();
    for (const { problem, diagnostic } of this.shown) {
      const [, known] = byUri.get(problem.uri.toString()) ?? [problem.uri, []];
      byUri.set(problem.uri.toString(), [problem.uri, [...known, diagnostic]]);
    }
    this.collection.clear();
    this.collection.set([...byUri.values()]);
  }

  /** The newest result of each health analysis on each model; a checkup's parts are results of their own. */
  private async newestResults(): Promise<readonly StoredResult[]> {
    const { results } = this.app.results;
    const analyses = await loadAnalyses();
    const health = new Set(
      analyses.filter(({ id, question }) => question === 'health' && id !== 'checkup').map(({ id }) => id),
    );
    const newest = new Map<string, StoredResult>();
    for (const result of results) {
      const isAnswer = result.status === 'complete' || result.status === 'partial';
      if (!health.has(result.analysis) || !isAnswer) continue;
      const place = `${result.analysis} ${result.modelPath}`;
      if (!newest.has(place)) newest.set(place, result);
    }
    return [...newest.values()].filter(({ findingCount }) => findingCount > 0);
  }

  private async problemsOf(result: StoredResult): Promise<readonly Problem[]> {
    const { results, models } = this.app;
    if (!(await exists(result.modelPath))) return [];
    const { findings } = await results.load(result.id);
    const muted = mutedFindings(result.modelPath);
    const heard = findings.filter(
      (finding) =>
        finding.severity !== 'info' &&
        !isMuted(muted, findingKey(result.modelPath, result.analysis, finding)),
    );
    const isStale = (await results.isStale(result)) === true;
    return placeFindings(heard.slice(0, maxPerResult), { result, isStale }, models.inspectFiles);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(vscode.Uri.file(path));
    return true;
  } catch {
    return false;
  }
}
