import { UserError } from '../base/errors.js';
import type { OptionDeclaration, ParsedArguments } from './arguments.js';
import type { Terminal } from './terminal.js';

/** A positional argument of a command. */
export interface PositionalDeclaration {
  readonly name: string;
  readonly isRequired: boolean;
  readonly description: string;
}

/** A command of the program. Help texts, parsing and shell completion are derived from this value. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What a person needs to know besides the options; may be empty. */
  readonly details: string;
  readonly positionals: readonly PositionalDeclaration[];
  readonly options: readonly OptionDeclaration[];
  readonly examples: readonly { readonly line: string; readonly says: string }[];
  /** Runs the command and returns the exit code. */
  run(args: ParsedArguments, terminal: Terminal): Promise<number>;
}

/** Returns how a command is called, on one line. */
export function usageOf(command: Command): string {
  const positionals = command.positionals.map(({ name, isRequired }) => (isRequired ? name : `[${name}]`));
  const options = command.options.map((option) => {
    const value = option.value === undefined ? '' : ` ${option.value}`;
    return `[--${option.name}${value}]${option.isRepeated === true ? '…' : ''}`;
  });
  return ['neuron-inspector', command.name, ...positionals, ...options].join(' ');
}

/**
 * Returns a positional argument.
 *
 * @throws UserError `argument-missing` with the command's usage.
 */
export function positional(command: Command, args: ParsedArguments, index: number): string {
  const value = args.positionals[index];
  if (value !== undefined && value !== '') return value;
  const name = command.positionals[index]?.name ?? 'argument';
  throw new UserError('argument-missing', `${name} is missing. Usage: ${usageOf(command)}`, {
    detail: { argument: name },
  });
}

/**
 * Checks that no more positional arguments were given than the command takes.
 *
 * @throws UserError `argument-unexpected`.
 */
export function refuseExtraArguments(command: Command, args: ParsedArguments): void {
  const extra = args.positionals[command.positionals.length];
  if (extra === undefined) return;
  throw new UserError(
    'argument-unexpected',
    `"${extra}" is one argument too many. Usage: ${usageOf(command)}`,
    { detail: { argument: extra } },
  );
}
