import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { App } from '../app.js';
import { idPrefix } from '../manifest/contribution.js';
import type { StoredResult } from '../results/storedResult.js';
import type { LiveRun } from '../run/liveRun.js';
import { findingsText } from './analysesTree.js';

/** What the tree of results holds: runs under way first, then the history. */
export type ResultNode =
  | { readonly kind: 'run'; readonly run: LiveRun }
  | { readonly kind: 'result'; readonly result: StoredResult };

/** The history of runs, newest first. */
export class ResultsTree implements vscode.TreeDataProvider<ResultNode> {
  private readonly app: Pick<App, 'results' | 'runner'>;
  private readonly changed = new vscode.EventEmitter<ResultNode | undefined>();
  private readonly stale = new Map<string, boolean>();

  readonly onDidChangeTreeData = this.changed.event;

  constructor(app: Pick<App, 'results' | 'runner' | 'models'>, subscriptions: { dispose(): unknown }[]) {
    this.app = app;
    subscriptions.push(
      app.results.onDidChange(() => {
        this.changed.fire(undefined);
        void this.checkStale();
      }),
      app.runner.onDidChange(() => {
        this.changed.fire(undefined);
      }),
      // A model that was written anew makes its results stale.
      app.models.onDidChange(() => void this.checkStale()),
    );
  }

  getChildren(node?: ResultNode): ResultNode[] {
    if (node !== undefined) return [];
    const runs = [...this.app.runner.active].reverse().map((run) => ({ kind: 'run' as const, run }));
    const results = this.app.results.results.map((result) => ({ kind: 'result' as const, result }));
    return [...runs, ...results];
  }

  getTreeItem(node: ResultNode): vscode.TreeItem {
    return node.kind === 'run' ? runItem(node.run) : this.resultItem(node.result);
  }

  private resultItem(result: StoredResult): vscode.TreeItem {
    const model = basename(result.modelPath).replace(/\.onnx$/i, '');
    const label = `${result.title} · ${model}`;
    const item = new vscode.TreeItem(label);
    item.id = result.id;
    const isStale = this.stale.get(result.id) === true;
    item.description = [timeOf(result.createdAt), noteOf(result), isStale ? vscode.l10n.t('stale') : '']
      .filter((text) => text !== '')
      .join(' · ');
    item.contextValue = `result ${result.status} ${result.analysis}`;
    item.iconPath = iconOf(result);
    item.tooltip = tooltipOf(result, isStale);
    item.accessibilityInformation = {
      label: `${label}, ${item.description}, ${result.summary}`,
    };
    item.command = {
      command: `${idPrefix}openResult`,
      title: vscode.l10n.t('Open Result'),
      arguments: [node(result)],
    };
    return item;
  }

  private async checkStale(): Promise<void> {
    let isNews = false;
    for (const result of this.app.results.results) {
      const isStale = (await this.app.results.isStale(result)) === true;
      if ((this.stale.get(result.id) ?? false) !== isStale) isNews = true;
      this.stale.set(result.id, isStale);
    }
    if (isNews) this.changed.fire(undefined);
  }
}

function node(result: StoredResult): ResultNode {
  return { kind: 'result', result };
}

function runItem(run: LiveRun): vscode.TreeItem {
  const model = basename(run.request.modelPath).replace(/\.onnx$/i, '');
  const item = new vscode.TreeItem(`${run.title} · ${model}`);
  item.id = `run:${run.id}`;
  item.description = vscode.l10n.t('running…');
  item.contextValue = 'run';
  item.iconPath = new vscode.ThemeIcon('loading~spin');
  item.command = {
    command: `${idPrefix}showRun`,
    title: vscode.l10n.t('Show Running Analysis'),
    arguments: [run.id],
  };
  return item;
}

/** Hours and minutes today, the date before. */
function timeOf(createdAt: string): string {
  const date = new Date(createdAt);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday
    ? date.toLocaleTimeString(vscode.env.language, { hour: 'numeric', minute: '2-digit' })
    : date.toLocaleDateString(vscode.env.language, { day: 'numeric', month: 'short' });
}

function noteOf({ status, findingCount, crossed }: StoredResult): string {
  if (status === 'failed') return vscode.l10n.t('failed');
  if (status === 'cancelled') return vscode.l10n.t('cancelled');
  if (crossed.length > 0) return vscode.l10n.t('limit crossed');
  const findings = findingCount === 0 ? vscode.l10n.t('no finding') : findingsText(findingCount);
  return status === 'partial' ? `${findings} · ${vscode.l10n.t('part of the data')}` : findings;
}

function iconOf({ status, findingCount, crossed }: StoredResult): vscode.ThemeIcon {
  if (status === 'failed' || crossed.length > 0) {
    return new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
  }
  if (status === 'cancelled') return new vscode.ThemeIcon('circle-slash');
  if (findingCount > 0) {
    return new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  }
  return new vscode.ThemeIcon('pass');
}

function tooltipOf(result: StoredResult, isStale: boolean): string {
  return [
    result.summary,
    ...result.crossed,
    ...(isStale ? [vscode.l10n.t('The model changed since: run again for present numbers.')] : []),
    `${result.modelPath}${result.dataPath === undefined ? '' : `\n${result.dataPath}`}`,
    new Date(result.createdAt).toLocaleString(vscode.env.language),
  ].join('\n');
}
