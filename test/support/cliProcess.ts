import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { join } from 'node:path';
import { rootDir } from './paths.js';

/** The built command line. */
export const cliPath = join(rootDir, 'dist', 'cli.js');

/** How a command ended. */
export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command line to its end; a command that takes 10 s, the bar for every bad input, is killed and fails the test. */
export async function runCli(args: readonly string[], options: SpawnOptions = {}): Promise<CliResult> {
  return ended(startCli(args, options));
}

/** Starts the built command line. */
export function startCli(args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return spawn(process.execPath, [cliPath, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
    env: { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '', ...options.env },
  });
}

/** Returns how a started command ended, with all it wrote. */
export function ended(child: ChildProcess): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`The command hangs. It wrote: ${stdout}${stderr}`));
    }, 10_000);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}
