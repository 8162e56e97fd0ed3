import * as vscode from 'vscode';
import { messageOf } from '../../base/errors.js';
import type { RunRequest } from '../../protocol/engineMessages.js';
import type { Report } from '../../protocol/report.js';
import type { FileStamp } from '../../protocol/structure.js';
import type { Engine } from '../engine/engine.js';
import type { StoredResult } from '../results/storedResult.js';

/** How far a run is. */
export type RunState = RunningState | EndState;

/** A run under way. */
export interface RunningState {
  readonly kind: 'running';
  /** 0 … 1. */
  readonly fractionDone: number;
  readonly message: string;
  /** Milliseconds since the run began. */
  readonly elapsedMs: number;
  /** What is known so far. */
  readonly report?: Report;
}

/** How a run ended. */
export type EndState =
  /** Complete, partial, cancelled or failed; `result` is its place in the history, absent when it could not be saved. */
  | {
      readonly kind: 'ended';
      readonly report: Report;
      readonly result?: StoredResult;
      readonly error?: Error;
    }
  /** The input was wrong: there is no report. */
  | { readonly kind: 'refused'; readonly error: Error };

/** A run from its start to its report. */
export interface LiveRun {
  /** Id of its result. */
  readonly id: string;
  readonly request: RunRequest;
  /** Title of the analysis. */
  readonly title: string;
  readonly state: RunState;
  readonly onDidChange: vscode.Event<RunState>;
  /** Settles when the run has ended, however; never rejects. */
  readonly ended: Promise<EndState>;
  cancel(): void;
}

/** What a run left. */
export interface LeftByRun {
  readonly report: Report;
  /** Reports of their own that the report puts together. */
  readonly parts: readonly Report[];
  /** The model file as it was when the run began. */
  readonly modelStamp: FileStamp | undefined;
}

/** Keeps a finished run's report. */
export type KeepReport = (run: LiveRun, left: LeftByRun) => Promise<StoredResult>;

/** Returns a run that has begun. */
export function followRun(
  what: Pick<LiveRun, 'id' | 'request' | 'title'>,
  engine: Engine,
  keep: KeepReport,
): LiveRun {
  return new FollowedRun(what, engine, keep);
}

class FollowedRun implements LiveRun {
  readonly id: string;
  readonly request: RunRequest;
  readonly title: string;
  readonly ended: Promise<EndState>;

  private readonly keep: KeepReport;
  private readonly abort = new AbortController();
  private readonly changed = new vscode.EventEmitter<RunState>();
  private readonly startMs = Date.now();
  private current: RunState = {
    kind: 'running',
    fractionDone: 0,
    message: vscode.l10n.t('Waiting for the engine'),
    elapsedMs: 0,
  };

  readonly onDidChange = this.changed.event;

  constructor(what: Pick<LiveRun, 'id' | 'request' | 'title'>, engine: Engine, keep: KeepReport) {
    this.id = what.id;
    this.request = what.request;
    this.title = what.title;
    this.keep = keep;
    this.ended = this.follow(engine);
  }

  get state(): RunState {
    return this.current;
  }

  cancel(): void {
    this.abort.abort();
  }

  private async follow(engine: Engine): Promise<EndState> {
    let end: EndState;
    try {
      end = await this.runToEnd(engine);
    } catch (error) {
      end = { kind: 'refused', error: asError(error) };
    }
    this.set(end);
    return end;
  }

  private async runToEnd(engine: Engine): Promise<EndState> {
    const modelStamp = await stampOf(this.request.modelPath);
    const {
      report,
      error,
      parts = [],
    } = await engine.run(this.request, {
      signal: this.abort.signal,
      onProgress: (fractionDone, message) => {
        this.advance({ fractionDone, message });
      },
      onPartial: (partial) => {
        this.advance({ report: partial });
      },
    });
    if (report === undefined) return { kind: 'refused', error };
    const failure = error === undefined ? {} : { error };
    try {
      const result = await this.keep(this, { report, parts, modelStamp });
      return { kind: 'ended', report, ...failure, result };
    } catch (notSaved) {
      return { kind: 'ended', report, error: asError(notSaved) };
    }
  }

  private advance(news: Partial<Pick<RunningState, 'fractionDone' | 'message' | 'report'>>): void {
    if (this.current.kind !== 'running') return;
    this.set({ ...this.current, ...news, elapsedMs: Date.now() - this.startMs });
  }

  private set(state: RunState): void {
    this.current = state;
    this.changed.fire(state);
  }
}

async function stampOf(path: string): Promise<FileStamp | undefined> {
  try {
    const { size, mtime } = await vscode.workspace.fs.stat(vscode.Uri.file(path));
    return { sizeBytes: size, modifiedMs: mtime };
  } catch {
    return undefined;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(messageOf(error));
}
