import { basename } from 'node:path';
import * as vscode from 'vscode';
import { findAnalysis } from '../../../runs/findAnalysis.js';
import type { App } from '../../app.js';
import { loadAnalyses } from '../../loadAnalyses.js';
import type { EndState, LiveRun, RunState } from '../../run/liveRun.js';
import { resultOfReport, resultOfRequest } from './askedResult.js';
import { KeptSubject } from './keptSubject.js';
import type { ReportOrigin } from './reportOrigin.js';
import { emptyState, type ReportSubject, type SubjectState } from './reportSubject.js';
import { tabTitle } from './tabTitle.js';

/** A run under way, then its report. */
export class RunSubject implements ReportSubject {
  private readonly app: Pick<App, 'results' | 'models'>;
  private readonly run: LiveRun;
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly listener: vscode.Disposable;
  private readonly startedMs: number;
  private question: string;
  private isCancelling = false;
  /** Its place in the history, once it is there: knows when the model changes. */
  private kept: KeptSubject | undefined;

  readonly onDidChange = this.changed.event;

  constructor(app: Pick<App, 'results' | 'models'>, run: LiveRun) {
    this.app = app;
    this.run = run;
    this.question = run.title;
    this.startedMs = Date.now() - (run.state.kind === 'running' ? run.state.elapsedMs : 0);
    this.listener = run.onDidChange((state) => {
      if (state.kind === 'ended' && state.result !== undefined) this.follow();
      this.changed.fire();
    });
    void this.findQuestion();
  }

  /** Once it is in the history, that is where it is found again. */
  get origin(): ReportOrigin {
    const { id, request, state } = this.run;
    if (state.kind === 'ended' && state.result !== undefined) return { kind: 'result', id };
    return { kind: 'run', id, asked: request };
  }

  get title(): string {
    return tabTitle(this.run.title, this.run.request.modelPath);
  }

  get state(): SubjectState {
    const { state, request } = this.run;
    const modelName = basename(request.modelPath).replace(/\.onnx$/i, '');
    const heading = { question: this.question, modelName };
    // Until it has been read, what the run left in memory is shown.
    const kept = this.kept?.state;
    return { heading, ...(kept === undefined || kept === emptyState ? this.stateOf(state) : kept) };
  }

  refresh(): void {
    this.kept?.refresh();
  }

  cancel(): void {
    if (this.run.state.kind !== 'running') return;
    this.isCancelling = true;
    this.run.cancel();
    this.changed.fire();
  }

  dispose(): void {
    this.kept?.dispose();
    this.listener.dispose();
    this.changed.dispose();
  }

  private follow(): void {
    this.kept = new KeptSubject(this.app, { kind: 'result', id: this.run.id });
    this.kept.onDidChange(() => {
      this.changed.fire();
    });
  }

  private stateOf(state: RunState): SubjectState {
    if (state.kind !== 'running') return this.endState(state);
    const { fractionDone, message, report } = state;
    return {
      ...emptyState,
      ...(report === undefined ? {} : { report }),
      run: { fractionDone, message, startedMs: this.startedMs, isCancelling: this.isCancelling },
    };
  }

  private endState(state: EndState): SubjectState {
    const { request, title, id } = this.run;
    if (state.kind === 'refused') {
      return {
        ...emptyState,
        result: resultOfRequest(request, title),
        problem: {
          heading: vscode.l10n.t('The analysis could not be run'),
          message: state.error.message,
          action: 'change',
        },
      };
    }
    const { report, result, error } = state;
    const isUnsaved = result === undefined && error !== undefined && !report.warnings.includes(error.message);
    return {
      report: isUnsaved ? { ...report, warnings: [error.message, ...report.warnings] } : report,
      result: result ?? resultOfReport(report),
      isStale: false,
      crossed: result?.crossed ?? [],
      ...(result === undefined ? {} : { reportUri: this.app.results.reportUri(id) }),
    };
  }

  private async findQuestion(): Promise<void> {
    this.question = findAnalysis(await loadAnalyses(), this.run.request.analysis).asks;
    this.changed.fire();
  }
}

/** A run that ended with its window before it left a report. */
export class LostRunSubject implements ReportSubject {
  readonly origin: ReportOrigin;
  readonly title: string;
  readonly state: SubjectState;
  readonly onDidChange = new vscode.EventEmitter<void>().event;

  constructor(origin: Extract<ReportOrigin, { readonly kind: 'run' }>) {
    const { asked } = origin;
    this.origin = origin;
    this.title = tabTitle(asked.analysis, asked.modelPath);
    this.state = {
      ...emptyState,
      result: resultOfRequest(asked, asked.analysis),
      problem: {
        heading: vscode.l10n.t('The run ended with its window'),
        message: vscode.l10n.t(
          'The window was closed or reloaded before the run was done, so it left no report.',
        ),
        action: 'run-again',
      },
    };
  }

  refresh(): void {
    // Nothing can change.
  }

  cancel(): void {
    // Nothing runs.
  }

  dispose(): void {
    // Nothing is held.
  }
}
