import { providerNames } from '../../../src/protocol/engineMessages.js';
import { runOptionsSchema } from '../../../src/protocol/runOptions.js';
import {
  type Setting,
  settingApplies,
  settingFromText,
  type SettingsSchema,
  settingTextProblem,
  type SettingValue,
} from '../../../src/protocol/settings.js';
import type { RunChoice } from '../../../src/protocol/views/runMessages.js';

/** What is typed in each field, by its key; a field that is not there has its default. */
export type Texts = Readonly<Record<string, string>>;

/** What a form holds: a choice when every value is right, else what is wrong by field. */
export interface FormReading {
  /** null while a value is wrong. */
  readonly choice: RunChoice | null;
  readonly problems: Readonly<Record<string, string>>;
}

type OptionKey = keyof typeof runOptionsSchema;

/** Keys of the run's own options, in the order they are shown. */
export const optionKeys = Object.keys(runOptionsSchema) as readonly OptionKey[];

/** Returns the field's key of an option of the run: an analysis may have a setting of the same name. */
export function optionField(key: OptionKey): string {
  return `run:${key}`;
}

/** Returns the text of a value as a field shows it: nothing for one that is not set. */
export function fieldText(value: SettingValue): string {
  return value === null ? '' : String(value);
}

/** Returns the texts of a choice. */
export function textsOf(choice: RunChoice): Texts {
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(choice.settings)) texts[key] = fieldText(value);
  for (const key of optionKeys) texts[optionField(key)] = fieldText(choice[key]);
  return texts;
}

/** Returns the text of a field: what was typed, or its default. */
export function textOf(texts: Texts, field: string, setting: Setting): string {
  return texts[field] ?? fieldText(setting.default);
}

/** Tells whether a field holds something else than its default. */
export function isChanged(texts: Texts, field: string, setting: Setting): boolean {
  return textOf(texts, field, setting).trim() !== fieldText(setting.default);
}

/** Returns the keys of the settings that are used with what is chosen, in their declared order. */
export function usedKeys(schema: SettingsSchema, texts: Texts): string[] {
  return Object.keys(schema).filter((key) => settingApplies(schema, key, texts));
}

/** Reads the fields of a form; settings that are not used, or at their default, are left out. */
export function readForm(schema: SettingsSchema, texts: Texts): FormReading {
  const problems: Record<string, string> = {};
  const settings: Record<string, SettingValue> = {};
  for (const key of usedKeys(schema, texts)) {
    const setting = schema[key];
    if (setting === undefined) continue;
    const read = readField(setting, textOf(texts, key, setting));
    if (read.problem !== undefined) problems[key] = read.problem;
    else if (read.value !== setting.default) settings[key] = read.value;
  }
  const options = readOptions(texts, problems);
  const isWrong = Object.keys(problems).length > 0;
  return { choice: isWrong ? null : { settings, ...options }, problems };
}

function readOptions(texts: Texts, problems: Record<string, string>): Omit<RunChoice, 'settings'> {
  const read = (key: OptionKey): SettingValue => {
    const field = optionField(key);
    const setting = runOptionsSchema[key];
    const { value, problem } = readField(setting, textOf(texts, field, setting));
    if (problem !== undefined) problems[field] = problem;
    return value;
  };
  const number = (value: SettingValue): number | null => (typeof value === 'number' ? value : null);
  const provider = read('provider');
  return {
    seed: number(read('seed')) ?? 0,
    limit: number(read('limit')),
    batchSize: number(read('batchSize')),
    provider: providerNames.find((name) => name === provider) ?? 'auto',
  };
}

function readField(
  setting: Setting,
  text: string,
): { readonly value: SettingValue; readonly problem?: string } {
  const trimmed = text.trim();
  if (trimmed === '' && setting.default === null) return { value: null };
  const problem = settingTextProblem(setting, trimmed);
  if (problem !== undefined) return { value: setting.default, problem };
  // A text without a problem stands for a value.
  return { value: settingFromText(setting, trimmed) ?? null };
}
