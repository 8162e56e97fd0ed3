import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { tokenizerNames } from '../dataNames.js';
import type { SourceRequest } from '../sampleSource.js';
import { readTokenizer, type Tokenizer } from './tokenizer.js';

/** A tokenizer, and what was assumed to find it. */
export interface OpenedTokenizer {
  readonly tokenizer: Tokenizer;
  readonly path: string;
  readonly warnings: readonly string[];
}

/** The tokenizer that stands beside a model under a usual name; undefined when there is none. */
export function tokenizerBeside(modelPath: string): string | undefined {
  return tokenizerNames.map((name) => join(dirname(modelPath), name)).find((path) => existsSync(path));
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
      `Text needs a tokenizer, and there is neither a tokenizer.json nor a SentencePiece tokenizer.model beside ${modelPath}. Put one there, or name it as "tokenizer" in an .inspect.json.`,
      { detail: { modelPath } },
    );
  }
  return {
    tokenizer: await readTokenizer(beside),
    path: beside,
    warnings: [`Assumed the tokenizer beside the model, ${basename(beside)}. Name it in an .inspect.json.`],
  };
}
