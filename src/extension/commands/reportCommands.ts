import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { App } from '../app.js';
import { exportReport } from '../panels/report/exportReport.js';
import { keptIn, type KeptReport } from '../panels/report/reportOrigin.js';
import { readReportFile } from '../panels/report/readReportFile.js';
import type { StoredResult } from '../results/storedResult.js';
import type { ResultNode } from '../trees/resultsTree.js';
import { resultOf } from './resultCommands.js';

/** Shows two reports side by side: those that are selected, or one and the one the person chooses. */
export async function compareResults(app: App, target?: unknown, others?: unknown): Promise<void> {
  const chosen = Array.isArray(others) ? others.map(keptOf).filter((one) => one !== undefined) : [];
  const first = chosen[0] ?? keptOf(target) ?? keptOf(await nodeFor(app, target));
  if (first === undefined) return;
  const second = chosen[1] ?? (await chooseOther(app, first));
  if (second !== undefined) await app.navigation.openComparison(first, second);
}

/** Writes a result's report as HTML, Markdown or CSV. */
export async function exportResult(app: App, target?: ResultNode | string): Promise<void> {
  const result = await resultOf(app, target);
  if (result === undefined) return;
  const reportUri = app.results.reportUri(result.id);
  await exportReport(app, { report: await readReportFile(reportUri), reportUri });
}

async function nodeFor(app: App, target: unknown): Promise<ResultNode | undefined> {
  const result = await resultOf(app, target);
  return result === undefined ? undefined : { kind: 'result', result };
}

/** What a command is called with: a line of the history, or a page's own place. */
function keptOf(target: unknown): KeptReport | undefined {
  if (target instanceof Object && 'kind' in target && target.kind === 'result' && 'result' in target) {
    // Lines of the tree of results.
    return { kind: 'result', id: (target.result as StoredResult).id };
  }
  return keptIn(target);
}

interface OtherItem extends vscode.QuickPickItem {
  readonly kept: KeptReport | undefined;
}

async function chooseOther(app: App, first: KeptReport): Promise<KeptReport | undefined> {
  const own = first.kind === 'result' ? app.results.find(first.id) : undefined;
  const analysis = own?.analysis ?? (await analysisOf(app, first));
  const items: OtherItem[] = app.results.results
    .filter((result) => result.analysis === analysis && result.id !== own?.id)
    .map(itemOf);
  const file: OtherItem = { label: vscode.l10n.t('$(folder-opened) Choose a report file…'), kept: undefined };
  const separator: OtherItem = { label: '', kind: vscode.QuickPickItemKind.Separator, kept: undefined };
  const chosen = await vscode.window.showQuickPick([...items, separator, file], {
    placeHolder: vscode.l10n.t('Compare with which report?'),
    matchOnDetail: true,
  });
  return chosen === file ? chooseFile() : chosen?.kept;
}

function itemOf({ id, title, modelPath, createdAt, summary }: StoredResult): OtherItem {
  return {
    label: `${title} · ${basename(modelPath).replace(/\.onnx$/i, '')}`,
    description: new Date(createdAt).toLocaleString(vscode.env.language),
    detail: summary,
    kept: { kind: 'result', id },
  };
}

async function analysisOf(app: App, kept: KeptReport): Promise<string> {
  const uri = kept.kind === 'result' ? app.results.reportUri(kept.id) : vscode.Uri.parse(kept.uri, true);
  return (await readReportFile(uri)).analysis;
}

async function chooseFile(): Promise<KeptReport | undefined> {
  const files = await vscode.window.showOpenDialog({
    canSelectMany: false,
    filters: { [vscode.l10n.t('Reports')]: ['nireport.json', 'json'] },
    openLabel: vscode.l10n.t('Compare'),
  });
  const [uri] = files ?? [];
  return uri === undefined ? undefined : { kind: 'file', uri: uri.toString() };
}
