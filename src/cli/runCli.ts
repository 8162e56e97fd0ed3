import { Cancelled } from '../base/abort.js';
import { UserError } from '../base/errors.js';
import { toolVersion } from '../runs/toolVersion.js';
import { parseArguments } from './arguments.js';
import { type Command, refuseExtraArguments } from './command.js';
import { analysesCommand } from './commands/analyses.js';
import { createCompletionCommand } from './commands/completion.js';
import { exportCommand } from './commands/export.js';
import { gradientCheckCommand } from './commands/gradientCheck.js';
import { commandHelp, createHelpCommand, findCommand, overview } from './commands/help.js';
import { inspectCommand } from './commands/inspect.js';
import { runCommand } from './commands/run.js';
import { createPaint, safeText } from './paint.js';
import { exitCodes, type Terminal } from './terminal.js';

/** Every command, in the order that help lists them. */
const commands: readonly Command[] = [
  inspectCommand,
  analysesCommand,
  runCommand,
  exportCommand,
  gradientCheckCommand,
  createCompletionCommand(() => commands),
  createHelpCommand(() => commands),
];

/** Runs the command line and returns its exit code; nothing is thrown. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(args, terminal);
  } catch (error) {
    return explainFailure(error, terminal);
  }
}

async function dispatch(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version' || name === '-v') {
    await terminal.write(`${toolVersion}\n`);
    return exitCodes.done;
  }
  if (name === undefined || name === '--help' || name === '-h') {
    await terminal.write(overview(commands, terminal.width));
    return name === undefined ? exitCodes.badInput : exitCodes.done;
  }
  const command = findCommand(commands, name);
  if (rest.includes('--help') || rest.includes('-h')) {
    await terminal.write(commandHelp(command, terminal.width));
    return exitCodes.done;
  }
  const parsed = parseArguments(rest, command.options);
  refuseExtraArguments(command, parsed);
  return command.run(parsed, terminal);
}

function explainFailure(error: unknown, terminal: Terminal): number {
  if (error instanceof Cancelled) return exitCodes.cancelled;
  const { red } = createPaint(terminal.hasColor);
  if (error instanceof UserError) {
    terminal.writeError(`${red('Error:')} ${safeText(error.message)}\n`);
    return error.kind === 'environment' ? exitCodes.environment : exitCodes.badInput;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.writeError(
    `${red('Error:')} this is a bug in Neuron Inspector ${toolVersion}, not in your input. Please report it with the command that you ran and this text:\n${safeText(stack)}\n`,
  );
  return exitCodes.bug;
}
