import { realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize, resolve, sep } from 'node:path';
import type { ExternalFile } from './decodeTensor.js';
import { externalDataMissing, externalDataOutside, unreadable } from './modelErrors.js';

/** The model file on disk: where the person pointed, and where its links lead. */
export interface LocatedModel {
  readonly path: string;
  readonly realPath: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/**
 * Finds a model file, links resolved.
 *
 * @throws UserError `model-unreadable` when it is missing, no file, or not ours to read.
 */
export function locateModel(path: string): LocatedModel {
  const absolute = resolve(path);
  try {
    const realPath = realpathSync(absolute);
    const facts = statSync(realPath);
    if (!facts.isFile()) throw unreadable(absolute, 'it is a folder or a device, not a file');
    return { path: absolute, realPath, sizeBytes: facts.size, modifiedMs: facts.mtimeMs };
  } catch (error) {
    throw asUnreadable(absolute, error);
  }
}

/** Returns a file system error as a UserError; anything else is returned as it is. */
export function asUnreadable(path: string, error: unknown): unknown {
  switch (errorCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return unreadable(path, 'there is no such file; check the path', error);
    case 'EACCES':
    case 'EPERM':
      return unreadable(path, 'you have no permission to read it', error);
    case 'ELOOP':
      return unreadable(path, 'its links go round in a circle', error);
    case 'ENAMETOOLONG':
    case 'ERR_INVALID_ARG_VALUE':
      return unreadable(path, 'this is no possible file name', error);
    case 'EISDIR':
      return unreadable(path, 'it is a folder, not a file', error);
    case 'EIO':
      return unreadable(path, 'the disk reports an error', error);
    default:
      return error;
  }
}

function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Finds external data files by their location in the model, each once. */
export interface ExternalFiles {
  readonly locate: (location: string, tensorName: string) => ExternalFile;
  readonly found: () => readonly (ExternalFile & { readonly modifiedMs: number })[];
}

/**
 * Returns the finder of a model's external data files.
 *
 * A location is taken from the folder the person pointed into, then from the folder of the file itself (links
 * resolved). It must lie in one of the two after links too: a hub cache links the model and its data into one folder of
 * blobs, and a link to anywhere else would let a downloaded model read private files.
 */
export function externalFiles(model: LocatedModel, warn: (warning: string) => void): ExternalFiles {
  const folders = [...new Set([dirname(model.path), dirname(model.realPath)])];
  const roots = folders.map((folder) => realpathSync(folder));
  const known = new Map<string, ExternalFile & { modifiedMs: number }>();
  const locate = (location: string, tensorName: string) => {
    const seen = known.get(location);
    if (seen !== undefined) return seen;
    const file = locateExternal(location, tensorName, { folders, roots });
    if (file.sizeBytes === undefined) {
      warn(`${externalDataMissing(file.path, tensorName).message} Until then the model cannot run.`);
    }
    known.set(location, file);
    return file;
  };
  return { locate, found: () => [...known.values()] };
}

function locateExternal(
  location: string,
  tensorName: string,
  places: { readonly folders: readonly string[]; readonly roots: readonly string[] },
): ExternalFile & { modifiedMs: number } {
  const relativePath = normalize(location);
  const leaves = relativePath === '..' || relativePath.startsWith(`..${sep}`);
  if (leaves || isAbsolute(relativePath) || location.includes('\0')) {
    throw externalDataOutside(location, tensorName);
  }
  for (const folder of places.folders) {
    const real = realFile(join(folder, relativePath));
    if (real === undefined) continue;
    if (!places.roots.some((root) => isInside(real.path, root))) {
      throw externalDataOutside(location, tensorName);
    }
    return real;
  }
  return { path: join(places.folders[0] ?? '', relativePath), sizeBytes: undefined, modifiedMs: 0 };
}

function realFile(path: string): { path: string; sizeBytes: number; modifiedMs: number } | undefined {
  try {
    const real = realpathSync(path);
    const facts = statSync(real);
    return facts.isFile() ? { path: real, sizeBytes: facts.size, modifiedMs: facts.mtimeMs } : undefined;
  } catch {
    // Missing, unreadable or a broken link: for the model it is not there.
    return undefined;
  }
}

function isInside(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
