import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { InspectFile } from '../protocol/inspectFile.js';

/** Returns an inspect file whose paths were written for one folder as it must read in another. */
export function rebaseInspectFile(
  file: InspectFile,
  { from, to }: { readonly from: string; readonly to: string },
): InspectFile {
  const move = (path: string): string => {
    if (isAbsolute(path)) return path;
    // Forward slashes, so that the file means the same on every system.
    return relative(to, resolve(from, path)).split(sep).join('/');
  };
  return {
    ...file,
    ...(file.model === undefined ? {} : { model: move(file.model) }),
    ...(file.data === undefined ? {} : { data: { ...file.data, path: move(file.data.path) } }),
    ...(file.tokenizer === undefined ? {} : { tokenizer: movedTokenizer(file.tokenizer, move) }),
    ...(file.code === undefined ? {} : { code: { ...file.code, path: move(file.code.path) } }),
  };
}

function movedTokenizer(
  tokenizer: NonNullable<InspectFile['tokenizer']>,
  move: (path: string) => string,
): NonNullable<InspectFile['tokenizer']> {
  return typeof tokenizer === 'string' ? move(tokenizer) : { ...tokenizer, path: move(tokenizer.path) };
}
