import { dirname } from 'node:path';

/** A model that has what a document names. */
export interface FittingModel {
  readonly path: string;
  /** An inspect file ties the document to it. */
  readonly isTied: boolean;
}

/** Where a document is. */
export interface DocumentPlace {
  readonly path: string;
  /** Folder of the workspace that it is in, if any. */
  readonly folder: string | undefined;
  /** The model that the person chose for it. */
  readonly chosen: string | undefined;
}

/** The model that a document is about, and why; or that the person must say. */
export type PickedModel =
  | {
      readonly kind: 'picked';
      readonly path: string;
      readonly why: 'only' | 'chosen' | 'tied' | 'beside' | 'in-folder';
      /** Models that have the same and were not picked. */
      readonly others: readonly string[];
    }
  | { readonly kind: 'ask'; readonly paths: readonly string[] };

/**
 * Returns the model a document is about: the one chosen for it, the one an inspect file ties it to, the only one beside it,
 * the only one in its folder of the workspace; undefined when none fits.
 */
export function pickModel(models: readonly FittingModel[], place: DocumentPlace): PickedModel | undefined {
  const paths = models.map(({ path }) => path);
  const pick = (path: string, why: Extract<PickedModel, { kind: 'picked' }>['why']): PickedModel => ({
    kind: 'picked',
    path,
    why,
    others: paths.filter((other) => other !== path),
  });
  const [first] = paths;
  if (first === undefined) return undefined;
  if (place.chosen !== undefined && paths.includes(place.chosen)) return pick(place.chosen, 'chosen');
  const tied = models.filter(({ isTied }) => isTied).map(({ path }) => path);
  const [onlyTied] = tied;
  if (tied.length === 1 && onlyTied !== undefined) return pick(onlyTied, 'tied');
  if (tied.length > 1) return { kind: 'ask', paths: tied };
  if (paths.length === 1) return pick(first, 'only');
  const beside = paths.filter((path) => dirname(path) === dirname(place.path));
  const [onlyBeside] = beside;
  if (beside.length === 1 && onlyBeside !== undefined) return pick(onlyBeside, 'beside');
  const { folder } = place;
  const inside = folder === undefined ? [] : paths.filter((path) => isInside(path, folder));
  const [onlyInside] = inside;
  if (beside.length === 0 && inside.length === 1 && onlyInside !== undefined) {
    return pick(onlyInside, 'in-folder');
  }
  return { kind: 'ask', paths: beside.length > 1 ? beside : paths };
}

/** Returns models by how near they are to a document: shared folders first, then by path. */
export function nearestFirst(paths: readonly string[], documentPath: string): readonly string[] {
  const parts = foldersOf(documentPath);
  const shared = (path: string): number => {
    const other = foldersOf(path);
    const end = other.findIndex((part, index) => part !== parts[index]);
    return end < 0 ? other.length : end;
  };
  return paths
    .map((path) => ({ path, shared: shared(path), depth: foldersOf(path).length }))
    .sort((a, b) => b.shared - a.shared || a.depth - b.depth || (a.path < b.path ? -1 : 1))
    .map(({ path }) => path);
}

function foldersOf(path: string): readonly string[] {
  return dirname(path).split(/[/\\]/u);
}

function isInside(path: string, folder: string): boolean {
  return path.startsWith(folder) && /[/\\]/u.test(path.charAt(folder.length));
}
