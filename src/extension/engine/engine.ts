import type * as vscode from 'vscode';
import type {
  EngineRequest,
  EngineResults,
  ReaderRequest,
  RunRequest,
} from '../../protocol/engineMessages.js';
import type { RequestOptions } from '../../runs/engineClient.js';
import type { RunOutcome } from '../../runs/runReport.js';

/** What the engine is doing, for the status bar. */
export interface EngineState {
  readonly kind: 'off' | 'idle' | 'busy' | 'lost';
  /** Provider of the last session, once known. */
  readonly provider?: string;
  /** What is under way, when busy. */
  readonly activity?: string;
}

/** What may be asked of the engine besides runs. */
export type EngineQuestion = Exclude<EngineRequest, ReaderRequest | RunRequest>;

/** The engine process as the editor sees it: one at a time, restarted when needed, refused in Restricted Mode. */
export interface Engine {
  readonly state: EngineState;
  readonly onDidChangeState: vscode.Event<EngineState>;
  /** Runs an analysis; settings of the editor (provider, threads, memory) fill what the request leaves out. */
  run(request: RunRequest, options?: RequestOptions): Promise<RunOutcome>;
  /** Asks the engine; rejects with a UserError that says what to do, `cancelled` when the signal was aborted. */
  ask<R extends EngineQuestion>(request: R, options?: RequestOptions): Promise<EngineResults[R['kind']]>;
  /** Ends the process; the next request starts a new one. */
  restart(): void;
}
