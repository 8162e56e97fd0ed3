import { dirname } from 'node:path';

/** A folder of images, as the reader would take it. */
export interface ImageFolder {
  readonly path: string;
  readonly imageCount: number;
  /** Sub-folders, when the images are sorted into them: their names are the labels. */
  readonly classCount?: number;
}

/** Fewer sub-folders than this are no classes. */
const minClassCount = 2;

/**
 * Returns the folders that images lie in. Where a folder holds nothing but sub-folders of images, it is one data set whose
 * sub-folders are the labels, and they are not listed themselves.
 */
export function groupImages(images: readonly string[]): ImageFolder[] {
  const counts = new Map<string, number>();
  for (const image of images) {
    const folder = dirname(image);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const children = new Map<string, string[]>();
  for (const folder of counts.keys()) {
    const parent = dirname(folder);
    children.set(parent, [...(children.get(parent) ?? []), folder]);
  }
  const folders: ImageFolder[] = [];
  const classes = new Set<string>();
  for (const [parent, inner] of children) {
    if (inner.length < minClassCount || counts.has(parent)) continue;
    for (const folder of inner) classes.add(folder);
    const imageCount = inner.reduce((sum, folder) => sum + (counts.get(folder) ?? 0), 0);
    folders.push({ path: parent, imageCount, classCount: inner.length });
  }
  for (const [path, imageCount] of counts) {
    if (!classes.has(path)) folders.push({ path, imageCount });
  }
  return folders;
}
