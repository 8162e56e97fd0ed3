import * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.js';
import type { App } from '../app.js';
import { panelTypes } from '../manifest/panels.js';
import type { LiveRun } from '../run/liveRun.js';
import { ComparisonSubject } from './report/comparisonSubject.js';
import { KeptSubject } from './report/keptSubject.js';
import {
  folderOf,
  type KeptReport,
  originKey,
  readOrigin,
  type ReportOrigin,
} from './report/reportOrigin.js';
import { ReportPageHost } from './report/reportPageHost.js';
import type { ReportSubject } from './report/reportSubject.js';
import { LostRunSubject, RunSubject } from './report/runSubject.js';

/** The pages of reports: one panel a result, a run or a comparison. A run's panel becomes its result's. */
export class ReportPanels implements Disposable, vscode.WebviewPanelSerializer {
  private readonly app: App;
  private readonly panels = new Map<string, vscode.WebviewPanel>();
  /** What was last asked from a page, by its key. */
  private readonly followUps = new Map<
    string,
    { readonly panel: vscode.WebviewPanel; readonly run: LiveRun }
  >();

  constructor(app: App) {
    this.app = app;
  }

  /** Shows a result of the history beside the code. */
  showResult(resultId: string): Promise<void> {
    return this.show({ kind: 'result', id: resultId });
  }

  /** Shows a run beside the code, and its report when it has ended. */
  showRun(run: LiveRun): void {
    const subject = new RunSubject(this.app, run);
    if (!this.reveal(subject.origin)) this.open(subject);
    else subject.dispose();
  }

  /** Shows a run that was asked from a page, by its key, beside that page; what was asked from it before makes room. */
  showFollowUp(run: LiveRun, from: string): void {
    const before = this.followUps.get(from);
    const column = before?.panel.viewColumn ?? this.columnBeside(from);
    const panel = this.open(new RunSubject(this.app, run), column);
    this.followUps.set(from, { panel, run });
    panel.onDidDispose(() => {
      if (this.followUps.get(from)?.panel === panel) this.followUps.delete(from);
    });
    if (before?.run.state.kind === 'running') before.run.cancel();
    before?.panel.dispose();
  }

  /** Shows two reports side by side: what differs, and by how much. */
  showComparison(first: KeptReport, second: KeptReport): Promise<void> {
    return this.show({ kind: 'comparison', first, second });
  }

  /** Restores a page after the window was reloaded. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const origin = readOrigin(state);
    if (origin === undefined || this.panels.has(originKey(origin))) panel.dispose();
    else this.adopt(panel, await this.restored(origin));
  }

  dispose(): void {
    for (const panel of [...this.panels.values()]) panel.dispose();
  }

  private show(origin: Exclude<ReportOrigin, { readonly kind: 'run' }>): Promise<void> {
    if (!this.reveal(origin)) this.open(this.subjectOf(origin));
    return Promise.resolve();
  }

  private reveal(origin: ReportOrigin): boolean {
    const panel = this.panels.get(originKey(origin));
    panel?.reveal();
    return panel !== undefined;
  }

  private open(subject: ReportSubject, column = this.column()): vscode.WebviewPanel {
    const panel = vscode.window.createWebviewPanel(panelTypes.report, subject.title, column, {
      enableFindWidget: true,
    });
    this.adopt(panel, subject);
    return panel;
  }

  /** A report that was itself asked from one stands beside that, and what it is asked joins it there. */
  private columnBeside(key: string): vscode.ViewColumn {
    const own = this.panels.get(key);
    const isAsked = [...this.followUps.values()].some(({ panel }) => panel === own);
    return (isAsked ? own?.viewColumn : undefined) ?? vscode.ViewColumn.Beside;
  }

  private adopt(panel: vscode.WebviewPanel, subject: ReportSubject): void {
    const key = originKey(subject.origin);
    const page = new ReportPageHost(this.app, panel, subject, this.pictureFolder(subject.origin));
    this.panels.set(key, panel);
    panel.onDidDispose(() => {
      this.panels.delete(key);
      page.dispose();
    });
  }

  /** Beside the code, and where other reports already are: not a third column for the second report. */
  private column(): vscode.ViewColumn {
    const open = [...this.panels.values()].find((panel) => panel.visible);
    if (open?.viewColumn !== undefined) return open.viewColumn;
    return vscode.window.activeTextEditor === undefined ? vscode.ViewColumn.Active : vscode.ViewColumn.Beside;
  }

  private subjectOf(origin: Exclude<ReportOrigin, { readonly kind: 'run' }>): ReportSubject {
    if (origin.kind === 'comparison') return new ComparisonSubject(this.app, origin.first, origin.second);
    return new KeptSubject(this.app, origin);
  }

  /** After a reload a run is in the history when it had time to end, else lost with its window. */
  private async restored(origin: ReportOrigin): Promise<ReportSubject> {
    if (origin.kind !== 'run') return this.subjectOf(origin);
    const run = this.app.runner.active.find(({ id }) => id === origin.id);
    if (run !== undefined) return new RunSubject(this.app, run);
    try {
      // The history may not have been read yet; its files are there.
      await vscode.workspace.fs.stat(this.app.results.reportUri(origin.id));
      return this.subjectOf({ kind: 'result', id: origin.id });
    } catch {
      return new LostRunSubject(origin);
    }
  }

  private pictureFolder(origin: ReportOrigin): vscode.Uri | undefined {
    if (origin.kind === 'comparison') return undefined;
    const uri =
      origin.kind === 'file' ? vscode.Uri.parse(origin.uri, true) : this.app.results.reportUri(origin.id);
    return folderOf(uri);
  }
}
