import type { Dataset } from '../../../data/dataset.js';
import type { Model } from '../../../onnx/model.js';
import type { AnalysisContext } from '../../analysis.js';
import type { LanguageTask } from './languageTask.js';
import { measureMaskedLoss } from './maskedLoss.js';
import { maskedTokenLimit, tokenQuestion } from './maskedModel.js';
import { measureTokenLoss } from './measureTokenLoss.js';
import type { TokenLoss } from './tokenLoss.js';

/** Measures how well variants of one language model tell tokens, the same tokens for all. */
export interface TokenLossMeter {
  /** What exp of the mean loss is. */
  readonly name: 'perplexity' | 'pseudo-perplexity';
  /** What is told: each token by those before it, or tokens hidden one at a time. */
  readonly tokens: 'next tokens' | 'hidden tokens';
  of(model: Model): Promise<TokenLoss>;
}

/** What token losses of a run are measured on. */
export interface TokenLossWork {
  readonly data: Dataset;
  readonly task: LanguageTask;
  /** Samples at most. */
  readonly limit: number | undefined;
}

/** Returns what measures losses of variants of the context's model; a reason, to stand behind "not measured: ", where it has none. */
export async function createTokenLossMeter(
  context: AnalysisContext,
  { data, task, limit }: TokenLossWork,
): Promise<TokenLossMeter | string> {
  const { runtime, batchSize, signal } = context;
  const question = await tokenQuestion(context, task, data);
  const common = { task, runtime, data, batchSize, limit, signal };
  switch (question.kind) {
    case 'none':
      return question.reason;
    case 'next':
      return {
        name: 'perplexity',
        tokens: 'next tokens',
        of: (model) => measureTokenLoss({ ...common, model }),
      };
    case 'hidden': {
      const hiding = { ...common, tokenizer: question.tokenizer, tokenLimit: maskedTokenLimit };
      return {
        name: 'pseudo-perplexity',
        tokens: 'hidden tokens',
        of: async (model) => (await measureMaskedLoss({ ...hiding, model })).loss,
      };
    }
  }
}
