import { statSync } from 'node:fs';
import { type OpenedModel, openedModel } from '../onnx/openedModel.js';
import { readModel } from '../onnx/readModel.js';
import type { Model } from '../onnx/model.js';
import { forEachTensor } from '../onnx/serializeModel.js';

/** A model of 10,000 nodes takes some 30 MB with its layers and types; people look at one or compare two. */
const keptModelCount = 4;

/** Models read before, as long as their files are what they were. */
export interface ModelCache {
  /** Returns the model at a path, read again when any of its files changed, came or went. */
  open(path: string): Promise<OpenedModel>;
}

interface Kept {
  readonly opened: OpenedModel;
  /** Stamp of every file of the model, by path; missing ones too, for they may come. */
  readonly stamps: ReadonlyMap<string, string>;
}

/** Returns a cache that keeps the models asked for last. */
export function createModelCache(): ModelCache {
  // In order of use, the last used last.
  const kept = new Map<string, Kept>();
  return {
    open: async (path) => {
      const known = kept.get(path);
      kept.delete(path);
      const current = known !== undefined && isCurrent(known) ? known : await read(path);
      kept.set(path, current);
      for (const oldest of kept.keys()) {
        if (kept.size > keptModelCount) kept.delete(oldest);
      }
      return current.opened;
    },
  };
}

async function read(path: string): Promise<Kept> {
  const model = await readModel(path);
  return { opened: openedModel(model), stamps: modelStamps(model) };
}

function isCurrent({ stamps }: Kept): boolean {
  return [...stamps].every(([path, stamp]) => stampOf(path) === stamp);
}

/**
 * Returns a stamp of every file of a model, by path.
 *
 * The stamps are those of the reading where it took any, so that a file that changed right after it is noticed. The
 * path as given is among the files: where it is a link, it may come to lead elsewhere.
 */
export function modelStamps({ file, ...model }: Model): ReadonlyMap<string, string> {
  const stamps = new Map<string, string>();
  for (const [path, { sizeBytes, modifiedMs }] of file.stamps ?? []) {
    stamps.set(path, `${sizeBytes} ${modifiedMs}`);
  }
  forEachTensor({ file, ...model }, ({ source }) => {
    const isFile = source.kind === 'file' || source.kind === 'varints';
    if (isFile && !stamps.has(source.path)) stamps.set(source.path, stampOf(source.path));
  });
  const main = stamps.get(file.realPath);
  if (main !== undefined) stamps.set(file.path, main);
  return stamps;
}

function stampOf(path: string): string {
  // Anything that keeps the file from being looked at makes reading fail too, with words.
  try {
    const facts = statSync(path, { throwIfNoEntry: false });
    return facts === undefined ? 'missing' : `${facts.size} ${facts.mtimeMs}`;
  } catch {
    return 'unreadable';
  }
}
