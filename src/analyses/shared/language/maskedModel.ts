import type { Dataset } from '../../../data/dataset.js';
import type { Tokenizer } from '../../../data/text/tokenizer.js';
import type { AnalysisContext } from '../../analysis.js';
import { type CausalityRequest, tryCausality } from './causality.js';
import type { LanguageTask } from './languageTask.js';

/** A masked language model is scored on about so many hidden tokens: each costs a row. */
export const maskedTokenLimit = 2048;

/** How tokens can be asked of a language model: each by those before it, or each hidden among all others of its row. */
export type TokenQuestion =
  | { readonly kind: 'next' }
  | { readonly kind: 'hidden'; readonly tokenizer: Tokenizer }
  | { readonly kind: 'none'; readonly reason: string };

/**
 * Returns how tokens can be asked of the run's model, by trial, once for all analyses of a run; "none" of one that reads the tokens
 * it is to tell, with nothing known to hide them behind.
 */
export function tokenQuestion(
  context: Pick<AnalysisContext, 'model' | 'runtime' | 'shared'>,
  task: LanguageTask,
  data: Dataset,
): Promise<TokenQuestion> {
  return context.shared.once('token question', async () => {
    const causality = await tryCausality({ ...context, task, data });
    if (causality?.isCausal !== false) return { kind: 'next' };
    const tokenizer = data.tokens?.tokenizer;
    if (tokenizer?.maskId !== undefined) return { kind: 'hidden', tokenizer };
    const reason =
      'the model reads the tokens behind a position too, and no tokenizer with a mask token is known that could hide them';
    return { kind: 'none', reason };
  });
}

/**
 * Returns the tokenizer of a masked language model: one with a token that hides others, of a model that by trial reads what is
 * behind a position; undefined of any other.
 */
export async function maskedTokenizer(
  request: CausalityRequest,
  tokens: Dataset['tokens'],
): Promise<Tokenizer | undefined> {
  const tokenizer = tokens?.tokenizer;
  if (tokenizer?.maskId === undefined) return undefined;
  const causality = await tryCausality(request);
  return causality?.isCausal === false ? tokenizer : undefined;
}
