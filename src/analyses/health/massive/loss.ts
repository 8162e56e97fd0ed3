import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import type { Batch } from '../../../data/dataset.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import type { Model } from '../../../onnx/model.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { chooseAnswerOutput } from '../../shared/accuracy.js';
import { languageTask } from '../../shared/language/languageTask.js';
import { measureTokenLoss } from '../../shared/language/measureTokenLoss.js';
import { fedBatches, pickFeeds } from '../../shared/sweep.js';

/** Mean −ln p of the right answer. */
export interface MeanLoss {
  readonly loss: number;
  /** Answers that it is a mean of. */
  readonly count: number;
}

/**
 * Returns the mean cross-entropy of a model on the first samples: of the labels, or of each next token of a language model;
 * a reason, to stand behind "not measured: ", where neither applies.
 */
export async function measureLoss(
  context: AnalysisContext,
  model: Model,
  sampleLimit: number,
): Promise<MeanLoss | string> {
  const { data } = context;
  if (data === undefined) return 'there are no data';
  const limit = Math.min(data.sampleCount, context.limit ?? Infinity, sampleLimit);
  if (!data.hasLabels) {
    const task = languageTask(context.model, data);
    if (task === undefined) return 'the data have no labels, and the model gives no scores of a next token';
    const { sum, tokenCount } = await measureTokenLoss({ ...context, model, task, data, limit });
    return tokenCount === 0 ? 'no row has two tokens' : { loss: sum / tokenCount, count: tokenCount };
  }
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
