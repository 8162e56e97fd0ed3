import type { AnalysisContext, DraftPart, OtherQuestion, ReportDraft } from '../analyses/analysis.js';
import { typedSettings } from '../analyses/shared/askedAnalysis.js';
import { unsharedWork } from '../analyses/sharedWork.js';
import type { Logger } from '../base/logger.js';
import { restoreRandom } from '../base/random.js';
import { sampleShapesOf } from '../data/sampleShapes.js';
import type { Model } from '../onnx/model.js';
import type { RunRequest } from '../protocol/engineMessages.js';
import { fileSha256 } from './fileSha256.js';
import { type KeptAnswer, type KeptAnswers, keptAnswersIn } from './keptAnswers.js';
import { measurePreface } from './measurePreface.js';
import { modelStamps } from './modelCache.js';
import { toolVersion } from './toolVersion.js';

/** Where answers about other models are kept over runs, and what they depend on beside the model and the question. */
export interface Keeping {
  readonly answers: KeptAnswers;
  /** State of the data, provider, limit and batch size of the run. */
  readonly scope: string;
}

/** Returns where a run keeps answers about other models; undefined where it keeps none, or its data may change unseen. */
export function keepingOf(
  { answersDir, provider, threadCount, limit }: RunRequest,
  { dataState, batchSize, log }: KeepingFacts,
): Keeping | undefined {
  if (answersDir === undefined || dataState === undefined) return undefined;
  return {
    answers: keptAnswersIn(answersDir, log),
    scope: JSON.stringify([dataState, provider, threadCount, limit, batchSize]),
  };
}

interface KeepingFacts {
  readonly dataState: string | undefined;
  readonly batchSize: number;
  readonly log: Logger;
}

/** How much of the time the model's own accuracy takes, for the bar. */
const prefaceShare = 0.2;

/**
 * Puts a question to another model, as a run of its own would with the seed and data of this run; see `AnalysisContext.ask`.
 *
 * @throws whatever the analysis does.
 */
export async function askOther(
  context: AnalysisContext,
  question: OtherQuestion,
  keeping: Keeping | undefined,
): Promise<DraftPart> {
  const { name, model, analysis, settings } = question;
  const { realPath, fileSizeBytes, path, sizeBytes } = model.file;
  const sha256 = await fileSha256(realPath, fileSizeBytes);
  const { answers, scope } = keeping ?? {};
  const key = JSON.stringify([
    ...[toolVersion, scope, analysis.id, Object.entries(settings).sort(), context.random.state()],
    await contentOf(model, sha256),
  ]);
  let answer = answers?.find(key);
  if (answer === undefined) {
    answer = await measure(context, question);
    answers?.keep(key, answer);
  }
  const { draft, durationMs, preface, provider, runtimeVersion } = answer;
  const facts = { path, name, sizeBytes, ...(sha256 === undefined ? {} : { sha256 }) };
  const of = { name, model: facts, preface, provider, runtimeVersion };
  return { analysis, settings, draft, durationMs, of };
}

/** Names the bytes of a model: its hash and those of its external data, or the state of the files where they are large. */
async function contentOf(model: Model, sha256: string | undefined): Promise<unknown> {
  const stamps = [...modelStamps(model)];
  if (sha256 === undefined) return stamps;
  const { realPath, path } = model.file;
  const hashes = [sha256];
  for (const [file] of stamps) {
    if (file === realPath || file === path) continue;
    const hash = await fileSha256(file, model.file.sizeBytes);
    if (hash === undefined) return stamps;
    hashes.push(hash);
  }
  return hashes;
}

async function measure(context: AnalysisContext, question: OtherQuestion): Promise<KeptAnswer> {
  const { model, analysis, settings } = question;
  const { runtime, data, batchSize, limit, signal } = context;
  const startMs = performance.now();
  const answer = await analysis.run(
    {
      ...context,
      model,
      random: restoreRandom(context.random.state()),
      // What was remembered is of the run's own model.
      shared: unsharedWork,
      progress: ({ fractionDone, message }) => {
        question.progress({ fractionDone: (1 - prefaceShare) * fractionDone, message });
      },
      partial: () => undefined,
    },
    typedSettings(settings),
  );
  const preface = await measurePreface({
    ...{ model, runtime, data, batchSize, limit, signal },
    sampleShapes: data === undefined ? {} : await sampleShapesOf(data),
    progress: ({ fractionDone, message }) => {
      question.progress({ fractionDone: 1 - prefaceShare + prefaceShare * fractionDone, message });
    },
  });
  return {
    ...{ draft: withoutParts(answer), preface },
    provider: runtime.provider ?? '',
    runtimeVersion: runtime.version,
    durationMs: Math.round(performance.now() - startMs),
  };
}

/** Parts hold analyses, which are no data. */
function withoutParts({ parts: _parts, ...draft }: ReportDraft): KeptAnswer['draft'] {
  return draft;
}
