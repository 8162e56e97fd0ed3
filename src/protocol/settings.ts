import { didYouMean } from '../base/nearest.js';

// Settings as analyses declare them, and the one check of their values: the command line, the form and the engine say the
// same words about the same mistake.

/** The value of a setting. */
export type SettingValue = number | string | boolean | null;

/** Settings by key. */
export type SettingValues = Readonly<Record<string, SettingValue>>;

/** What others are set to: each of these choices or switches has one of these values (`true`, `false`). */
export type Condition = Readonly<Record<string, readonly string[]>>;

interface SettingBase {
  /** Label in forms. */
  readonly title: string;
  /** What it does and how to choose, one or two sentences. */
  readonly description: string;
  /** Used only while this holds, or one of these does; forms hide it otherwise, and runs refuse it. Default: always used. */
  readonly appliesWhen?: Condition | readonly Condition[];
}

/** A setting, typed, with bounds and default. Forms, CLI flags and docs are derived from it. */
export type Setting =
  | (SettingBase & {
      readonly kind: 'number' | 'integer';
      readonly default: number | null;
      readonly minimum?: number;
      readonly maximum?: number;
      /** The bounds themselves are not allowed. */
      readonly exclusive?: boolean;
      readonly unit?: string;
    })
  | (SettingBase & { readonly kind: 'boolean'; readonly default: boolean })
  | (SettingBase & { readonly kind: 'choice'; readonly default: string; readonly choices: readonly string[] })
  | (SettingBase & {
      readonly kind: 'text';
      /** null: not set. */
      readonly default: string | null;
      /** What the text is: a free form, an address or a layer of the model, a path, models beside it, or a list. */
      readonly format?: 'text' | 'address' | 'layer' | 'path' | 'models' | 'integers';
    });

/** Declared settings by key. */
export type SettingsSchema = Readonly<Record<string, Setting>>;

/** Seeds that runs take: 0 … this. */
export const maxSeed = 2 ** 32 - 1;

/** Counts of samples that runs take: 1 … this. */
export const maxCount = 2 ** 31 - 1;

/** Returns the value that a text stands for, or undefined when it stands for none of the setting's kind. */
export function settingFromText(setting: Setting, text: string): SettingValue | undefined {
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

/** Returns the text that stands for a value, as `settingFromText` reads it. */
export function settingToText(setting: Setting, value: SettingValue): string {
  if (value === null) return setting.kind === 'text' ? '' : 'null';
  return String(value);
}

/**
 * Returns what is wrong with a value, as a sentence to stand behind the setting's name, or undefined when it is allowed:
 * `"0" is out of range: it must be an integer from 1 to 1000.`
 */
export function settingProblem(setting: Setting, value: SettingValue): string | undefined {
  const fault = faultOf(setting, value);
  return fault === undefined ? undefined : problemSentence(setting, String(value), fault);
}

/** Returns what is wrong with a text that a person gave for a setting, or undefined when it is allowed. */
export function settingTextProblem(setting: Setting, text: string): string | undefined {
  const value = settingFromText(setting, text);
  const fault = value === undefined ? 'is not' : faultOf(setting, value);
  return fault === undefined ? undefined : problemSentence(setting, text, fault);
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

/** Settings that may not all be given; what is not has its default. */
type Given = Readonly<Record<string, SettingValue | undefined>>;

/** Tells whether a setting is used when the others have these values; what is not given has its default. */
export function settingApplies(schema: SettingsSchema, key: string, given: Given): boolean {
  const conditions = conditionsOf(schema[key]);
  return conditions.length === 0 || conditions.some((one) => unmet(schema, one, given).length === 0);
}

/** Returns when a setting is used: while one of these holds; none where it always is. */
export function conditionsOf(setting: Setting | undefined): readonly Condition[] {
  const { appliesWhen = [] } = setting ?? {};
  return isSeveral(appliesWhen) ? appliesWhen : [appliesWhen];
}

/**
 * Returns the settings that a run has no use for, given the others: those that are not at their default and do not apply.
 */
export function unusedSettings(schema: SettingsSchema, given: SettingValues): string[] {
  return Object.entries(given)
    .filter(([key, value]) => schema[key] !== undefined && schema[key].default !== value)
    .map(([key]) => key)
    .filter((key) => !settingApplies(schema, key, given));
}

/** Returns the settings that a run has a use for, or that are at their default: what is left out changes no answer. */
export function usedSettings(schema: SettingsSchema, given: SettingValues): SettingValues {
  const unused = new Set(unusedSettings(schema, given));
  return Object.fromEntries(Object.entries(given).filter(([key]) => !unused.has(key)));
}

/**
 * Returns why a run has no use for a setting, and what to do, in words:
 * `method=gradient has no use for samples=50. Leave it out, or set method to smoothgrad or rise.`
 */
export function unusedProblem(schema: SettingsSchema, key: string, given: SettingValues): string {
  const missing = conditionsOf(schema[key]).map((one) => unmet(schema, one, given));
  const chosen = (missing[0] ?? []).map(
    ([other]) => `${other}=${String(given[other] ?? schema[other]?.default)}`,
  );
  const ways = missing.map((one) =>
    one.map(([other, values]) => `${other} to ${inWords(values, 'or')}`).join(' and '),
  );
  const verb = chosen.length === 1 ? 'has' : 'have';
  return `${inWords(chosen, 'and')} ${verb} no use for ${key}=${String(given[key])}. Leave it out, or set ${ways.join(', or ')}.`;
}

function unmet(schema: SettingsSchema, condition: Condition, given: Given): [string, readonly string[]][] {
  return Object.entries(condition).filter(([other, values]) => {
    const value = given[other] ?? schema[other]?.default;
    return !values.includes(String(value));
  });
}

function isSeveral(conditions: Condition | readonly Condition[]): conditions is readonly Condition[] {
  return Array.isArray(conditions);
}

function inWords(words: readonly string[], last: 'and' | 'or'): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1) ?? ''}`;
}

type NumberSetting = Extract<Setting, { kind: 'number' | 'integer' }>;

/** How the sentence about a wrong value goes on before what is allowed. */
type Fault = 'is not' | 'is out of range: it must be';

const textKinds = {
  text: 'a text',
  address: 'an address such as features.3[42]',
  layer: 'the name of a layer such as features.3',
  path: 'a path',
  models: 'an .onnx file, a folder of them or a pattern such as checkpoints/step-*.onnx',
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

function problemSentence(setting: Setting, text: string, fault: Fault): string {
  const hint = setting.kind === 'choice' ? didYouMean(text, setting.choices) : '';
  return `"${text}" ${fault} ${describeAllowed(setting)}.${hint}`;
}

function faultOf(setting: Setting, value: SettingValue): Fault | undefined {
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
      return faultOfNumber(setting, value);
  }
}

function faultOfNumber(setting: NumberSetting, value: SettingValue): Fault | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'is not';
  if (setting.kind === 'integer' && !Number.isSafeInteger(value)) return 'is not';
  const { minimum = -Infinity, maximum = Infinity } = setting;
  const isExcludedBound = setting.exclusive === true && (value === minimum || value === maximum);
  return value < minimum || value > maximum || isExcludedBound ? 'is out of range: it must be' : undefined;
}
