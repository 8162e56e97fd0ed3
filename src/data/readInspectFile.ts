import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UserError } from '../base/errors.js';
import type { InspectFile } from '../protocol/inspectFile.js';
import { dataNotFound } from './dataErrors.js';

/** An inspect file with the paths in it made absolute. */
export interface LoadedInspectFile {
  readonly path: string;
  /** Its folder, which its paths are relative to. */
  readonly dir: string;
  readonly file: InspectFile;
  /** The model it is about, when it names one. */
  readonly modelPath?: string;
  /** The data it describes, when it describes any. */
  readonly dataPath?: string;
  /** The tokenizer, when it names one. */
  readonly tokenizerPath?: string;
}

/**
 * Reads a `*.inspect.json`.
 *
 * @throws UserError `data-not-found`, `inspect-file-invalid`.
 */
export async function readInspectFile(path: string): Promise<LoadedInspectFile> {
  const absolute = resolve(path);
  const text = await readFile(absolute, 'utf8').catch((cause: unknown) => {
    throw dataNotFound(absolute, cause);
  });
  const { parseInspectFile } = await import('../protocol/documents.js');
  const file = parseInspectFile(parseJson(text, absolute), absolute);
  const dir = dirname(absolute);
  const tokenizer = typeof file.tokenizer === 'object' ? file.tokenizer.path : file.tokenizer;
  return {
    path: absolute,
    dir,
    file,
    ...(file.model === undefined ? {} : { modelPath: resolve(dir, file.model) }),
    ...(file.data === undefined ? {} : { dataPath: resolve(dir, file.data.path) }),
    ...(tokenizer === undefined ? {} : { tokenizerPath: resolve(dir, tokenizer) }),
  };
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new UserError(
      'inspect-file-invalid',
      `${path} is no JSON: ${cause instanceof Error ? cause.message : ''}. Correct it.`,
      {
        cause,
        detail: { path },
      },
    );
  }
}
