import type { Analysis, ProgressUpdate } from '../analyses/analysis.js';
import { UserError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type {
  ArrayResult,
  EngineRequest,
  EngineResults,
  ReadArrayRequest,
  RunRequest,
} from '../protocol/engineMessages.js';
import type { Report } from '../protocol/report.js';
import type { TensorValue } from '../onnx/tensorValue.js';
import { checkGradientsOf } from './checkGradientsOf.js';
import { measureModel } from './measureModel.js';
import { createModelCache } from './modelCache.js';
import { answerReader, isReaderRequest } from './readerServer.js';
import { type HostChannel, serveRequests, type WireFailure } from './requestServer.js';
import { runAnalysis, RunFailed } from './runAnalysis.js';
import { toWireError } from './wireErrors.js';

/** Raw results of this many runs are kept for later questions. */
const keptRunCount = 4;

/** At most this many progress messages a second cross. */
const progressPerSecond = 20;

/** Serves every request of the host: runs, and what the reader process serves too. */
export function serveEngine(channel: HostChannel, analyses: readonly Analysis[]): void {
  const server = new EngineServer(channel, analyses);
  serveRequests(channel, (id, request) => server.serve(id, request), failureOf);
}

function failureOf(error: unknown): WireFailure {
  if (!(error instanceof RunFailed)) return { error: toWireError(error) };
  return { error: toWireError(error.cause), report: error.report };
}

class EngineServer {
  private readonly channel: HostChannel;
  private readonly analyses: readonly Analysis[];
  private readonly models = createModelCache();
  private readonly arraysByRun = new Map<number, ReadonlyMap<string, TensorValue>>();

  constructor(channel: HostChannel, analyses: readonly Analysis[]) {
    this.channel = channel;
    this.analyses = analyses;
  }

  async serve(id: number, request: EngineRequest): Promise<EngineResults[keyof EngineResults]> {
    if (isReaderRequest(request)) return answerReader(request, this.models);
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
