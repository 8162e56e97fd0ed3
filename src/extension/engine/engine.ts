import * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.js';
import { UserError } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type {
  EngineRequest,
  EngineResults,
  ReaderRequest,
  RunRequest,
} from '../../protocol/engineMessages.js';
import {
  createEngineClient,
  type EngineClient,
  type Outcome,
  type RequestOptions,
} from '../../runs/engineClient.js';
import { runReport, type RunOutcome } from '../../runs/runReport.js';
import { engineConfiguration, runLimits } from '../configuration.js';
import { loadAnalyses } from '../loadAnalyses.js';
import { resultOf } from './resultOf.js';

/** What the engine is doing, for the status bar. */
export interface EngineState {
  /** `off`: no process yet; `lost`: it ended during a request. */
  readonly kind: 'off' | 'idle' | 'busy' | 'lost';
  /** Provider of the last run, once known. */
  readonly provider?: string;
  /** What is under way, when busy. */
  readonly activity?: string;
}

/** What may be asked of the engine besides runs. */
export type EngineQuestion = Exclude<EngineRequest, ReaderRequest | RunRequest>;

/** The engine process as the editor sees it: one at a time, restarted when needed, refused in Restricted Mode. */
export interface Engine extends Disposable {
  readonly state: EngineState;
  readonly onDidChangeState: vscode.Event<EngineState>;
  /** Process id while one runs, for diagnostics and tests. */
  readonly pid: number | undefined;
  /** Runs an analysis; settings of the editor (threads, memory) fill what the request leaves out. */
  run(request: RunRequest, options?: RequestOptions): Promise<RunOutcome>;
  /** Asks the engine; rejects with a UserError that says what to do, `Cancelled` when the signal was aborted. */
  ask<R extends EngineQuestion>(request: R, options?: RequestOptions): Promise<EngineResults[R['kind']]>;
  /** Ends the process; the next request starts a new one. */
  restart(): void;
}

/** What an engine is made of. */
export interface EngineParts {
  readonly extensionUri: vscode.Uri;
  /** Where what is open has its caches. */
  readonly storageUri: vscode.Uri;
  readonly log: Logger;
}

/** Returns the engine; its process starts with the first question. */
export function createEngine(parts: EngineParts): Engine {
  return new EngineHost(parts);
}

class EngineHost implements Engine {
  private readonly entry: string;
  private readonly answersDir: string;
  private readonly log: Logger;
  private readonly changed = new vscode.EventEmitter<EngineState>();
  private client: EngineClient | undefined;
  /** Answers quick questions while the other is in a run: an answer after the run comes too late. */
  private aside: EngineClient | undefined;
  /** The Node that the client was made for: another setting means another client. */
  private nodePath: string | undefined;
  private current: EngineState = { kind: 'off' };
  /** What is under way, oldest first. */
  private readonly activities: { readonly words: string }[] = [];
  private runCount = 0;
  private asideCount = 0;
  /** The process ended during a request, and nothing was asked since: what ends meanwhile does not hide it. */
  private isLost = false;

  readonly onDidChangeState = this.changed.event;

  constructor({ extensionUri, storageUri, log }: EngineParts) {
    this.answersDir = vscode.Uri.joinPath(storageUri, 'answers').fsPath;
    this.entry = vscode.Uri.joinPath(extensionUri, 'dist', 'engine.js').fsPath;
    this.log = log;
  }

  get state(): EngineState {
    return this.current;
  }

  get pid(): number | undefined {
    return this.client?.pid;
  }

  async run(request: RunRequest, options: RequestOptions = {}): Promise<RunOutcome> {
    const analyses = await loadAnalyses();
    const title = analyses.find(({ id }) => id === request.analysis)?.title ?? request.analysis;
    const complete: RunRequest = { ...runLimits(), answersDir: this.answersDir, ...request };
    this.runCount++;
    const outcome = await this.whileBusy(title, () =>
      runReport(this.clientNow(), complete, { ...options, analyses }),
    ).finally(() => {
      this.runCount--;
      this.endIdleAside();
    });
    if (outcome.report !== undefined && outcome.report.tool.runtime !== '') {
      this.set({ ...this.current, provider: outcome.report.provider });
    }
    if (outcome.error !== undefined) this.noteLoss(outcome.error);
    return outcome;
  }

  async ask<R extends EngineQuestion>(
    request: R,
    options: RequestOptions = {},
  ): Promise<EngineResults[R['kind']]> {
    try {
      return resultOf(
        await this.whileBusy(activityOf(request.kind), () =>
          this.runCount > 0 && isQuick(request)
            ? this.askAside(request, options)
            : this.clientNow().request(request, options),
        ),
      );
    } catch (error) {
      if (error instanceof Error) this.noteLoss(error);
      throw error;
    }
  }

  restart(): void {
    this.client?.dispose();
    this.client = undefined;
    this.endAside();
    this.isLost = false;
    this.set({ kind: 'off' });
    this.log.info('The engine was restarted.');
  }

  dispose(): void {
    this.client?.dispose();
    this.endAside();
    this.changed.dispose();
  }

  private async whileBusy<T>(words: string, work: () => Promise<T>): Promise<T> {
    if (!vscode.workspace.isTrusted) throw restricted();
    const activity = { words };
    this.activities.push(activity);
    this.isLost = false;
    this.showActivity();
    try {
      return await work();
    } finally {
      this.activities.splice(this.activities.indexOf(activity), 1);
      this.showActivity();
    }
  }

  private showActivity(): void {
    const [first] = this.activities;
    const still = withoutActivity(this.current);
    if (this.isLost) this.set({ ...still, kind: 'lost' });
    else if (first === undefined) this.set(still);
    else this.set({ ...still, kind: 'busy', activity: first.words });
  }

  private clientNow(): EngineClient {
    const { nodePath } = engineConfiguration();
    if (this.client !== undefined && nodePath === this.nodePath) return this.client;
    this.client?.dispose();
    this.endAside();
    this.nodePath = nodePath;
    this.client = this.newClient();
    return this.client;
  }

  private async askAside<R extends EngineQuestion>(
    request: R,
    options: RequestOptions,
  ): Promise<Outcome<EngineResults[R['kind']]>> {
    this.asideCount++;
    this.aside ??= this.newClient();
    try {
      return await this.aside.request(request, options);
    } finally {
      this.asideCount--;
      this.endIdleAside();
    }
  }

  /** A second process holds a model and data in memory: only as long as it is needed. */
  private endIdleAside(): void {
    if (this.runCount === 0 && this.asideCount === 0) this.endAside();
  }

  private endAside(): void {
    this.aside?.dispose();
    this.aside = undefined;
  }

  private newClient(): EngineClient {
    const { nodePath } = this;
    return createEngineClient({
      log: this.log,
      entry: this.entry,
      ...(nodePath === undefined ? {} : { execPath: nodePath }),
    });
  }

  private noteLoss(error: Error): void {
    if (!(error instanceof UserError) || error.code !== 'engine-lost') return;
    this.log.error(error.message);
    this.isLost = true;
    this.showActivity();
  }

  private set(state: EngineState): void {
    this.current = state;
    this.changed.fire(state);
  }
}

function withoutActivity({ provider }: EngineState): EngineState {
  return { kind: 'idle', ...(provider === undefined ? {} : { provider }) };
}

const quickKinds: ReadonlySet<EngineQuestion['kind']> = new Set([
  'estimate',
  'describe-data',
  'samples',
  'language-model',
  'write-tokens',
  'unit-tokens',
]);

/** Tells whether a question is answered in seconds at most, for a person who waits for it. */
function isQuick({ kind }: EngineQuestion): boolean {
  return quickKinds.has(kind);
}

function activityOf(kind: EngineQuestion['kind']): string {
  switch (kind) {
    case 'unit-profile':
    case 'unit-tokens':
      return vscode.l10n.t('Measuring a neuron');
    case 'samples':
    case 'describe-data':
      return vscode.l10n.t('Reading the data');
    case 'estimate':
      return vscode.l10n.t('Estimating the time');
    case 'continue-text':
      return vscode.l10n.t('Writing text');
    case 'language-model':
    case 'write-tokens':
    case 'measure':
    case 'gradient-check':
    case 'read-array':
      return vscode.l10n.t('Working');
  }
}

/** The error for whoever wants to run a model in Restricted Mode. */
function restricted(): UserError {
  return new UserError(
    'restricted-mode',
    vscode.l10n.t(
      'This workspace is in Restricted Mode: the structure of models can be read, but nothing is run. Trust the workspace to run analyses.',
    ),
    { kind: 'environment' },
  );
}
