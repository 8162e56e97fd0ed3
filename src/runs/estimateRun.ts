import type { Analysis, ProgressUpdate } from '../analyses/analysis.js';
import { type BatchTiming, durationMsOf, timeBatch } from '../analyses/shared/batchTiming.js';
import { UserError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { openDataset } from '../data/openDataset.js';
import { sampleShapesOf } from '../data/sampleShapes.js';
import { soundModel } from '../engine/graph/verify.js';
import { createRuntime } from '../engine/runtime/ortRuntime.js';
import { convertToOpset17 } from '../onnx/opsets/convert.js';
import { readModel } from '../onnx/readModel.js';
import type { EstimateRequest, RunEstimate } from '../protocol/engineMessages.js';
import { chooseBatchSize, defaultMemoryMegabytes } from './batchSize.js';
import { findAnalysis } from './findAnalysis.js';
import { howToGiveData } from './runAnalysis.js';
import { listedCountOf } from './openModels.js';
import { costOf, type PlannedCost } from './runCost.js';
import { completeSettings } from '../protocol/readSettings.js';

/** Sessions that a run opens: for the accuracy or perplexity, the analysis, and often a second pass. */
const sessionCount = 3;

/**
 * Returns how long a run will take: what the analysis says it costs, in passes and reads of the time that one batch takes
 * after a first one to warm up.
 *
 * @throws UserError as the run itself would for its settings, model and data.
 */
export async function estimateRun(
  { run }: EstimateRequest,
  hooks: {
    readonly analyses: readonly Analysis[];
    readonly log: Logger;
    progress(update: ProgressUpdate): void;
  },
): Promise<RunEstimate> {
  const analysis = findAnalysis(hooks.analyses, run.analysis);
  const settings = completeSettings(analysis.settings, run.settings);
  const model = convertToOpset17(soundModel(await readModel(run.modelPath)));
  if (run.dataPath === undefined) throw dataMissing(analysis.id);
  const data = await openDataset(run.dataPath, model, run.describedBy);
  const sampleShapes = await sampleShapesOf(data);
  const { memoryMegabytes = defaultMemoryMegabytes, batchSize: wanted, limit, threadCount, provider } = run;
  const batchSize = chooseBatchSize({ model, sampleShapes, memoryMegabytes, wanted });
  const listedCount = await listedCountOf(analysis.settings, settings);
  const cost = costOf({ analysis, settings, model, data, limit, sampleShapes, listedCount });
  const threads = threadCount === undefined ? {} : { threadCount };
  const runtime = createRuntime({ provider, log: hooks.log, ...threads });
  hooks.progress({ fractionDone: 0, message: 'Timing one batch' });
  const startMs = performance.now();
  const session = await runtime.open(model);
  const openMs = performance.now() - startMs;
  try {
    const timing = await timeBatch(session, data, batchSize);
    return {
      durationMs: Math.round(durationOf(cost, timing) + sessionCount * openMs),
      sampleCount: cost.sampleCount,
      how: `from one batch of ${timing.sampleCount} ${timing.sampleCount === 1 ? 'sample' : 'samples'}`,
    };
  } finally {
    await session.close();
  }
}

function durationOf({ preface, analysis }: PlannedCost, timing: BatchTiming): number {
  return durationMsOf(preface, timing) + durationMsOf(analysis, timing);
}

function dataMissing(analysis: string): UserError {
  return new UserError('data-missing', `How long ${analysis} takes depends on its data. ${howToGiveData}`, {
    detail: { analysis },
  });
}
