import * as vscode from 'vscode';
import type { Disposable } from '../../../base/disposable.js';
import { messageOf } from '../../../base/errors.js';
import type { Report } from '../../../protocol/report.js';
import type { App } from '../../app.js';
import type { StoredResult } from '../../results/storedResult.js';
import { resultOfReport } from './askedResult.js';
import { readReportFile } from './readReportFile.js';
import { folderOf, type KeptReport } from './reportOrigin.js';
import { emptyState, type ReportSubject, type SubjectState } from './reportSubject.js';
import { tabTitle, tabTitleOf } from './tabTitle.js';

/** A report of the history or of a file; follows the file, and the model that it was measured on. */
export class KeptSubject implements ReportSubject {
  readonly origin: KeptReport;
  private readonly app: Pick<App, 'results' | 'models'>;
  private readonly uri: vscode.Uri;
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly disposables: Disposable[] = [this.changed];
  private current: SubjectState = emptyState;
  /** Counts readings: one that is overtaken is thrown away. */
  private turn = 0;
  private wasStored = false;

  readonly onDidChange = this.changed.event;

  constructor(app: Pick<App, 'results' | 'models'>, origin: KeptReport) {
    this.app = app;
    this.origin = origin;
    this.uri =
      origin.kind === 'result' ? app.results.reportUri(origin.id) : vscode.Uri.parse(origin.uri, true);
    this.followFile();
    this.disposables.push(
      app.models.onDidChange(() => void this.checkStale()),
      app.results.onDidChange(() => {
        // The history is read after a reload, and a result may be deleted and brought back.
        if ((this.stored() !== undefined) !== this.wasStored) void this.read();
      }),
    );
    void this.read();
  }

  get state(): SubjectState {
    return this.current;
  }

  get title(): string {
    const { report } = this.current;
    if (report !== undefined) return tabTitleOf(report);
    const result = this.stored();
    return result === undefined
      ? (this.uri.path.split('/').at(-1) ?? '')
      : tabTitle(result.title, result.modelPath);
  }

  refresh(): void {
    void this.checkStale();
  }

  cancel(): void {
    // Nothing runs.
  }

  dispose(): void {
    this.turn++;
    for (const one of this.disposables) one.dispose();
  }

  private followFile(): void {
    const pattern = new vscode.RelativePattern(folderOf(this.uri), this.uri.path.split('/').at(-1) ?? '*');
    const watcher = vscode.workspace.createFileSystemWatcher(pattern);
    const read = (): void => void this.read();
    this.disposables.push(
      watcher,
      watcher.onDidChange(read),
      watcher.onDidCreate(read),
      watcher.onDidDelete(read),
    );
  }

  private async read(): Promise<void> {
    const turn = ++this.turn;
    this.wasStored = this.stored() !== undefined;
    const next = await this.stateNow();
    if (turn !== this.turn) return;
    this.current = next;
    this.changed.fire();
  }

  private async stateNow(): Promise<SubjectState> {
    try {
      const report = await readReportFile(this.uri);
      const result = this.stored() ?? resultOfReport(report);
      return {
        report,
        result,
        reportUri: this.uri,
        crossed: result.crossed,
        isStale: await this.isStale(report),
      };
    } catch (error) {
      return this.unreadable(error);
    }
  }

  private unreadable(error: unknown): SubjectState {
    const result = this.stored();
    return {
      ...emptyState,
      ...(result === undefined ? {} : { result }),
      reportUri: this.uri,
      problem: {
        heading: vscode.l10n.t('This report cannot be shown'),
        message: messageOf(error),
        action: result === undefined ? 'open-source' : 'run-again',
      },
    };
  }

  private async checkStale(): Promise<void> {
    const { report } = this.current;
    if (report === undefined) return;
    const isStale = await this.isStale(report);
    if (isStale === this.current.isStale || this.current.report !== report) return;
    this.current = { ...this.current, isStale };
    this.changed.fire();
  }

  /** The history knows the model's time and size; a file knows its size only, and may come from another machine. */
  private async isStale(report: Report): Promise<boolean> {
    const result = this.stored();
    if (result !== undefined) return (await this.app.results.isStale(result)) === true;
    try {
      const { size } = await vscode.workspace.fs.stat(vscode.Uri.file(report.model.path));
      return report.model.sizeBytes > 0 && size !== report.model.sizeBytes;
    } catch {
      return false;
    }
  }

  private stored(): StoredResult | undefined {
    return this.origin.kind === 'result' ? this.app.results.find(this.origin.id) : undefined;
  }
}
