import { tryCausality } from '../analyses/shared/language/causality.js';
import { type LanguageTask, languageTask } from '../analyses/shared/language/languageTask.js';
import { lossPreface } from '../analyses/shared/language/lossPreface.js';
import { measureMaskedLoss } from '../analyses/shared/language/maskedLoss.js';
import { maskedTokenLimit } from '../analyses/shared/language/maskedModel.js';
import { maskedPreface } from '../analyses/shared/language/maskedPreface.js';
import { measureTokenLoss } from '../analyses/shared/language/measureTokenLoss.js';
import type { Dataset } from '../data/dataset.js';
import type { SampleShapes } from '../data/sampleShapes.js';
import type { Model } from '../onnx/model.js';
import { formatNumber } from '../protocol/formatReport.js';
import type { Preface } from '../analyses/analysis.js';
import { emptyPreface, sampledIfFewer } from './assembleReport.js';
import type { PrefaceRequest } from './preface.js';

/** The perplexity rests on about so many tokens: ± 1 to 2 % at 95 %, and a share of a long sweep's time. */
const maxLossTokens = 100_000;

/** What decides on how many samples the perplexity rests. */
export interface LossWorkload {
  readonly model: Model;
  readonly data: Pick<Dataset, 'tokens' | 'maskInput'>;
  /** Samples that the run sees. */
  readonly sampleCount: number;
  readonly sampleShapes: SampleShapes;
}

/** Returns the samples that the perplexity takes; 0 where the model is no language model. */
export function lossSampleCountOf({ model, data, sampleCount, sampleShapes }: LossWorkload): number {
  const task = languageTask(model, data);
  if (task === undefined) return 0;
  const tokensPerSample = sampleShapes[task.ids]?.[1] ?? 1;
  return Math.min(sampleCount, Math.ceil(maxLossTokens / Math.max(1, tokensPerSample)));
}

/**
 * Returns the perplexity of a causal language model, the pseudo-perplexity of one that reads what it is to predict, and why there
 * is none where nothing can hide a token.
 */
export async function measureLanguage(request: PrefaceRequest): Promise<Preface> {
  const { data, model } = request;
  const task = data === undefined ? undefined : languageTask(model, data);
  if (data === undefined || task === undefined) return emptyPreface;
  const causality = await tryCausality({ ...request, data, task });
  if (causality === undefined) return emptyPreface;
  const sampleCount = lossSampleCountOf({
    model,
    data,
    sampleCount: Math.min(data.sampleCount, request.limit ?? Infinity),
    sampleShapes: request.sampleShapes,
  });
  const onBatch = (done: number, total: number): void => {
    request.progress({
      fractionDone: done / Math.max(1, total),
      message: `Measuring the perplexity (${formatNumber(done, 'count')} of ${formatNumber(total, 'count')} samples)`,
    });
  };
  const measuring = { ...request, data, task, limit: sampleCount, onBatch };
  const { vocabularySize } = causality;
  if (!causality.isCausal) {
    const tokenizer = data.tokens?.tokenizer;
    if (tokenizer?.maskId === undefined) return { ...emptyPreface, warnings: [notCausal(task)] };
    const masked = await measureMaskedLoss({ ...measuring, tokenizer, tokenLimit: maskedTokenLimit });
    return sampledIfFewer(maskedPreface(masked, vocabularySize), sampleCount, data.sampleCount);
  }
  const loss = await measureTokenLoss(measuring);
  return sampledIfFewer(lossPreface(loss, { vocabularySize, sampleCount }), sampleCount, data.sampleCount);
}

function notCausal({ output }: LanguageTask): string {
  return `There is no perplexity: "${output}" at a position depends on the tokens behind it, as in masked language models, and no tokenizer with a mask token is known that could hide them. Name the tokenizer.json in an .inspect.json.`;
}
