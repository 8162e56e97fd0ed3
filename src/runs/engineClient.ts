import { UserError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { TextPiece } from '../protocol/generatedText.js';
import type { EngineMessage, EngineRequest, EngineResults } from '../protocol/engineMessages.js';
import type { Report } from '../protocol/report.js';
import type { UnitProfile } from '../protocol/units.js';
import { type EngineProcess, type EngineProcessOptions, startEngineProcess } from './engineProcess.js';
import { fromWireError } from './wireErrors.js';

/** How a request ended. Exactly one of these comes for every request. */
export type Outcome<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  /** UserError for what a person can mend, anything else is a bug; `report` is what is known. */
  | { readonly kind: 'failed'; readonly error: Error; readonly report?: Report }
  /** The signal was aborted; `report` is the last partial one. */
  | { readonly kind: 'cancelled'; readonly report?: Report };

/** What may be heard of a request before it ends, and how it is cancelled. */
export interface RequestOptions {
  onProgress?(fractionDone: number, message: string): void;
  onPartial?(report: Report): void;
  /** What is known of a `unit-profile` so far. */
  onPartialProfile?(profile: UnitProfile): void;
  /** Tokens of a `continue-text` since the last piece. */
  onPartialText?(piece: TextPiece): void;
  readonly signal?: AbortSignal;
}

/** The host's side of the engine. */
export interface EngineClient {
  /** Process id of the engine, or undefined while none runs. */
  readonly pid: number | undefined;
  /**
   * Asks the engine; never rejects. Requests are served one after another; aborting the signal of the one being
   * served ends the process, and the next request starts a new one.
   */
  request<R extends EngineRequest>(
    request: R,
    options?: RequestOptions,
  ): Promise<Outcome<EngineResults[R['kind']]>>;
  /** Ends the process; requests under way fail. */
  dispose(): void;
}

/** A request under way or waiting. The result's type is erased here and restored in `request`. */
interface Job {
  readonly id: number;
  readonly request: EngineRequest;
  readonly options: RequestOptions;
  readonly resolve: (outcome: Outcome<unknown>) => void;
  lastPartial?: Report;
}

/** Creates a client; the process starts with the first request. */
export function createEngineClient(options: EngineProcessOptions): EngineClient {
  return new QueueingClient(options);
}

class QueueingClient implements EngineClient {
  private readonly options: EngineProcessOptions;
  private readonly log: Logger;
  private readonly waiting: Job[] = [];
  private active: Job | undefined;
  private engine: EngineProcess | undefined;
  private nextId = 1;
  private isDisposed = false;

  constructor(options: EngineProcessOptions) {
    this.options = options;
    this.log = options.log;
  }

  get pid(): number | undefined {
    return this.engine?.pid;
  }

  request<R extends EngineRequest>(
    request: R,
    options: RequestOptions = {},
  ): Promise<Outcome<EngineResults[R['kind']]>> {
    return new Promise((resolve) => {
      const job: Job = {
        id: this.nextId++,
        request,
        options,
        // The engine answers a request of kind K with EngineResults[K]; the channel erases that.
        resolve: resolve as (outcome: Outcome<unknown>) => void,
      };
      if (options.signal?.aborted === true) {
        job.resolve({ kind: 'cancelled' });
        return;
      }
      options.signal?.addEventListener('abort', this.onAbort, { once: true });
      this.waiting.push(job);
      this.startNext();
    });
  }

  dispose(): void {
    this.isDisposed = true;
    this.engine?.kill();
    for (const job of this.waiting.splice(0)) this.settle(job, { kind: 'cancelled' });
  }

  private startNext(): void {
    if (this.active !== undefined) return;
    const job = this.waiting.shift();
    if (job === undefined) return;
    this.active = job;
    try {
      if (this.isDisposed) throw engineClosed();
      const engine = this.engine?.isConnected === true ? this.engine : this.start();
      this.engine = engine;
      engine.send({ kind: 'request', id: job.id, request: job.request });
    } catch (error) {
      this.finish({ kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  private start(): EngineProcess {
    this.log.debug('Starting the engine process.');
    const engine: EngineProcess = startEngineProcess(this.options, {
      onMessage: (message) => {
        if (this.engine === engine) this.onMessage(message);
      },
      onEnd: (error) => {
        if (this.engine === engine) this.onEnd(error);
      },
    });
    return engine;
  }

  private onMessage(message: EngineMessage): void {
    if (message.kind === 'log') {
      this.log[message.level](message.message);
      return;
    }
    const job = this.active;
    if (job === undefined || message.id !== job.id || job.options.signal?.aborted === true) return;
    switch (message.kind) {
      case 'progress':
        job.options.onProgress?.(message.fractionDone, message.message);
        return;
      case 'partial':
        job.lastPartial = message.report;
        job.options.onPartial?.(message.report);
        return;
      case 'partial-profile':
        job.options.onPartialProfile?.(message.profile);
        return;
      case 'partial-text':
        job.options.onPartialText?.(message.piece);
        return;
      case 'done':
        this.finish({ kind: 'done', result: message.result });
        return;
      case 'failed': {
        const report = message.report ?? job.lastPartial;
        this.finish({ kind: 'failed', error: fromWireError(message.error), ...optional(report) });
        return;
      }
    }
  }

  private onEnd(error: UserError): void {
    this.engine = undefined;
    const job = this.active;
    if (job === undefined) return;
    const isCancelled = this.isDisposed || job.options.signal?.aborted === true;
    const report = optional(job.lastPartial);
    this.finish(isCancelled ? { kind: 'cancelled', ...report } : { kind: 'failed', error, ...report });
  }

  /** One listener for all signals: looks which jobs they stop. */
  private readonly onAbort = (): void => {
    for (const job of [...this.waiting]) {
      if (job.options.signal?.aborted !== true) continue;
      this.waiting.splice(this.waiting.indexOf(job), 1);
      this.settle(job, { kind: 'cancelled' });
    }
    // The outcome comes from `onEnd`, so that the machine is idle again when the caller hears of it.
    if (this.active?.options.signal?.aborted === true) this.engine?.kill();
  };

  private finish(outcome: Outcome<unknown>): void {
    const job = this.active;
    this.active = undefined;
    if (job !== undefined) this.settle(job, outcome);
    this.startNext();
  }

  private settle(job: Job, outcome: Outcome<unknown>): void {
    job.options.signal?.removeEventListener('abort', this.onAbort);
    job.resolve(outcome);
  }
}

function optional(report: Report | undefined): { report?: Report } {
  return report === undefined ? {} : { report };
}

function engineClosed(): UserError {
  return new UserError('engine-closed', 'The engine was closed. Reload to start a new one.', {
    kind: 'environment',
  });
}
