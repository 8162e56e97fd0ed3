import { isAbsolute, relative } from 'node:path';
import type { RunRequest } from '../../protocol/engineMessages.js';
import { type SettingsSchema, settingToText } from '../../protocol/settings.js';
import { type Shell, shellLine } from './shellQuote.js';

/** For whom a command is written. */
export interface CommandPlace {
  readonly shell: Shell;
  /** Folder that the command is run in: paths inside it are written from there. */
  readonly folder?: string;
}

/** Returns the command line that asks the same as a request; what has its default is left out. */
export function cliCommand(
  request: Omit<RunRequest, 'kind'>,
  schema: SettingsSchema,
  { shell, folder }: CommandPlace,
): string {
  const { analysis, modelPath, dataPath, describedBy, settings, seed, provider, limit, batchSize } = request;
  const words = ['neuron-inspector', 'run', analysis, pathFrom(folder, modelPath)];
  if (dataPath !== undefined) words.push('--data', pathFrom(folder, dataPath));
  if (describedBy !== undefined) words.push('--described-by', pathFrom(folder, describedBy));
  for (const [key, value] of Object.entries(settings)) {
    const setting = schema[key];
    if (setting === undefined || value === setting.default) continue;
    words.push('--set', `${key}=${settingToText(setting, value)}`);
  }
  if (seed !== 0) words.push('--seed', String(seed));
  if (provider !== 'auto') words.push('--provider', provider);
  if (limit !== undefined) words.push('--limit', String(limit));
  if (batchSize !== undefined) words.push('--batch', String(batchSize));
  return shellLine(words, shell);
}

/** Returns a path from a folder when it is inside; one that begins with a dash would be read as an option. */
function pathFrom(folder: string | undefined, path: string): string {
  if (folder === undefined) return path;
  const inner = relative(folder, path);
  if (inner === '' || inner.startsWith('..') || isAbsolute(inner)) return path;
  return inner.startsWith('-') ? `./${inner}` : inner;
}
