import * as vscode from 'vscode';
import type { Disposable } from '../../../base/disposable.js';
import type { ReportPageContent, ReportProtocol } from '../../../protocol/views/reportMessages.js';
import type { App } from '../../app.js';
import { editorTypes } from '../../manifest/panels.js';
import { type AttachedView, attachView } from '../../views/attachView.js';
import { askFollowUp } from './askFollowUp.js';
import { act, actionsOf } from './reportActions.js';
import { folderOf } from './reportOrigin.js';
import type { ReportSubject } from './reportSubject.js';

/** Partial reports may be large and come often; a person reads no faster than this. */
const leastPauseMs = 300;

/** Connects a report page to what it shows. */
export class ReportPageHost implements Disposable {
  readonly subject: ReportSubject;
  private readonly app: App;
  private readonly panel: vscode.WebviewPanel;
  private readonly view: AttachedView<ReportProtocol>;
  private readonly disposables: vscode.Disposable[] = [];
  private shownAtMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private shown: ReportPageContent | undefined;

  /** `folder` may hold pictures beside the report. */
  constructor(app: App, panel: vscode.WebviewPanel, subject: ReportSubject, folder?: vscode.Uri) {
    this.app = app;
    this.panel = panel;
    this.subject = subject;
    panel.iconPath = vscode.Uri.joinPath(app.extensionUri, 'media', 'icon.svg');
    this.view = attachView<ReportProtocol>(
      panel.webview,
      {
        name: 'report',
        title: vscode.l10n.t('Report'),
        resourceRoots: folder === undefined ? [] : [folder],
      },
      {
        extensionUri: app.extensionUri,
        log: app.log,
        disposables: this.disposables,
        handlers: {
          onReady: () => {
            // The page has loaded anew and knows nothing.
            this.shown = undefined;
            this.show();
          },
          onTell: (message) => this.hear(message),
          onAsk: () => Promise.reject(new Error('The report page asks nothing.')),
        },
      },
    );
    this.disposables.push(
      subject.onDidChange(() => {
        this.showSoon();
      }),
      panel.onDidChangeViewState(() => {
        if (panel.visible) subject.refresh();
      }),
    );
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const one of this.disposables) one.dispose();
    this.subject.dispose();
  }

  private async hear(message: ReportProtocol['tell']): Promise<void> {
    switch (message.kind) {
      case 'act':
        await act(this.app, this.subject, message.action);
        return;
      case 'cancel':
        this.subject.cancel();
        return;
      case 'follow-up':
        await askFollowUp(this.app, this.subject, message);
        return;
      case 'open-address':
        await this.openAddress(message.address);
        return;
      case 'open-part':
        await this.openPart(message.file);
        return;
      case 'open-url':
        if (/^https:\/\//i.test(message.url)) await vscode.env.openExternal(vscode.Uri.parse(message.url));
        return;
    }
  }

  private async openAddress(address: string): Promise<void> {
    const { report, result } = this.subject.state;
    const path = report?.model.path ?? result?.modelPath;
    if (path !== undefined) await this.app.navigation.openAddress(vscode.Uri.file(path), address);
  }

  /** A part is a result of the history, or a file beside the report. */
  private async openPart(file: string): Promise<void> {
    const { report, reportUri } = this.subject.state;
    if (reportUri === undefined || report?.parts?.some((part) => part.file === file) !== true) return;
    const uri = vscode.Uri.joinPath(folderOf(reportUri), file);
    const { results } = this.app;
    const stored = results.results.find(({ id }) => results.reportUri(id).toString() === uri.toString());
    if (stored !== undefined) await this.app.navigation.openResult(stored.id);
    else await vscode.commands.executeCommand('vscode.openWith', uri, editorTypes.report);
  }

  /** Shows at once what comes after a pause, and what comes in a rush a little later: the last of it is never lost. */
  private showSoon(): void {
    const waitMs = this.shownAtMs + leastPauseMs - Date.now();
    if (waitMs <= 0) {
      this.show();
      return;
    }
    this.timer ??= setTimeout(() => {
      this.show();
    }, waitMs);
  }

  private show(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.shownAtMs = Date.now();
    this.panel.title = this.subject.title;
    const content = this.content();
    const { run } = content;
    const { shown } = this;
    const hasSameReport =
      content.report === shown?.report && content.heading?.question === shown?.heading?.question;
    // While only the progress moves, the report need not cross again.
    if (run !== undefined && shown?.run !== undefined && hasSameReport) {
      this.view.show({ kind: 'progress', run });
    } else this.view.show(content);
    this.shown = content;
  }

  private content(): ReportPageContent {
    const { state, origin } = this.subject;
    const { heading, report, run, problem, isStale, crossed, reportUri } = state;
    return {
      kind: 'page',
      origin,
      ...(heading === undefined ? {} : { heading }),
      ...(report === undefined ? {} : { report }),
      ...(run === undefined ? {} : { run }),
      ...(problem === undefined ? {} : { problem }),
      isStale,
      crossed,
      base: reportUri === undefined ? '' : this.panel.webview.asWebviewUri(folderOf(reportUri)).toString(),
      actions: actionsOf(this.subject),
    };
  }
}
