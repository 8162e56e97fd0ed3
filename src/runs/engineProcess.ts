import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UserError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { type EngineMessage, type HostMessage, isEngineMessage } from '../protocol/engineMessages.js';

/** What an engine process tells its owner. */
export interface EngineProcessEvents {
  onMessage(message: EngineMessage): void;
  /** The process is gone, whatever the reason; called once. */
  onEnd(error: UserError): void;
}

/** How an engine process is started. */
export interface EngineProcessOptions {
  readonly log: Logger;
  /** Script of the process; default: the engine's own entry. */
  readonly entry?: string;
  /** Program that runs the script; default: the running Node. */
  readonly execPath?: string;
}

/** A living engine process. */
export interface EngineProcess {
  readonly pid: number | undefined;
  /** False once the process can no longer be asked anything. */
  readonly isConnected: boolean;
  send(message: HostMessage): void;
  /** Ends the process at once; `onEnd` follows. */
  kill(): void;
}

/** Lines of the process's stderr that are kept to explain a crash. */
const keptStderrBytes = 4096;

/** After the process has exited, messages it wrote before may still be in the pipe for about this long. */
const drainTimeoutMs = 250;

/** Starts an engine process. It ends with its parent, and when `kill` is called. */
export function startEngineProcess(
  options: EngineProcessOptions,
  events: EngineProcessEvents,
): EngineProcess {
  const child = fork(options.entry ?? defaultEntry(), [], {
    serialization: 'advanced',
    // Typed arrays cross as they are; under desktop VS Code the executable is Electron and must act as Node.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    execArgv: process.execArgv.filter((argument) => !argument.startsWith('--inspect')),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    ...(options.execPath === undefined ? {} : { execPath: options.execPath }),
  });
  const stderr = keepTail(child, options.log);
  child.on('message', (message: unknown) => {
    if (isEngineMessage(message)) events.onMessage(message);
    else options.log.warn('The engine process sent something that is no message; it was ignored.');
  });
  onceEnded(child, (reason) => {
    events.onEnd(engineLost(reason, stderr()));
  });
  return {
    pid: child.pid,
    get isConnected() {
      return child.connected;
    },
    send: (message) => {
      if (!child.connected) return;
      // A failed send means that the process is going away: `onEnd` answers the request.
      child.send(message, (error) => {
        if (error !== null) child.kill('SIGKILL');
      });
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

/** Why a process is gone. */
interface EndReason {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly startError?: Error;
}

/** Calls back once the process has ended and what it had written has arrived. */
function onceEnded(child: ChildProcess, callback: (reason: EndReason) => void): void {
  let isDone = false;
  const finish = (reason: EndReason): void => {
    if (isDone) return;
    isDone = true;
    callback(reason);
  };
  child.on('error', (startError) => {
    // Also emitted when a kill or a send fails; only a process that never started has no pid.
    if (child.pid === undefined) finish({ exitCode: null, signal: null, startError });
  });
  child.on('disconnect', () => {
    // A process that closed its channel can answer no more, whether or not it still runs.
    child.kill('SIGKILL');
  });
  child.on('exit', (exitCode, signal) => {
    if (!child.connected) {
      finish({ exitCode, signal });
      return;
    }
    child.once('disconnect', () => {
      finish({ exitCode, signal });
    });
    setTimeout(() => {
      finish({ exitCode, signal });
    }, drainTimeoutMs);
  });
}

function keepTail(child: ChildProcess, log: Logger): () => string {
  let tail = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-keptStderrBytes);
    log.debug(`engine: ${chunk.trimEnd()}`);
  });
  // An unread pipe would fill up and block the process.
  child.stdout?.resume();
  return () => tail;
}

/** Returns the error for a process that is gone, saying what happened and what to do. */
export function engineLost(reason: EndReason, stderr: string): UserError {
  const lastLine = lastTellingLine(stderr);
  const words = lastLine === '' ? '' : ` Its last words: ${lastLine.slice(0, 300)}.`;
  return new UserError(
    'engine-lost',
    `The engine process was lost: ${howItEnded(reason)}${words} ${whatToDo(reason, stderr)}`,
    {
      kind: 'environment',
      detail: { exitCode: reason.exitCode, signal: reason.signal },
      ...(reason.startError === undefined ? {} : { cause: reason.startError }),
    },
  );
}

/** An uncaught exception ends with its stack and Node's version: neither says what went wrong. */
function lastTellingLine(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => !/^\s*(at |Node\.js v|$)/.test(line));
  return lines.at(-1)?.trim() ?? '';
}

function howItEnded({ exitCode, signal, startError }: EndReason): string {
  if (startError !== undefined) return `it did not start (${startError.message}).`;
  if (signal !== null) return `it was ended by ${signal}.`;
  return `it exited with code ${exitCode ?? 'unknown'}.`;
}

function whatToDo({ signal, startError }: EndReason, stderr: string): string {
  if (startError !== undefined) {
    return 'Check that Node.js can be started and that the installation is whole.';
  }
  if (signal === 'SIGKILL' || stderr.includes('heap out of memory')) {
    return 'The system ends processes that take too much memory: try a smaller --batch or --limit, or close other programs. The next run starts a new engine.';
  }
  if (signal !== null) {
    return 'Native code crashed: try --provider cpu or a smaller --batch. The next run starts a new engine.';
  }
  return 'Run it again; if it happens each time, reinstall with npm ci. The next run starts a new engine.';
}

/** The built engine stands beside the bundle; run from source, it is the module beside this one. */
function defaultEntry(): string {
  for (const candidate of ['engine.js', '../engine.js', 'engineMain.ts']) {
    const path = fileURLToPath(new URL(candidate, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new UserError('engine-missing', 'The engine is missing beside the program. Run npm run build.', {
    kind: 'environment',
  });
}
