import * as vscode from 'vscode';
import { messageOf } from '../../../base/errors.js';
import { compareReports } from '../../../runs/compareReports.js';
import { sidesOf } from '../../../runs/comparison/sides.js';
import type { App } from '../../app.js';
import { resultOfReport } from './askedResult.js';
import { readReportFile } from './readReportFile.js';
import type { KeptReport, ReportOrigin } from './reportOrigin.js';
import { emptyState, type ReportSubject, type SubjectState } from './reportSubject.js';

/** Two reports side by side. */
export class ComparisonSubject implements ReportSubject {
  readonly origin: Extract<ReportOrigin, { readonly kind: 'comparison' }>;
  private readonly app: Pick<App, 'results'>;
  private readonly changed = new vscode.EventEmitter<void>();
  private current: SubjectState = emptyState;
  private isDisposed = false;

  readonly onDidChange = this.changed.event;

  constructor(app: Pick<App, 'results'>, first: KeptReport, second: KeptReport) {
    this.app = app;
    this.origin = { kind: 'comparison', first, second };
    void this.read();
  }

  get title(): string {
    return this.current.report?.title ?? vscode.l10n.t('Comparison');
  }

  get state(): SubjectState {
    return this.current;
  }

  refresh(): void {
    // Reports do not change once they are written.
  }

  cancel(): void {
    // Nothing runs.
  }

  dispose(): void {
    this.isDisposed = true;
    this.changed.dispose();
  }

  private async read(): Promise<void> {
    const next = await this.stateNow();
    if (this.isDisposed) return;
    this.current = next;
    this.changed.fire();
  }

  private async stateNow(): Promise<SubjectState> {
    const { first, second } = this.origin;
    try {
      const [before, after] = await Promise.all([
        readReportFile(this.uriOf(first)),
        readReportFile(this.uriOf(second)),
      ]);
      const sides = sidesOf(before, after);
      return {
        ...emptyState,
        report: compareReports(before, after),
        compared: [resultOfReport(sides.before), resultOfReport(sides.after)],
      };
    } catch (error) {
      return {
        ...emptyState,
        problem: {
          heading: vscode.l10n.t('These reports cannot be compared'),
          message: messageOf(error),
        },
      };
    }
  }

  private uriOf(kept: KeptReport): vscode.Uri {
    return kept.kind === 'result' ? this.app.results.reportUri(kept.id) : vscode.Uri.parse(kept.uri, true);
  }
}
