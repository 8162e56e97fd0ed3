import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../../base/errors.js';
import type { SourceRequest } from '../sampleSource.js';
import { readTokenizer, type Tokenizer } from './tokenizer.js';

/** A tokenizer, and what was assumed to find it. */
export interface OpenedTokenizer {
  readonly tokenizer: Tokenizer;
  readonly path: string;
  readonly warnings: readonly string[];
}

/** What tokenizers are usually called: as Hugging Face writes them, and SentencePiece models of Llama and T5. */
const usualNames = ['tokenizer.json', 'tokenizer.model', 'spiece.model'];

/** The tokenizer that stands beside a model under a usual name; undefined when there is none. */
export function tokenizerBeside(modelPath: string): string | undefined {
  return usualNames.map((name) => join(dirname(modelPath), name)).find((path) => existsSync(path));
}

/**
 * Opens the tokenizer that the inspect file names, else the one beside the model.
 *
 * @throws UserError `tokenizer-missing`, and those of reading it.
 */
export async function openTokenizer({ tokenizerPath, modelPath }: SourceRequest): Promise<OpenedTokenizer> {
  if (tokenizerPath !== undefined) {
    return { tokenizer: await readTokenizer(tokenizerPath), path: tokenizerPath, warnings: [] };
  }
  const beside = tokenizerBeside(modelPath);
  if (beside === undefined) {
    throw new UserError(
      'tokenizer-missing',
      `Text needs a tokenizer, and there is no tokenizer.json beside ${modelPath}. Put it there, or name it as "tokenizer" in an .inspect.json.`,
      { detail: { modelPath } },
    );
  }
  return {
    tokenizer: await readTokenizer(beside),
    path: beside,
    warnings: [`Assumed the tokenizer beside the model, ${basename(beside)}. Name it in an .inspect.json.`],
  };
}
