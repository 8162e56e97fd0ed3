import { UserError } from '../base/errors.js';

/** What commands may touch of the outside: streams, width, colours and Ctrl-C. */
export interface Terminal {
  /** Columns of stdout; 100 when it is no terminal. */
  readonly width: number;
  readonly hasColor: boolean;
  /** Columns of stderr, where progress is drawn. */
  readonly progressWidth: number;
  /** Whether a bar may be drawn on stderr. */
  readonly hasProgress: boolean;
  /**
   * Writes to stdout and waits until it is out. A reader that went away (`| head`) is no failure.
   *
   * @throws UserError `stdout-failed` (environment), when the disk behind it is full, say.
   */
  write(text: string): Promise<void>;
  /** Writes to stderr. */
  writeError(text: string): void;
  /** Calls the listener on Ctrl-C or a request to end; a second one ends the program at once. */
  onInterrupt(listener: () => void): { dispose(): void };
}

/** Exit codes of the contract. */
export const exitCodes = {
  done: 0,
  thresholdCrossed: 1,
  badInput: 2,
  bug: 3,
  environment: 4,
  cancelled: 130,
} as const;

const interruptSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Returns the terminal that this process runs in. */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  // Failed writes are reported through the callback; without a listener the event would end the process first.
  stdout.on('error', ignore);
  stderr.on('error', ignore);
  return {
    width: widthOf(stdout),
    progressWidth: widthOf(stderr),
    hasColor: hasColor(stdout.isTTY, env),
    hasProgress: stderr.isTTY && env['TERM'] !== 'dumb',
    write: writeToStdout,
    writeError: (text) => {
      stderr.write(text);
    },
    onInterrupt: (listener) => {
      let isSecond = false;
      const handle = (): void => {
        if (isSecond) process.exit(exitCodes.cancelled);
        isSecond = true;
        listener();
      };
      for (const signal of interruptSignals) process.on(signal, handle);
      return {
        dispose: () => {
          for (const signal of interruptSignals) process.off(signal, handle);
        },
      };
    },
  };
}

/** Files, pipes and terminals that do not know their width (0 columns) get 100. */
function widthOf(stream: NodeJS.WriteStream): number {
  const columns = stream.isTTY && stream.columns > 0 ? stream.columns : 100;
  return Math.max(40, Math.min(columns, 160));
}

/** NO_COLOR and FORCE_COLOR as https://no-color.org and Node.js read them. */
function hasColor(isTty: boolean, env: NodeJS.ProcessEnv): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return isTty && env['TERM'] !== 'dumb';
}

function writeToStdout(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error === null || error === undefined) resolve();
      else if ('code' in error && error.code === 'EPIPE') resolve();
      else reject(stdoutFailed(error));
    });
  });
}

function stdoutFailed(cause: Error): UserError {
  return new UserError(
    'stdout-failed',
    `The output could not be written (${cause.message}). If it goes to a file, check that the disk is not full.`,
    { kind: 'environment', cause },
  );
}

function ignore(): void {
  // Its purpose.
}
