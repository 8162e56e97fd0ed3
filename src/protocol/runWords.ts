import type { RunRequest } from './engineMessages.js';

/** The words of a command line that asks a run, in the order that they are written in. */
export interface RunWords {
  /** Program, analysis, model and data. */
  readonly head: readonly string[];
  /** What stands behind the settings. */
  readonly tail: readonly string[];
}

/** Returns the words around the settings; `pathText` says how a path is written. */
export function runWords(
  request: Omit<RunRequest, 'kind' | 'settings'>,
  pathText: (path: string) => string = (path) => path,
): RunWords {
  const { analysis, modelPath, dataPath, describedBy, seed, provider, limit, batchSize } = request;
  const head = ['neuron-inspector', 'run', analysis, pathText(modelPath)];
  if (dataPath !== undefined) head.push('--data', pathText(dataPath));
  if (describedBy !== undefined) head.push('--described-by', pathText(describedBy));
  const tail: string[] = [];
  if (seed !== 0) tail.push('--seed', String(seed));
  if (provider !== 'auto') tail.push('--provider', provider);
  if (limit !== undefined) tail.push('--limit', String(limit));
  if (batchSize !== undefined) tail.push('--batch', String(batchSize));
  return { head, tail };
}
