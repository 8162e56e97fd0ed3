import type { Dataset } from '../../../data/dataset.js';
import type { Tokenizer } from '../../../data/text/tokenizer.js';
import { type CausalityRequest, tryCausality } from './causality.js';

/** A masked language model is scored on about so many hidden tokens: each costs a row. */
export const maskedTokenLimit = 2048;

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
