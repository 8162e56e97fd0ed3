import { isAbsolute, relative } from 'node:path';
import type { RunRequest } from '../../protocol/engineMessages.js';
import { runWords } from '../../protocol/runWords.js';
import { type SettingsSchema, settingToText, usedSettings } from '../../protocol/settings.js';
import { type Shell, shellLine } from '../../base/shellQuote.js';

/** For whom a command is written. */
export interface CommandPlace {
  readonly shell: Shell;
  /** Folder that the command is run in: paths inside it are written from there. */
  readonly folder?: string;
}

/** Returns the command line that asks the same as a request; what has its default, or is of no use to it, is left out. */
export function cliCommand(
  request: Omit<RunRequest, 'kind'>,
  schema: SettingsSchema,
  { shell, folder }: CommandPlace,
): string {
  const { head, tail } = runWords(request, (path) => pathFrom(folder, path));
  const settings: string[] = [];
  for (const [key, value] of Object.entries(usedSettings(schema, request.settings))) {
    const setting = schema[key];
    if (setting === undefined || value === setting.default) continue;
    settings.push('--set', `${key}=${settingToText(setting, value)}`);
  }
  return shellLine([...head, ...settings, ...tail], shell);
}

/** Returns a path from a folder when it is inside; one that begins with a dash would be read as an option. */
function pathFrom(folder: string | undefined, path: string): string {
  if (folder === undefined) return path;
  const inner = relative(folder, path);
  if (inner === '' || inner.startsWith('..') || isAbsolute(inner)) return path;
  return inner.startsWith('-') ? `./${inner}` : inner;
}
