import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';
import {
  describeAllowed,
  type Setting,
  settingFromText,
  settingProblem,
  type SettingsSchema,
  settingTextProblem,
  unusedProblem,
  unusedSettings,
  type SettingValue,
  type SettingValues,
} from './settings.js';

/**
 * Returns the settings that `key=value` texts give, checked against the declared ones; a later one wins.
 *
 * @throws UserError `unknown-setting`, `bad-setting` with the allowed values.
 */
export function parseSettings(schema: SettingsSchema, pairs: readonly string[]): SettingValues {
  const values: Record<string, SettingValue> = {};
  for (const pair of pairs) {
    const separator = pair.indexOf('=');
    if (separator < 1) {
      throw new UserError(
        'bad-setting',
        `"${pair}" is no setting. Write --set key=value, for example --set ${exampleOf(schema)}.`,
      );
    }
    const key = pair.slice(0, separator).trim();
    values[key] = parseSetting(key, declared(schema, key), pair.slice(separator + 1).trim());
  }
  return values;
}

/**
 * Returns every declared setting: the given values, checked, and defaults for the rest.
 *
 * @throws UserError `unknown-setting`, `bad-setting` with the allowed values, `setting-not-used` where the choices made have
 *   no use for a value that is not the default: it would be dropped in silence, and believed.
 */
export function completeSettings(schema: SettingsSchema, given: SettingValues): SettingValues {
  const values: Record<string, SettingValue> = {};
  for (const [key, setting] of Object.entries(schema)) values[key] = setting.default;
  for (const [key, value] of Object.entries(given)) {
    const setting = declared(schema, key);
    const problem = settingProblem(setting, value);
    if (problem !== undefined) throw badSetting(key, setting, { text: String(value), problem });
    values[key] = value;
  }
  const [unused] = unusedSettings(schema, values);
  if (unused === undefined) return values;
  throw new UserError('setting-not-used', unusedProblem(schema, unused, values), {
    detail: { setting: unused, value: values[unused] ?? null },
  });
}

function declared(schema: SettingsSchema, key: string): Setting {
  const setting = Object.hasOwn(schema, key) ? schema[key] : undefined;
  if (setting !== undefined) return setting;
  const keys = Object.keys(schema);
  const known = keys.length === 0 ? 'This analysis has no settings.' : `Settings: ${keys.join(', ')}.`;
  throw new UserError('unknown-setting', `There is no setting "${key}".${didYouMean(key, keys)} ${known}`, {
    detail: { key, known: keys },
  });
}

function parseSetting(key: string, setting: Setting, text: string): SettingValue {
  const problem = settingTextProblem(setting, text);
  if (problem !== undefined) throw badSetting(key, setting, { text, problem });
  // A text without a problem stands for a value.
  return settingFromText(setting, text) ?? null;
}

function badSetting(
  key: string,
  setting: Setting,
  { text, problem }: { readonly text: string; readonly problem: string },
): UserError {
  return new UserError('bad-setting', `Setting ${key}: ${problem}`, {
    detail: { key, value: text, allowed: describeAllowed(setting) },
  });
}

function exampleOf(schema: SettingsSchema): string {
  const [first] = Object.entries(schema);
  if (first === undefined) return 'key=value';
  return `${first[0]}=${String(first[1].default ?? 'value')}`;
}
