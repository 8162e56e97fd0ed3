import { createHash } from 'node:crypto';
import { existsSync, type Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type SharedWork, unsharedWork } from '../analyses/sharedWork.js';
import type { Dataset } from '../data/dataset.js';
import { isInspectFileName } from '../data/dataNames.js';
import { readInspectFile } from '../data/readInspectFile.js';

/** Statistics of a large model take some tens of megabytes; people put questions to one or compare two. */
const keptScopeCount = 2;

/** A folder with more files takes longer to look through than it is worth: nothing is shared then. */
const maxFileCount = 20_000;

/** What runs of one engine process share. */
export interface SharedWorks {
  /** Returns what was done under a scope before; `undefined` shares nothing. */
  of(scope: string | undefined): SharedWork;
  /**
   * Returns the data set that was opened last if it was under this scope, else opens it; `undefined` always opens. Only one
   * is kept, since what was packed lies unpacked in memory.
   */
  dataset(scope: string | undefined, open: () => Promise<Dataset>): Promise<Dataset>;
}

/** Returns a memory of work that keeps the scopes asked for last. */
export function createSharedWorks(): SharedWorks {
  // In order of use, the last used last.
  const scopes = new Map<string, Map<string, object>>();
  let lastOpened: { readonly scope: string; readonly dataset: Dataset } | undefined;
  return {
    dataset: async (scope, open) => {
      if (scope !== undefined && scope === lastOpened?.scope) return lastOpened.dataset;
      // Let go of first, so that never two are held.
      lastOpened = undefined;
      const dataset = await open();
      if (scope !== undefined) lastOpened = { scope, dataset };
      return dataset;
    },
    of: (scope) => {
      if (scope === undefined) return unsharedWork;
      const done = scopes.get(scope) ?? new Map<string, object>();
      scopes.delete(scope);
      scopes.set(scope, done);
      for (const oldest of scopes.keys()) {
        if (scopes.size > keptScopeCount) scopes.delete(oldest);
      }
      return {
        once: async <T extends object>(key: string, work: () => Promise<T>): Promise<T> => {
          const known = done.get(key);
          // A key stands for one kind of work, which always gives the same type.
          if (known !== undefined) return known as T;
          const result = await work();
          done.set(key, result);
          return result;
        },
      };
    },
  };
}

/**
 * Returns text that changes whenever a data set does: size and times of every file it may be made of, which are those beside
 * it, inside it, and any that an inspect file names; undefined where that cannot be told.
 */
export async function fingerprintOf(dataPath: string): Promise<string | undefined> {
  const stamps: string[] = [];
  const add = async (path: string, depth: number): Promise<void> => {
    const facts = await stat(path);
    if (!facts.isDirectory()) stamps.push(stampOf(path, facts));
    else if (depth > 0) {
      for (const name of await readdir(path)) await add(join(path, name), depth - 1);
    }
    if (stamps.length > maxFileCount) throw new Error('too many files');
  };
  try {
    const { files, folder } = await placesOf(resolve(dataPath));
    for (const path of files) await add(path, 1);
    if (folder !== undefined) await add(folder, Infinity);
  } catch {
    // Whatever is wrong with the data, opening it says so.
    return undefined;
  }
  return createHash('sha256')
    .update([...new Set(stamps)].sort().join('\n'))
    .digest('hex');
}

function stampOf(path: string, { size, mtimeMs, ctimeMs, ino }: Stats): string {
  return `${JSON.stringify(path)} ${size} ${mtimeMs} ${ctimeMs} ${ino}`;
}

interface DataPlaces {
  /** Files, and folders whose own files count. */
  readonly files: readonly string[];
  /** A folder that is the data, with all that is inside. */
  readonly folder?: string;
}

async function placesOf(dataPath: string): Promise<DataPlaces> {
  if (!isInspectFileName(dataPath)) {
    return (await stat(dataPath)).isDirectory()
      ? { files: [], folder: dataPath }
      : { files: [dirname(dataPath)] };
  }
  const { dataPath: described, file, dir } = await readInspectFile(dataPath);
  if (described === undefined) return { files: [dir] };
  const { files, folder } = await placesOf(described);
  const named = stringsIn(file).flatMap((text) => [resolve(dir, text), resolve(dirname(described), text)]);
  return {
    files: [dataPath, ...files, ...named.filter((path) => existsSync(path))],
    ...(folder === undefined ? {} : { folder }),
  };
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}
