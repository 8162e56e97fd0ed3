import * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.js';
import { messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { RunRequest } from '../../protocol/engineMessages.js';
import type { Report } from '../../protocol/report.js';
import { metricsOf } from '../../runs/declaredMetrics.js';
import { findAnalysis } from '../../runs/findAnalysis.js';
import { judge, parseThreshold } from '../../runs/thresholds.js';
import { writtenThresholds } from '../../runs/writtenThresholds.js';
import { configuredThresholds } from '../configuration.js';
import type { Engine } from '../engine/engine.js';
import { loadAnalyses } from '../loadAnalyses.js';
import type { ResultStore } from '../results/resultStore.js';
import { keepRun } from './keepRun.js';
import { followRun, type LiveRun } from './liveRun.js';

/** What a run is asked; where its arrays go is the history's business. */
export type AskedRun = Omit<RunRequest, 'arraysDir' | 'kind'>;

/** Starts runs and keeps their results. */
export interface Runner extends Disposable {
  /** Runs under way, oldest first. */
  readonly active: readonly LiveRun[];
  /** A run has begun or ended. */
  readonly onDidChange: vscode.Event<void>;
  /** Starts a run; arrays and report go to the history. */
  start(asked: AskedRun): Promise<LiveRun>;
}

/** Returns the runner. */
export function createRunner(parts: {
  readonly engine: Engine;
  readonly results: ResultStore;
  readonly log: Logger;
}): Runner {
  return new KeepingRunner(parts.engine, parts.results, parts.log);
}

class KeepingRunner implements Runner {
  private readonly engine: Engine;
  private readonly results: ResultStore;
  private readonly log: Logger;
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly runs = new Set<LiveRun>();

  readonly onDidChange = this.changed.event;

  constructor(engine: Engine, results: ResultStore, log: Logger) {
    this.engine = engine;
    this.results = results;
    this.log = log;
  }

  get active(): readonly LiveRun[] {
    return [...this.runs];
  }

  async start(asked: AskedRun): Promise<LiveRun> {
    const { id, arraysDir } = this.results.reserve();
    const request: RunRequest = { ...asked, kind: 'run', arraysDir };
    const { title } = findAnalysis(await loadAnalyses(), request.analysis);
    const run = followRun({ id, request, title }, this.engine, (ended, left) =>
      keepRun(this.results, {
        ...left,
        id: ended.id,
        request: { ...asked, kind: 'run' },
        crossedLimits: (of, report) => this.crossedLimits(of, report),
      }),
    );
    this.runs.add(run);
    this.announce();
    void run.ended.then(() => {
      this.runs.delete(run);
      this.announce();
    });
    return run;
  }

  dispose(): void {
    for (const run of this.runs) run.cancel();
    this.changed.dispose();
  }

  /** Returns why limits of the settings and of the inspect file are crossed. */
  private async crossedLimits(request: RunRequest, report: Report): Promise<string[]> {
    if (report.status !== 'complete' && report.status !== 'partial') return [];
    const analysis = findAnalysis(await loadAnalyses(), request.analysis);
    try {
      const written = await writtenThresholds(analysis, request);
      const configured = configuredThresholds(analysis.id, vscode.Uri.file(request.modelPath));
      const declared = Object.keys(metricsOf(analysis));
      return [...configured, ...written.texts]
        .map((text) => judge(parseThreshold(text, declared), report))
        .filter(({ isCrossed }) => isCrossed)
        .map(({ reason }) => reason);
    } catch (error) {
      // A limit that cannot be read must not cost the result.
      this.log.warn(`The limits of ${analysis.id} were not checked: ${messageOf(error)}`);
      return [vscode.l10n.t('The limits could not be checked: {0}', messageOf(error))];
    }
  }

  private announce(): void {
    void vscode.commands.executeCommand('setContext', 'neuronInspector.isRunning', this.runs.size > 0);
    this.changed.fire();
  }
}
