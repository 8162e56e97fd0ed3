import type { Analysis, ProgressUpdate } from '../analyses/analysis.js';
import { UserError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type {
  ArrayResult,
  EngineRequest,
  EngineResults,
  ReadArrayRequest,
  ReaderRequest,
  RunRequest,
} from '../protocol/engineMessages.js';
import type { TensorValue } from '../onnx/tensorValue.js';
import { checkGradientsOf } from './checkGradientsOf.js';
import { continueText } from './continueText.js';
import { createKeptWriter, type KeptWriter } from './keptWriter.js';
import { describeLanguageModel, writeTokens } from './languageModel.js';
import { atMostEvery } from './atMostEvery.js';
import { measureModel } from './measureModel.js';
import { describeData, readSamples } from './dataAnswers.js';
import { estimateRun } from './estimateRun.js';
import { createModelCache, type ModelCache } from './modelCache.js';
import { profileUnit } from './profileUnit.js';
import { answerReader, isReaderRequest } from './readerServer.js';
import { type HostChannel, serveRequests, type WireFailure } from './requestServer.js';
import { runAnalysis, RunFailed } from './runAnalysis.js';
import { createSharedWorks, type SharedWorks } from './sharedWorks.js';
import { unitTokens } from './unitTokens.js';
import { toWireError } from './wireErrors.js';

/** Raw results of this many runs are kept for later questions. */
const keptRunCount = 4;

/** At most this many progress messages a second cross. */
const progressPerSecond = 20;

/** What the engine itself answers; the rest is the reader's. */
type EngineQuestion = Exclude<EngineRequest, ReaderRequest>;

/** What answering a request may use: the process's memory, and ways to be heard of meanwhile. */
interface Tools {
  readonly id: number;
  readonly channel: HostChannel;
  readonly analyses: readonly Analysis[];
  readonly models: ModelCache;
  readonly works: SharedWorks;
  readonly writers: KeptWriter;
  readonly arrays: KeptArrays;
  readonly log: Logger;
  readonly progress: (update: ProgressUpdate) => void;
}

type Answer<K extends EngineQuestion['kind']> = (
  request: Extract<EngineQuestion, { kind: K }>,
  tools: Tools,
) => EngineResults[K] | Promise<EngineResults[K]>;

/** Every question the engine answers besides the reader's, by its kind. */
const answers: { readonly [K in EngineQuestion['kind']]: Answer<K> } = {
  run,
  measure: (request, { log }) => measureModel(request, log),
  'gradient-check': (request, { log, progress }) => checkGradientsOf(request, log, progress),
  'read-array': (request, { arrays }) => arrays.read(request),
  'describe-data': async (request, { models }) =>
    describeData((await models.open(request.modelPath)).model, request),
  estimate: estimateRun,
  'unit-profile': (request, { id, channel, log, progress }) =>
    profileUnit(request, {
      log,
      progress,
      partial: (profile) => {
        channel.send({ kind: 'partial-profile', id, profile });
      },
    }),
  'unit-tokens': async (request, { models, log }) =>
    unitTokens(await models.open(request.modelPath), request, log),
  'language-model': async (request, { models }) =>
    describeLanguageModel((await models.open(request.modelPath)).model, request),
  'continue-text': async (request, { id, channel, models, writers, progress }) =>
    continueText((await models.open(request.modelPath)).model, request, {
      writers,
      progress,
      piece: (piece) => {
        channel.send({ kind: 'partial-text', id, piece });
      },
    }),
  'write-tokens': async (request, { models }) =>
    writeTokens((await models.open(request.modelPath)).model, request),
  samples: async (request, { models }) => readSamples((await models.open(request.modelPath)).model, request),
};

/** Questions that take little memory beside a model that is open to write; for others it is closed. */
const besideWriting: ReadonlySet<EngineQuestion['kind']> = new Set([
  'continue-text',
  'language-model',
  'write-tokens',
  'unit-tokens',
  'read-array',
]);

/** Serves every request of the host: runs, and what the reader process serves too. */
export function serveEngine(channel: HostChannel, analyses: readonly Analysis[]): void {
  const models = createModelCache();
  const works = createSharedWorks();
  const arrays = new KeptArrays();
  const log = loggerTo(channel);
  const writers = createKeptWriter(log);
  serveRequests(
    channel,
    async (id, request) => {
      if (isReaderRequest(request)) return answerReader(request, models);
      if (!besideWriting.has(request.kind)) await writers.release();
      const progress = progressTo(channel, id);
      return answerEngine(request, { id, channel, analyses, models, works, writers, arrays, log, progress });
    },
    failureOf,
  );
}

async function answerEngine<K extends EngineQuestion['kind']>(
  request: Extract<EngineQuestion, { kind: K }>,
  tools: Tools,
): Promise<EngineResults[K]> {
  const answer = answers[request.kind];
  return answer(request, tools);
}

function failureOf(error: unknown): WireFailure {
  if (!(error instanceof RunFailed)) return { error: toWireError(error) };
  return { error: toWireError(error.cause), report: error.report };
}

async function run(request: RunRequest, tools: Tools): Promise<EngineResults['run']> {
  const { id, channel, analyses, models, works, arrays, log, progress } = tools;
  const finished = await runAnalysis(request, {
    analyses,
    models,
    works,
    log,
    progress,
    partial: (report) => {
      channel.send({ kind: 'partial', id, report });
    },
  });
  arrays.keep(id, finished.arrays);
  const { report, parts } = finished;
  return { report, runId: id, ...(parts.length === 0 ? {} : { parts }) };
}

/** Raw results of the last runs. */
class KeptArrays {
  private readonly byRun = new Map<number, ReadonlyMap<string, TensorValue>>();

  keep(runId: number, arrays: ReadonlyMap<string, TensorValue>): void {
    this.byRun.set(runId, arrays);
    for (const oldest of this.byRun.keys()) {
      if (this.byRun.size > keptRunCount) this.byRun.delete(oldest);
    }
  }

  read({ runId, name }: ReadArrayRequest): ArrayResult {
    const value = this.byRun.get(runId)?.get(name);
    if (value !== undefined) return value;
    throw new UserError(
      'array-gone',
      `Array ${name} is no longer held by the engine. Run the analysis again.`,
      { kind: 'environment' },
    );
  }
}

function progressTo(channel: HostChannel, id: number): (update: ProgressUpdate) => void {
  return atMostEvery<ProgressUpdate>(
    1000 / progressPerSecond,
    (update) => {
      channel.send({ kind: 'progress', id, ...update });
    },
    ({ fractionDone }) => fractionDone >= 1,
  );
}

function loggerTo(channel: HostChannel): Logger {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string): void => {
      channel.send({ kind: 'log', level, message });
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
