import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { vsceFailed } from './packageErrors.js';
import type { Target } from './targets.js';

/** What a VSIX is made of, and where. */
export interface VsixJob {
  readonly root: string;
  readonly target: Target;
  /** The extension as it is installed. */
  readonly stagedDir: string;
  readonly file: string;
}

/** Seconds since 1970 of 1980-01-01, the first day that a zip can hold: every file's date, unless the caller has one. */
const firstZipDay = '315532800';

/** Our code is bundled: most of the files that vsce counts are those of the native packages, which cannot be. */
const manyFiles = /WARNING\s+This extension consists of \d+ files, out of which \d+ are JavaScript files\./;

/**
 * Makes the VSIX of a staged extension with vsce; the same files give the same bytes.
 *
 * @throws UserError when vsce refuses, or warns of anything but the number of files.
 */
export async function makeVsix({ root, target, stagedDir, file }: VsixJob): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const args = [
    join(root, 'node_modules', '@vscode', 'vsce', 'vsce'),
    'package',
    '--target',
    target.name,
    '--no-dependencies',
    '--allow-missing-repository',
    '--no-rewrite-relative-links',
    '--out',
    file,
  ];
  const { code, output } = await runVsce(args, stagedDir);
  if (code === 0 && !/\bWARNING\b/.test(output.replace(manyFiles, ''))) return;
  rmSync(file, { force: true });
  throw vsceFailed(target.name, output);
}

async function runVsce(
  args: readonly string[],
  cwd: string,
): Promise<{ code: number | null; output: string }> {
  const env = {
    ...process.env,
    SOURCE_DATE_EPOCH: process.env['SOURCE_DATE_EPOCH'] ?? firstZipDay,
    // Zips hold local times.
    TZ: 'UTC',
  };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, output });
    });
  });
}
