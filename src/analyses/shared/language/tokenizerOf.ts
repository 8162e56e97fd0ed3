import { tokenizerBeside } from '../../../data/text/openTokenizer.js';
import { readTokenizer, type Tokenizer } from '../../../data/text/tokenizer.js';
import type { AnalysisContext } from '../../analysis.js';

/**
 * Returns the tokenizer of a language model: that of its data, else the one beside it; undefined where there is none.
 *
 * @throws UserError `tokenizer-invalid`.
 */
export async function tokenizerOf({
  data,
  model,
}: Pick<AnalysisContext, 'data' | 'model'>): Promise<Tokenizer | undefined> {
  const beside = tokenizerBeside(model.file.path);
  return data?.tokens?.tokenizer ?? (beside === undefined ? undefined : await readTokenizer(beside));
}
