import type { Analysis, ProgressUpdate } from '../analyses/analysis.js';
import { UserError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import {
  type ArrayResult,
  type EngineMessage,
  type EngineRequest,
  type EngineResults,
  isHostMessage,
  type ReadArrayRequest,
  type RunRequest,
} from '../protocol/engineMessages.js';
import type { Report } from '../protocol/report.js';
import type { TensorValue } from '../onnx/tensorValue.js';
import { checkGradientsOf } from './checkGradientsOf.js';
import { measureModel } from './measureModel.js';
import { runAnalysis, RunFailed } from './runAnalysis.js';
import { toWireError } from './wireErrors.js';

/** Raw results of this many runs are kept for later questions. */
const keptRunCount = 4;

/** At most this many progress messages a second cross. */
const progressPerSecond = 20;

/** The parts of `process` that the engine serves on; tests pass their own. */
export interface HostChannel {
  on(event: 'message', listener: (message: unknown) => void): void;
  send(message: EngineMessage): void;
}

/**
 * Serves requests from the host, one after another, each answered exactly once whatever happens.
 *
 * Nothing here cancels: the host ends the process instead.
 */
export function serveEngine(channel: HostChannel, analyses: readonly Analysis[]): void {
  const server = new EngineServer(channel, analyses);
  let last: Promise<void> = Promise.resolve();
  channel.on('message', (message) => {
    if (!isHostMessage(message)) return;
    last = last.then(() => server.answer(message.id, message.request));
  });
}

class EngineServer {
  private readonly channel: HostChannel;
  private readonly analyses: readonly Analysis[];
  private readonly arraysByRun = new Map<number, ReadonlyMap<string, TensorValue>>();

  constructor(channel: HostChannel, analyses: readonly Analysis[]) {
    this.channel = channel;
    this.analyses = analyses;
  }

  async answer(id: number, request: EngineRequest): Promise<void> {
    try {
      this.channel.send({ kind: 'done', id, result: await this.serve(id, request) });
    } catch (error) {
      const isRun = error instanceof RunFailed;
      this.channel.send({
        kind: 'failed',
        id,
        error: toWireError(isRun ? error.cause : error),
        ...(isRun ? { report: error.report } : {}),
      });
    }
  }

  private async serve(id: number, request: EngineRequest): Promise<EngineResults[keyof EngineResults]> {
    const log = this.logger();
    switch (request.kind) {
      case 'run':
        return this.run(id, request, log);
      case 'measure':
        return measureModel(request, log);
      case 'gradient-check':
        return checkGradientsOf(request, log, this.progressOf(id));
      case 'read-array':
        return this.readArray(request);
      default:
        throw new Error(`This process does not serve ${request.kind}.`);
    }
  }

  private async run(id: number, request: RunRequest, log: Logger): Promise<EngineResults['run']> {
    const { report, arrays } = await runAnalysis(request, {
      analyses: this.analyses,
      log,
      progress: this.progressOf(id),
      partial: (partial: Report) => {
        this.channel.send({ kind: 'partial', id, report: partial });
      },
    });
    this.arraysByRun.set(id, arrays);
    for (const runId of this.arraysByRun.keys()) {
      if (this.arraysByRun.size > keptRunCount) this.arraysByRun.delete(runId);
    }
    return { report, runId: id };
  }

  private readArray({ runId, name }: ReadArrayRequest): ArrayResult {
    const value = this.arraysByRun.get(runId)?.get(name);
    if (value === undefined) {
      throw new UserError(
        'array-gone',
        `Array ${name} is no longer held by the engine. Run the analysis again.`,
        {
          kind: 'environment',
        },
      );
    }
    return value;
  }

  private progressOf(id: number): (update: ProgressUpdate) => void {
    let lastMs = -Infinity;
    return ({ fractionDone, message }) => {
      const nowMs = performance.now();
      if (fractionDone < 1 && nowMs - lastMs < 1000 / progressPerSecond) return;
      lastMs = nowMs;
      this.channel.send({ kind: 'progress', id, fractionDone, message });
    };
  }

  private logger(): Logger {
    const write =
      (level: 'debug' | 'info' | 'warn' | 'error') =>
      (message: string): void => {
        this.channel.send({ kind: 'log', level, message });
      };
    return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  }
}
