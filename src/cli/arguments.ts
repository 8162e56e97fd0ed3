import { parseArgs } from 'node:util';
import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';

/** An option of a command. */
export interface OptionDeclaration {
  /** Long name without dashes. */
  readonly name: string;
  /** What the value stands for in help texts; absent for flags. */
  readonly value?: string;
  readonly isRepeated?: boolean;
  readonly description: string;
  /** What shells complete the value with. */
  readonly complete?: 'file' | 'folder' | readonly string[];
}

/** Arguments of a command, checked against its declaration. */
export interface ParsedArguments {
  readonly positionals: readonly string[];
  hasFlag(name: string): boolean;
  /** The value given last. */
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
}

/**
 * Parses the arguments of a command.
 *
 * @throws UserError `unknown-option`, `option-value-missing`, `option-value-unexpected`, `option-repeated`.
 */
export function parseArguments(
  args: readonly string[],
  options: readonly OptionDeclaration[],
): ParsedArguments {
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      options.map(({ name, value }) => [
        name,
        { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: true },
      ]),
    ),
    // Unknown and incomplete options are refused below, with suggestions.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const declaration = findOption(token.rawName, token.name, options);
    const values = given.get(token.name) ?? [];
    if (values.length > 0 && declaration.isRepeated !== true) throw repeated(token.rawName);
    values.push(checkedValue(declaration, token.value, token.inlineValue));
    given.set(token.name, values);
  }
  return {
    positionals,
    hasFlag: (name) => given.has(name),
    text: (name) => given.get(name)?.at(-1),
    texts: (name) => given.get(name) ?? [],
  };
}

/**
 * Returns the integer an option was given, or undefined.
 *
 * @throws UserError `bad-option-value`, with the allowed range.
 */
export function integerOption(
  args: ParsedArguments,
  name: string,
  range: { readonly minimum: number; readonly maximum: number },
): number | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
  if (value >= range.minimum && value <= range.maximum) return value;
  throw new UserError(
    'bad-option-value',
    `--${name}: "${text}" is not an integer from ${range.minimum} to ${range.maximum}.`,
    { detail: { option: name, value: text, ...range } },
  );
}

/**
 * Returns the choice an option was given, or undefined.
 *
 * @throws UserError `bad-option-value`, with the allowed values.
 */
export function choiceOption<T extends string>(
  args: ParsedArguments,
  name: string,
  choices: readonly T[],
): T | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  throw new UserError(
    'bad-option-value',
    `--${name}: "${text}" is not one of ${choices.join(', ')}.${didYouMean(text, choices)}`,
    { detail: { option: name, value: text, choices } },
  );
}

function findOption(rawName: string, name: string, options: readonly OptionDeclaration[]): OptionDeclaration {
  const found = options.find((option) => option.name === name);
  if (found !== undefined && rawName.startsWith('--')) return found;
  const suggestion = didYouMean(
    rawName,
    options.map((option) => `--${option.name}`),
  );
  throw new UserError('unknown-option', `There is no option ${rawName} here.${suggestion} See --help.`, {
    detail: { option: rawName },
  });
}

function checkedValue(
  { name, value: placeholder }: OptionDeclaration,
  value: string | undefined,
  isInline: boolean | undefined,
): string {
  if (placeholder === undefined) {
    if (value === undefined) return '';
    throw new UserError('option-value-unexpected', `--${name} takes no value, but was given "${value}".`);
  }
  // `--report --json` forgot a value; `--seed -1` and `--report=--x` did not.
  const looksLikeOption = isInline === false && value !== undefined && /^--?[a-z]/i.test(value);
  if (value !== undefined && value !== '' && !looksLikeOption) return value;
  throw new UserError('option-value-missing', `--${name} needs a value: --${name} ${placeholder}.`, {
    detail: { option: name },
  });
}

function repeated(rawName: string): UserError {
  return new UserError('option-repeated', `${rawName} was given twice. Give it once.`);
}
