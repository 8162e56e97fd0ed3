import { readdir } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';

/** Files of one kind in a folder. */
export interface FileList {
  /** Absolute, in order. */
  readonly files: readonly string[];
  /** Paths relative to the folder, with forward slashes; the name alone of a single file. */
  readonly ids: readonly string[];
  /** Files of other kinds, hidden ones left out. */
  readonly otherCount: number;
}

/** Returns the files of a folder and its sub-folders whose names fit, or the one file. */
export async function listFiles(
  path: string,
  { isFolder, isWanted }: { readonly isFolder: boolean; readonly isWanted: (name: string) => boolean },
): Promise<FileList> {
  if (!isFolder) return { files: [path], ids: [basename(path)], otherCount: 0 };
  const files: string[] = [];
  let otherCount = 0;
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory() || entry.name.startsWith('.')) continue;
    if (isWanted(entry.name)) files.push(join(entry.parentPath, entry.name));
    else otherCount++;
  }
  files.sort();
  return { files, ids: files.map((file) => relative(path, file).split(sep).join('/')), otherCount };
}
