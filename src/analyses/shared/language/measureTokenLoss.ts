import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import type { Dataset } from '../../../data/dataset.js';
import type { Runtime } from '../../../engine/runtime/session.js';
import type { Model } from '../../../onnx/model.js';
import { fedBatches, pickFeeds, sampleTotalOf } from '../sweep.js';
import type { LanguageTask } from './languageTask.js';
import { addTokenLoss, noTokens, type TokenLoss, tokenLossGraph, tokenLossOf } from './tokenLoss.js';

/** What token losses are measured on. */
export interface TokenLossRequest {
  /** The model, or a rewritten one in which the task's values have their names. */
  readonly model: Model;
  readonly task: Pick<LanguageTask, 'ids' | 'mask' | 'logits' | 'output'>;
  readonly runtime: Runtime;
  readonly data: Dataset;
  readonly batchSize: number;
  /** Samples at most. */
  readonly limit: number | undefined;
  readonly signal: AbortSignal;
  /** Called after every batch with the samples done and to do. */
  onBatch?(sampleCount: number, sampleTotal: number): void;
}

/**
 * Returns how well a causal language model predicts each next token of the data: exp of sum / count is the perplexity.
 *
 * One pass; [N, T, V] never leaves the runtime. Data without a row of two tokens give no token.
 */
export async function measureTokenLoss(request: TokenLossRequest): Promise<TokenLoss> {
  const graph = tokenLossGraph(request.model, request.task);
  const sampleTotal = sampleTotalOf(request);
  const session = await request.runtime.open(graph.model);
  let loss = noTokens;
  let sampleCount = 0;
  try {
    for await (const { batch, feeds } of fedBatches(request, request.model, sampleTotal)) {
      const values = await session.run(pickFeeds(feeds, session));
      loss = addTokenLoss(loss, tokenLossOf(graph, values, batch.sampleCount));
      sampleCount += batch.sampleCount;
      request.onBatch?.(sampleCount, sampleTotal);
      await yieldToEventLoop();
      throwIfAborted(request.signal);
    }
  } finally {
    await session.close();
  }
  return loss;
}
