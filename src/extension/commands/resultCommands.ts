import * as vscode from 'vscode';
import type { App } from '../app.js';
import { askedAgain } from '../run/askedRun.js';
import type { StoredResult } from '../results/storedResult.js';
import type { ResultNode } from '../trees/resultsTree.js';

/** Opens a result beside the code. */
export async function openResult(app: App, target?: ResultNode | string): Promise<void> {
  const result = await resultOf(app, target);
  if (result !== undefined) await app.navigation.openResult(result.id);
}

/** Asks the same question again. */
export async function rerunResult(app: App, target?: ResultNode | string): Promise<void> {
  const result = await resultOf(app, target);
  if (result === undefined) return;
  const { asked, unused } = await askedAgain(result.request);
  const run = await app.runner.start(asked);
  await app.navigation.showRun(run);
  if (unused.length === 0) return;
  void vscode.window.showInformationMessage(
    vscode.l10n.t(
      'Run again without {0}: it had no effect with the other settings, and is refused now.',
      unused.join(', '),
    ),
  );
}

/** Deletes a result from the history; the message offers to undo it. */
export async function deleteResult(app: App, target?: ResultNode | string, others?: unknown): Promise<void> {
  const chosen = Array.isArray(others) && others.length > 1 ? (others as (ResultNode | string)[]) : [target];
  const results: StoredResult[] = [];
  for (const one of chosen) {
    const result = await resultOf(app, one);
    if (result !== undefined) results.push(result);
  }
  if (results.length === 0) return;
  const deleted = await Promise.all(results.map(({ id }) => app.results.delete(id)));
  const undo = vscode.l10n.t('Undo');
  const [first] = results;
  const text =
    results.length === 1
      ? vscode.l10n.t('Deleted "{0}".', first?.title ?? '')
      : vscode.l10n.t('Deleted {0} results.', results.length);
  const answer = await vscode.window.showInformationMessage(text, undo);
  if (answer === undo) await Promise.all(deleted.map((one) => one.undo()));
}

/** Shows the run under way. */
export async function showRun(app: App, runId?: unknown): Promise<void> {
  const { active } = app.runner;
  const run = active.find(({ id }) => id === runId) ?? active[0];
  if (run !== undefined) await app.navigation.showRun(run);
}

/** Returns the result that a command is about: the one of its line or id, or the one the person chooses. */
export async function resultOf(app: App, target: unknown): Promise<StoredResult | undefined> {
  if (typeof target === 'string') return app.results.find(target);
  if (target instanceof Object && 'kind' in target && target.kind === 'result' && 'result' in target) {
    return target.result as StoredResult;
  }
  const items = app.results.results.map((result) => ({
    label: result.title,
    description: new Date(result.createdAt).toLocaleString(vscode.env.language),
    detail: result.summary,
    result,
  }));
  if (items.length === 0) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('There is no result yet. Run an analysis first.'),
    );
    return undefined;
  }
  const chosen = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('Which result?') });
  return chosen?.result;
}
