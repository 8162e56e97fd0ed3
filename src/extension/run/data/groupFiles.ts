import { dirname } from 'node:path';

/** A folder of images or sounds, as the readers would take it. */
export interface FileFolder {
  readonly path: string;
  readonly fileCount: number;
  /** Sub-folders, when the files are sorted into them: their names are the labels. */
  readonly classCount?: number;
}

/** Fewer sub-folders than this are no classes. */
const minClassCount = 2;

/**
 * Returns the folders that files of a kind lie in. Where a folder holds nothing but sub-folders of them, it is one data set whose
 * sub-folders are the labels, and they are not listed themselves.
 */
export function groupFiles(files: readonly string[]): FileFolder[] {
  const counts = new Map<string, number>();
  for (const file of files) {
    const folder = dirname(file);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const children = new Map<string, string[]>();
  for (const folder of counts.keys()) {
    const parent = dirname(folder);
    children.set(parent, [...(children.get(parent) ?? []), folder]);
  }
  const folders: FileFolder[] = [];
  const classes = new Set<string>();
  for (const [parent, inner] of children) {
    if (inner.length < minClassCount || counts.has(parent)) continue;
    for (const folder of inner) classes.add(folder);
    const fileCount = inner.reduce((sum, folder) => sum + (counts.get(folder) ?? 0), 0);
    folders.push({ path: parent, fileCount, classCount: inner.length });
  }
  for (const [path, fileCount] of counts) {
    if (!classes.has(path)) folders.push({ path, fileCount });
  }
  return folders;
}
