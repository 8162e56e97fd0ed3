import { resolve } from 'node:path';
import type { Model } from '../onnx/model.js';
import type { RunRequest } from '../protocol/engineMessages.js';
import { modelStamps } from './modelCache.js';
import { fingerprintOf } from './sharedWorks.js';

/** Names the state of a run's data; undefined where a change could go unseen. */
export async function dataStateOf({ dataPath, describedBy }: RunRequest): Promise<string | undefined> {
  const paths = [dataPath, describedBy].filter((path) => path !== undefined);
  const stamps = await Promise.all(paths.map(fingerprintOf));
  if (stamps.includes(undefined)) return undefined;
  return JSON.stringify([paths.map((path) => resolve(path)), stamps]);
}

/** Names the state of a model's files and of its data's; undefined where a change could go unseen. */
export function filesOf(
  { dataPath }: RunRequest,
  model: Model,
  dataState: string | undefined,
): string | undefined {
  if (dataPath === undefined || dataState === undefined) return undefined;
  return JSON.stringify([[...modelStamps(model)], dataState]);
}

/** Names what the results of a run's work depend on; undefined where a change of it could go unseen. */
export function scopeOf(
  { limit, provider, threadCount }: RunRequest,
  files: string | undefined,
  batchSize: number,
): string | undefined {
  return files === undefined ? undefined : JSON.stringify([files, limit, provider, threadCount, batchSize]);
}
