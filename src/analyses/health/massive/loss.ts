import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import type { Batch, Dataset } from '../../../data/dataset.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import type { Model } from '../../../onnx/model.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { chooseAnswerOutput } from '../../shared/accuracy.js';
import { languageTask } from '../../shared/language/languageTask.js';
import { createTokenLossMeter, type TokenLossMeter } from '../../shared/language/tokenLossMeter.js';
import { fedBatches, pickFeeds } from '../../shared/sweep.js';

/** Mean −ln p of the right answer. */
export interface MeanLoss {
  readonly loss: number;
  /** Answers that it is a mean of. */
  readonly count: number;
}

/** Measures the mean cross-entropy of variants of one model on the same samples. */
export interface LossMeter {
  /** What is to be answered. */
  readonly answers: 'labels' | TokenLossMeter['tokens'];
  /** Returns the loss; a reason, to stand behind "not measured: ", where there is nothing to answer. */
  of(model: Model): Promise<MeanLoss | string>;
}

/**
 * Returns what measures losses on the first samples: of the labels, or of the tokens of a language model, next ones or hidden ones;
 * a reason, to stand behind "not measured: ", where neither applies.
 */
export async function createLossMeter(
  context: AnalysisContext,
  sampleLimit: number,
): Promise<LossMeter | string> {
  const { data } = context;
  if (data === undefined) return 'there are no data';
  const limit = Math.min(data.sampleCount, context.limit ?? Infinity, sampleLimit);
  if (data.hasLabels) {
    return { answers: 'labels', of: (model) => measureLabelLoss(context, data, { model, limit }) };
  }
  const task = languageTask(context.model, data);
  if (task === undefined) return 'the data have no labels, and the model gives no scores of tokens';
  const meter = await createTokenLossMeter(context, { data, task, limit });
  if (typeof meter === 'string') return meter;
  const of = async (model: Model): Promise<MeanLoss | string> => {
    const { sum, tokenCount } = await meter.of(model);
    return tokenCount === 0 ? 'no row has two tokens' : { loss: sum / tokenCount, count: tokenCount };
  };
  return { answers: meter.tokens, of };
}

async function measureLabelLoss(
  context: AnalysisContext,
  data: Dataset,
  { model, limit }: { readonly model: Model; readonly limit: number },
): Promise<MeanLoss | string> {
  const session = await context.runtime.open(model, { purpose: 'probe' });
  let [sum, count] = [0, 0];
  try {
    for await (const { batch, feeds } of fedBatches({ ...context, data }, model, limit)) {
      const outputs = await session.run(pickFeeds(feeds, session));
      const losses = labelLosses(outputs, batch);
      if (typeof losses === 'string') return losses;
      for (const loss of losses) sum += loss;
      count += losses.length;
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    }
  } finally {
    await session.close();
  }
  return count === 0 ? 'no answer can be right or wrong' : { loss: sum / count, count };
}

function labelLosses(outputs: Feeds, { labels = new Int32Array(), sampleCount }: Batch): number[] | string {
  const name = chooseAnswerOutput(outputs, sampleCount);
  const output = name === undefined ? undefined : outputs[name];
  if (output === undefined || (output.dims[1] ?? 0) < 2) {
    return 'no output of the model has a score for each class';
  }
  const values = toFloat64(output);
  const classCount = output.dims[1] ?? 0;
  return Array.from({ length: sampleCount }, (_, row) =>
    lossOf(values.subarray(row * classCount, (row + 1) * classCount), labels[row] ?? -1),
  );
}

/** Probabilities sum to 1, as scores hardly ever do. */
const sumTolerance = 1e-4;

/** −ln p of one class, of probabilities as they are and of scores by a softmax. */
function lossOf(scores: Float64Array, label: number): number {
  const total = scores.reduce((sum, score) => sum + score, 0);
  const areShares = scores.every((score) => score >= 0) && Math.abs(total - 1) < sumTolerance;
  if (areShares) return -Math.log(scores[label] ?? NaN);
  const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const exponents = scores.reduce((sum, score) => sum + Math.exp(score - largest), 0);
  return Math.log(exponents) + largest - (scores[label] ?? NaN);
}
