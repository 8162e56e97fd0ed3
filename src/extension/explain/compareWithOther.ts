import { basename } from 'node:path';
import * as vscode from 'vscode';
import { findAnalysis } from '../../runs/findAnalysis.js';
import type { App } from '../app.js';
import { loadAnalyses } from '../loadAnalyses.js';
import type { StoredResult } from '../results/storedResult.js';
import { askedAgain } from '../run/askedRun.js';
import { type Choice, chooseItem } from '../run/chooseItem.js';
import type { AskedRun } from '../run/runner.js';

/** What is to be different in the second run. */
type Other = { readonly method: string } | { readonly modelPath: string };

/**
 * Asks the question of an attribution again by another method or of another model, and shows both reports side by side when
 * the run has ended. A run that leaves no report stays open and says why.
 */
export async function compareWithOther(app: App, result: StoredResult): Promise<void> {
  const other = await chooseOther(app, result);
  if (other === undefined) return;
  const { asked } = await askedAgain(changed(result.request, other));
  const run = await app.runner.start(asked);
  await app.navigation.showRun(run);
  const end = await run.ended;
  if (end.kind !== 'ended' || end.result === undefined || end.report.status !== 'complete') return;
  // A report from a file has no place in the history.
  if (app.results.find(result.id) === undefined) return;
  await app.navigation.openComparison({ kind: 'result', id: result.id }, { kind: 'result', id: run.id });
}

/** Another method has settings of its own; what says which value is explained stays. */
function changed({ settings, ...asked }: AskedRun, other: Other): AskedRun {
  if ('modelPath' in other) return { ...asked, settings, modelPath: other.modelPath };
  const kept = ['rows', 'target', 'position', 'output', 'explain', 'neuron', 'baseline'];
  const same = Object.entries(settings).filter(([key]) => kept.includes(key));
  return { ...asked, settings: { ...Object.fromEntries(same), method: other.method } };
}

async function chooseOther(app: App, result: StoredResult): Promise<Other | undefined> {
  const { settings } = findAnalysis(await loadAnalyses(), result.analysis);
  const method = settings['method'];
  const own = result.request.settings['method'] ?? method?.default;
  const methods: Choice<Other>[] =
    method?.kind === 'choice'
      ? method.choices
          .filter((name) => name !== own)
          .map((name) => ({
            label: name,
            iconPath: new vscode.ThemeIcon('symbol-method'),
            value: { method: name },
          }))
      : [];
  await app.models.searched;
  const models = app.models.models
    .filter(({ uri }) => uri.fsPath !== result.modelPath)
    .map(({ uri, name }): Choice<Other> => ({
      label: name,
      description: vscode.workspace.asRelativePath(vscode.Uri.joinPath(uri, '..')),
      iconPath: new vscode.ThemeIcon('circuit-board'),
      value: { modelPath: uri.fsPath },
    }));
  const answer = await chooseItem<Other>({
    title: vscode.l10n.t('Compare — {0}', basename(result.modelPath)),
    placeholder: vscode.l10n.t('With which method or model?'),
    canGoBack: false,
    items: [
      { label: vscode.l10n.t('Another method'), kind: vscode.QuickPickItemKind.Separator },
      ...methods,
      { label: vscode.l10n.t('Another model'), kind: vscode.QuickPickItemKind.Separator },
      ...models,
    ],
  });
  return answer.kind === 'chosen' ? answer.value : undefined;
}
