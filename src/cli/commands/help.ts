import { UserError } from '../../base/errors.js';
import { didYouMean } from '../../base/nearest.js';
import { toolVersion } from '../../runs/toolVersion.js';
import type { OptionDeclaration } from '../arguments.js';
import { type Command, usageOf } from '../command.js';
import { wrap } from '../paint.js';
import { exitCodes, type Terminal } from '../terminal.js';

/** Returns the `help` command over a table of commands. */
export function createHelpCommand(commands: () => readonly Command[]): Command {
  return {
    name: 'help',
    summary: 'Explain a command.',
    details: '',
    positionals: [{ name: 'COMMAND', isRequired: false, description: 'what to explain' }],
    options: [],
    examples: [{ line: 'help run', says: 'everything about run' }],
    run: async (args, terminal: Terminal) => {
      const [name] = args.positionals;
      const text =
        name === undefined
          ? overview(commands(), terminal.width)
          : commandHelp(findCommand(commands(), name), terminal.width);
      await terminal.write(text);
      return exitCodes.done;
    },
  };
}

/**
 * Returns the command with a name.
 *
 * @throws UserError `unknown-command` with the nearest names.
 */
export function findCommand(commands: readonly Command[], name: string): Command {
  const found = commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  const names = commands.map((command) => command.name);
  throw new UserError(
    'unknown-command',
    `There is no command "${name}".${didYouMean(name, names)} Commands: ${names.join(', ')}.`,
    { detail: { command: name } },
  );
}

/** Returns the page that lists all commands. */
export function overview(commands: readonly Command[], width: number): string {
  const rows = commands.map((command): [string, string] => [command.name, command.summary]);
  return [
    `Neuron Inspector ${toolVersion}: a debugger for neural networks (ONNX).`,
    '',
    'Usage: neuron-inspector COMMAND …',
    '',
    ...aligned(rows, width),
    '',
    'Examples:',
    '  neuron-inspector inspect model.onnx',
    '  neuron-inspector run dead-neurons model.onnx --data model.inspect.json',
    '',
    'More: neuron-inspector help COMMAND. Version: neuron-inspector --version.',
    '',
  ].join('\n');
}

/** Returns the page of one command. */
export function commandHelp(command: Command, width: number): string {
  const positionals = command.positionals.map(({ name, description }): [string, string] => [
    name,
    description,
  ]);
  const options = command.options.map((option): [string, string] => [
    optionUsage(option),
    describeOption(option),
  ]);
  const lines = [command.summary, '', ...wrap(`Usage: ${usageOf(command)}`, width)];
  if (positionals.length > 0) lines.push('', ...aligned(positionals, width));
  if (options.length > 0) lines.push('', ...aligned(options, width));
  if (command.details !== '') lines.push('', ...wrap(command.details, width));
  if (command.examples.length > 0) lines.push('', 'Examples:');
  for (const { line, says } of command.examples) lines.push(`  # ${says}`, `  neuron-inspector ${line}`);
  return `${lines.join('\n')}\n`;
}

function optionUsage({ name, value }: OptionDeclaration): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}

function describeOption({ description, isRepeated }: OptionDeclaration): string {
  return isRepeated === true ? `${description} (repeatable)` : description;
}

function aligned(rows: readonly (readonly [string, string])[], width: number): string[] {
  const nameWidth = Math.max(...rows.map(([name]) => name.length));
  return rows.flatMap(([name, text]) =>
    wrap(text, Math.max(24, width - nameWidth - 4)).map((line, index) =>
      `  ${(index === 0 ? name : '').padEnd(nameWidth)}  ${line}`.trimEnd(),
    ),
  );
}
