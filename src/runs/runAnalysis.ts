import { join, resolve } from 'node:path';
import type {
  Analysis,
  AnalysisContext,
  DraftPart,
  PartModel,
  ProgressUpdate,
  ReportDraft,
  SettingsOf,
} from '../analyses/analysis.js';
import { messageOf, UserError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { SharedWork } from '../analyses/sharedWork.js';
import { createRandom } from '../base/random.js';
import { noSamples } from '../data/dataErrors.js';
import { dataForms, isInspectFileName } from '../data/dataNames.js';
import type { Dataset } from '../data/dataset.js';
import { openDataset } from '../data/openDataset.js';
import { type SampleShapes, sampleShapesOf } from '../data/sampleShapes.js';
import { soundModel } from '../engine/graph/verify.js';
import { createRuntime } from '../engine/runtime/ortRuntime.js';
import type { Runtime } from '../engine/runtime/session.js';
import type { Model } from '../onnx/model.js';
import { convertToOpset17 } from '../onnx/opsets/convert.js';
import type { TensorValue } from '../onnx/tensorValue.js';
import type { RunRequest } from '../protocol/engineMessages.js';
import type { Report } from '../protocol/report.js';
import type { SettingsSchema } from '../protocol/settings.js';
import {
  assembleReport,
  emptyPreface,
  initialFacts,
  modelNameOf,
  reportWithoutResult,
  type RunFacts,
  withStatus,
} from './assembleReport.js';
import { askOther, keepingOf } from './askOther.js';
import { listedCountOf, openModels } from './openModels.js';
import { chooseBatchSize, defaultMemoryMegabytes } from './batchSize.js';
import { findAnalysis } from './findAnalysis.js';
import { fileSha256 } from './fileSha256.js';
import { createModelCache, type ModelCache } from './modelCache.js';
import { measurePreface } from './measurePreface.js';
import { costOf, prefaceShareOf } from './runCost.js';
import { completeSettings } from '../protocol/readSettings.js';
import { dataStateOf, filesOf, scopeOf } from './runScope.js';
import { createSharedWorks, type SharedWorks } from './sharedWorks.js';
import { writeArrays } from './arrays.js';
import { partFileName } from './partFileName.js';

/** What a run needs from whoever runs it. */
export interface RunHooks {
  readonly analyses: readonly Analysis[];
  readonly log: Logger;
  /** Work of earlier runs; default: every run does its own. */
  readonly works?: SharedWorks;
  /** Models read before; default: every run reads its own. */
  readonly models?: ModelCache;
  progress(update: ProgressUpdate): void;
  partial(report: Report): void;
}

/** A report and the raw results behind it. */
export interface FinishedRun {
  readonly report: Report;
  readonly arrays: ReadonlyMap<string, TensorValue>;
  /** Reports of their own that the report puts together; their arrays are in a folder each, named after the analysis. */
  readonly parts: readonly Report[];
}

/** A run that failed half-way: `cause` is why, `report` what is known. */
export class RunFailed extends Error {
  readonly report: Report;

  constructor(cause: unknown, report: Report) {
    super(messageOf(cause), { cause });
    this.name = 'RunFailed';
    this.report = report;
  }
}

/** Partial reports at most this often. */
const partialIntervalMs = 250;

/**
 * Runs one analysis from files to a full Report; the engine process does nothing else.
 *
 * @throws RunFailed with the cause (a UserError, or a bug) and a report of status `failed` saying what is known.
 */
export async function runAnalysis(request: RunRequest, hooks: RunHooks): Promise<FinishedRun> {
  const analysis = findAnalysis(hooks.analyses, request.analysis);
  const settings = completeSettings(analysis.settings, request.settings);
  const state = new RunState(initialFacts(analysis, { ...request, settings }), hooks);
  try {
    return await state.run(request);
  } catch (error) {
    throw new RunFailed(error, state.failed(error));
  }
}

/** The inspect file by which the data of a run are read. */
function descriptionOf({ describedBy, dataPath }: RunRequest): string | undefined {
  return describedBy ?? (dataPath !== undefined && isInspectFileName(dataPath) ? dataPath : undefined);
}

/** A run under way: the facts grow as they become known, so that a failure leaves what is true. */
class RunState {
  private facts: RunFacts;
  private readonly hooks: RunHooks;
  private readonly startMs = performance.now();
  private lastPartial: Report | undefined;
  private fractionDone = 0;

  constructor(facts: RunFacts, hooks: RunHooks) {
    this.facts = facts;
    this.hooks = hooks;
  }

  async run(request: RunRequest): Promise<FinishedRun> {
    this.hooks.progress({ fractionDone: 0, message: 'Reading the model' });
    const models = this.hooks.models ?? createModelCache();
    const original = soundModel((await models.open(request.modelPath)).model);
    this.know({ model: modelFactsOf(original, request.modelPath) });
    this.showPartial(reportWithoutResult(this.currentFacts(), 'partial', 'Nothing measured yet.'));
    const model = convertToOpset17(original);
    const runtime = createRuntime({
      provider: request.provider,
      log: this.hooks.log,
      ...(request.threadCount === undefined ? {} : { threadCount: request.threadCount }),
    });
    const works = this.hooks.works ?? createSharedWorks();
    // Before the data is opened, so that what changes meanwhile is opened again by the next run.
    const dataState = await dataStateOf(request);
    const files = filesOf(request, original, dataState);
    const data = await this.openData(request, model, works, files);
    const sampleShapes = data === undefined ? {} : await sampleShapesOf(data);
    const batchSize = chooseBatchSize({
      model,
      sampleShapes,
      memoryMegabytes: request.memoryMegabytes ?? defaultMemoryMegabytes,
      wanted: request.batchSize,
    });
    this.know({ batchSize });
    const shared = works.of(scopeOf(request, files, batchSize));
    const sha256 = shared.once('sha256', async () => ({
      hash: await fileSha256(original.file.realPath, original.file.fileSizeBytes),
    }));
    // Awaited below; a failure of the analysis must not leave it unhandled.
    sha256.catch(() => undefined);
    const parts = { model, runtime, data, batchSize, shared };
    const prefaceShare = await this.prefaceShare(request, parts, sampleShapes);
    // The answer first, as it grows; the accuracy beside it can wait.
    const draft = await this.analyse(request, { ...parts, dataState }, 1 - prefaceShare);
    if (prefaceShare > 0) this.showPartial(assembleReport(this.currentFacts(), draft, 'partial'));
    await this.measurePreface(request, { ...parts, sampleShapes }, prefaceShare);
    this.know({ model: withSha256(this.facts.model, (await sha256).hash) });
    this.learnFrom(runtime);
    await this.shareProvider(shared);
    return this.finish(request, draft);
  }

  /** Returns the report of a run that ended with an error. */
  failed(error: unknown): Report {
    const why = `The run failed: ${messageOf(error)}`;
    return this.lastPartial === undefined
      ? reportWithoutResult(this.currentFacts(), 'failed', why)
      : withStatus({ ...this.lastPartial, durationMs: this.durationMs() }, 'failed', why);
  }

  private async openData(
    request: RunRequest,
    model: Model,
    works: SharedWorks,
    files: string | undefined,
  ): Promise<Dataset | undefined> {
    const { needs, id } = this.facts.analysis;
    const { dataPath, describedBy } = request;
    if (dataPath === undefined) {
      if (needs.data !== 'required') return undefined;
      throw new UserError('data-missing', `${id} needs data. ${howToGiveData}`, { detail: { analysis: id } });
    }
    const data = await works.dataset(files, () => openDataset(dataPath, model, describedBy));
    this.know({ data: dataFactsOf(data, request) });
    const cut = limitWarning(request, data);
    const warnings = [...(cut === undefined ? [] : [cut]), ...model.warnings, ...data.warnings];
    this.know({ preface: { ...emptyPreface, warnings } });
    if (data.sampleCount === 0) throw noSamples(data.path);
    if (needs.labels === 'required' && !data.hasLabels) {
      throw new UserError(
        'labels-missing',
        `${id} needs labels, and ${data.path} has none. Add "labels" to an .inspect.json, or an array "labels" to the .npz.`,
      );
    }
    return data;
  }

  private async prefaceShare(
    { limit }: RunRequest,
    { model, data }: RunParts,
    sampleShapes: SampleShapes,
  ): Promise<number> {
    const { analysis, settings } = this.facts;
    const listedCount = await listedCountOf(analysis.settings, settings);
    return prefaceShareOf(costOf({ analysis, settings, model, data, limit, sampleShapes, listedCount }));
  }

  private async measurePreface(
    request: RunRequest,
    parts: RunParts & { readonly sampleShapes: SampleShapes },
    share: number,
  ): Promise<void> {
    const preface = await parts.shared.once('preface', () =>
      measurePreface({
        ...parts,
        limit: request.limit,
        signal: new AbortController().signal,
        progress: ({ fractionDone, message }) => {
          this.progress({ fractionDone: 1 - share + share * fractionDone, message });
        },
      }),
    );
    const { warnings } = this.facts.preface;
    this.know({ preface: { ...preface, warnings: [...warnings, ...preface.warnings] } });
  }

  /** Runs the analysis; `share` of the progress bar is its own. */
  private async analyse(
    request: RunRequest,
    parts: RunParts & { readonly dataState: string | undefined },
    share: number,
  ): Promise<ReportDraft> {
    const { analysis } = this.facts;
    let lastPartialMs = -Infinity;
    const { dataState, ...given } = parts;
    const keeping = keepingOf(request, { dataState, batchSize: given.batchSize, log: this.hooks.log });
    const context: AnalysisContext = {
      ...given,
      random: createRandom(request.seed),
      limit: request.limit,
      log: this.hooks.log,
      signal: new AbortController().signal,
      openData: (path) =>
        openDataset(path, parts.model, isInspectFileName(path) ? undefined : descriptionOf(request)),
      openModels: (path, options) => openModels(path, parts.model, options),
      ask: (question) => askOther(context, question, keeping),
      progress: ({ fractionDone, message }) => {
        this.progress({ fractionDone: share * fractionDone, message });
      },
      partial: (makeDraft) => {
        const nowMs = performance.now();
        if (nowMs - lastPartialMs < partialIntervalMs) return;
        lastPartialMs = nowMs;
        this.learnFrom(parts.runtime);
        this.showPartial(assembleReport(this.currentFacts(), makeDraft(), 'partial'));
      },
    };
    // `completeSettings` has checked every value against this analysis's own schema.
    return analysis.run(context, this.facts.settings as SettingsOf<SettingsSchema>);
  }

  private finish(request: RunRequest, draft: ReportDraft): FinishedRun {
    const arrays = new Map(Object.entries(draft.arrays).map(([name, array]) => [name, array.value]));
    this.lastPartial = assembleReport(this.currentFacts(), draft, draft.status ?? this.statusOf(request));
    if (request.arraysDir !== undefined) {
      this.know({ arrayFiles: writeArrays(request.arraysDir, arrays) });
    }
    const report = assembleReport(this.currentFacts(), draft, draft.status ?? this.statusOf(request));
    return { report, arrays, parts: (draft.parts ?? []).map((part) => this.partReport(request, part)) };
  }

  /** Returns the report of an analysis that this one ran, as it would have come of a run of its own. */
  private partReport(request: RunRequest, part: DraftPart): Report {
    const { analysis, settings, draft, durationMs, of } = part;
    const arrays = new Map(Object.entries(draft.arrays).map(([name, array]) => [name, array.value]));
    const { arraysDir } = request;
    const own = this.facts.preface;
    const facts: RunFacts = {
      ...this.facts,
      ...{ analysis, settings, durationMs },
      ...(of === undefined ? {} : factsOfOther(of, own.warnings)),
      arrayFiles:
        arraysDir === undefined ? new Map() : writeArrays(join(arraysDir, partFileName(part)), arrays),
    };
    return assembleReport(facts, draft, draft.status ?? this.statusOf(request));
  }

  private statusOf(request: RunRequest): 'complete' | 'partial' {
    return limitWarning(request, this.facts.data) === undefined ? 'complete' : 'partial';
  }

  /** The runtime knows its version and provider only once a session is open. */
  private learnFrom(runtime: Runtime): void {
    if (runtime.provider === undefined) return;
    this.know({ provider: runtime.provider, runtimeVersion: runtime.version });
  }

  /** A run that shares everything opens no session: its numbers come from the provider of the run that did. */
  private async shareProvider(shared: SharedWork): Promise<void> {
    const { provider, runtimeVersion } = this.facts;
    const seen = await shared.once<SeenRuntime>('runtime', () => Promise.resolve({}));
    if (runtimeVersion !== '') seen.facts = { provider, runtimeVersion };
    else if (seen.facts !== undefined) this.know(seen.facts);
  }

  /** An analysis may find more to do than it had announced: the bar waits then, and never jumps back. */
  private progress({ fractionDone, message }: ProgressUpdate): void {
    this.fractionDone = Math.max(this.fractionDone, fractionDone);
    this.hooks.progress({ fractionDone: this.fractionDone, message });
  }

  private know(facts: Partial<RunFacts>): void {
    this.facts = { ...this.facts, ...facts };
  }

  private currentFacts(): RunFacts {
    return { ...this.facts, durationMs: this.durationMs() };
  }

  private durationMs(): number {
    return Math.round(performance.now() - this.startMs);
  }

  private showPartial(report: Report): void {
    this.lastPartial = report;
    this.hooks.partial(report);
  }
}

function factsOfOther(
  { model, preface, provider, runtimeVersion }: PartModel,
  warnings: readonly string[],
): Partial<RunFacts> {
  return {
    model,
    provider,
    runtimeVersion,
    preface: { ...preface, warnings: [...warnings, ...preface.warnings] },
  };
}

interface SeenRuntime {
  facts?: Pick<RunFacts, 'provider' | 'runtimeVersion'>;
}

/** What a run works on. */
export interface RunParts {
  readonly model: Model;
  readonly runtime: Runtime;
  readonly data: Dataset | undefined;
  readonly batchSize: number;
  readonly shared: SharedWork;
}

/** How to give data, for messages. */
export const howToGiveData = `Pass --data with ${dataForms}.`;

/** Returns what to say when `--limit` leaves samples out. */
function limitWarning(
  { limit }: RunRequest,
  data: { readonly sampleCount: number } | null,
): string | undefined {
  if (limit === undefined || data === null || limit >= data.sampleCount) return undefined;
  const inAll = data.sampleCount.toLocaleString('en-US');
  return `Only ${limit.toLocaleString('en-US')} of ${inAll} samples ${limit === 1 ? 'was' : 'were'} used, because of --limit.`;
}

function dataFactsOf(
  { path, kind, sampleCount }: Dataset,
  { limit = Infinity, describedBy, dataPath = '' }: RunRequest,
): Report['data'] {
  return {
    ...{ path, kind, sampleCount },
    ...(limit < sampleCount ? { usedCount: limit } : {}),
    ...(isInspectFileName(dataPath) ? { inspectFile: resolve(dataPath) } : {}),
    ...(describedBy === undefined ? {} : { describedBy }),
  };
}

function modelFactsOf(model: Model, path: string): Report['model'] {
  return { path: model.file.path, name: modelNameOf(path), sizeBytes: model.file.sizeBytes };
}

function withSha256(facts: Report['model'], hash: string | undefined): Report['model'] {
  return hash === undefined ? facts : { ...facts, sha256: hash };
}
