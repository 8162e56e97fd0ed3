import { didYouMean } from '../base/nearest.js';

// Settings as analyses declare them, and the one check of their values: the command line, the form and the engine say the
// same words about the same mistake.

/** The value of a setting. */
export type SettingValue = number | string | boolean | null;

/** Settings by key. */
export type SettingValues = Readonly<Record<string, SettingValue>>;

interface SettingBase {
  /** Label in forms. */
  readonly title: string;
  /** What it does and how to choose, one or two sentences. */
  readonly description: string;
  /** Used only while each of these choices has one of these values; forms hide it otherwise. Default: always used. */
  readonly appliesWhen?: Readonly<Record<string, readonly string[]>>;
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

/** Tells whether a setting is used when the others have these values; what is not given has its default. */
export function settingApplies(
  schema: SettingsSchema,
  key: string,
  given: Readonly<Record<string, SettingValue | undefined>>,
): boolean {
  const setting = schema[key];
  return Object.entries(setting?.appliesWhen ?? {}).every(([other, values]) => {
    const value = given[other] ?? schema[other]?.default;
    return typeof value === 'string' && values.includes(value);
  });
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
