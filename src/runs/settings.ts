import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';
import type { Setting, SettingsSchema } from '../analyses/analysis.js';
import type { SettingValue } from '../protocol/engineMessages.js';

/** Settings by key, checked. */
export type SettingValues = Readonly<Record<string, SettingValue>>;

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
 * @throws UserError `unknown-setting`, `bad-setting` with the allowed values.
 */
export function completeSettings(schema: SettingsSchema, given: SettingValues): SettingValues {
  const values: Record<string, SettingValue> = {};
  for (const [key, setting] of Object.entries(schema)) values[key] = setting.default;
  for (const [key, value] of Object.entries(given)) {
    const problem = problemWith(declared(schema, key), value);
    if (problem !== undefined) throw badSetting(key, declared(schema, key), String(value), problem);
    values[key] = value;
  }
  return values;
}

/** Returns the allowed values of a setting in words: `an integer from 1 to 1000`. */
export function describeAllowed(setting: Setting): string {
  switch (setting.kind) {
    case 'boolean':
      return 'true or false';
    case 'choice':
      return `one of ${setting.choices.join(', ')}`;
    case 'text':
      return textKinds[setting.format ?? 'text'];
    case 'number':
    case 'integer':
      return describeRange(setting);
  }
}

type NumberSetting = Extract<Setting, { kind: 'number' | 'integer' }>;

const textKinds = {
  text: 'a text',
  address: 'an address such as features.3[42]',
  path: 'a path',
  integers: 'integers separated by commas',
} as const;

function describeRange(setting: NumberSetting): string {
  const noun = setting.kind === 'integer' ? 'an integer' : 'a number';
  const { minimum, maximum } = setting;
  const isExclusive = setting.exclusive === true;
  const unit = setting.unit === undefined ? '' : ` (${setting.unit})`;
  if (minimum !== undefined && maximum !== undefined) {
    return isExclusive
      ? `${noun} between ${minimum} and ${maximum}, both excluded${unit}`
      : `${noun} from ${minimum} to ${maximum}${unit}`;
  }
  if (minimum !== undefined) return `${noun} ${isExclusive ? 'above' : 'of at least'} ${minimum}${unit}`;
  if (maximum !== undefined) return `${noun} ${isExclusive ? 'below' : 'of at most'} ${maximum}${unit}`;
  return noun + unit;
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
  const value = textToValue(setting, text);
  const problem = value === undefined ? 'is not' : problemWith(setting, value);
  if (value === undefined || problem !== undefined) throw badSetting(key, setting, text, problem ?? 'is not');
  return value;
}

function textToValue(setting: Setting, text: string): SettingValue | undefined {
  switch (setting.kind) {
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'number':
    case 'integer':
      if (text === 'null' && setting.default === null) return null;
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
    case 'text':
      return text === '' && setting.default === null ? null : text;
    case 'choice':
      return text;
  }
}

/** Returns what is wrong with a value, or undefined when it is allowed. */
function problemWith(setting: Setting, value: SettingValue): string | undefined {
  if (value === null) return setting.default === null ? undefined : 'is not';
  switch (setting.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'is not';
    case 'choice':
      return typeof value === 'string' && setting.choices.includes(value) ? undefined : 'is not';
    case 'text': {
      const isInteger = setting.format !== 'integers' || /^\s*-?\d+(\s*,\s*-?\d+)*\s*$/.test(String(value));
      return typeof value === 'string' && isInteger ? undefined : 'is not';
    }
    case 'number':
    case 'integer':
      return problemWithNumber(setting, value);
  }
}

function problemWithNumber(setting: NumberSetting, value: SettingValue): string | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'is not';
  if (setting.kind === 'integer' && !Number.isSafeInteger(value)) return 'is not';
  const { minimum = -Infinity, maximum = Infinity } = setting;
  const isExcludedBound = setting.exclusive === true && (value === minimum || value === maximum);
  return value < minimum || value > maximum || isExcludedBound ? 'is out of range: it must be' : undefined;
}

function badSetting(key: string, setting: Setting, text: string, problem: string): UserError {
  const hint = setting.kind === 'choice' ? didYouMean(text, setting.choices) : '';
  return new UserError(
    'bad-setting',
    `Setting ${key}: "${text}" ${problem} ${describeAllowed(setting)}.${hint}`,
    {
      detail: { key, value: text, allowed: describeAllowed(setting) },
    },
  );
}

function exampleOf(schema: SettingsSchema): string {
  const [first] = Object.entries(schema);
  if (first === undefined) return 'key=value';
  return `${first[0]}=${String(first[1].default ?? 'value')}`;
}
