import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { rootDir } from './paths.js';

/** The package for the platform that the tests run on. */
export const hostTarget = `${process.platform}-${process.arch}`;

/** How `npm run package` ended. */
export interface PackageResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `npm run package` for some targets; the VSIX files go to a folder. */
export function runPackage(
  targets: readonly string[],
  outDir: string,
  env: NodeJS.ProcessEnv = {},
): PackageResult {
  return spawnSync(process.execPath, [join(rootDir, 'scripts', 'package.mjs'), ...targets], {
    cwd: rootDir,
    encoding: 'utf8',
    env: { ...process.env, NEURON_INSPECTOR_VSIX_DIR: outDir, ...env },
  });
}

/** Returns the VSIX file that a run of `npm run package` made for a target. */
export function vsixFile(outDir: string, target: string): string {
  const { version } = JSON.parse(readFileSync(join(rootDir, 'package.json'), 'utf8')) as { version: string };
  return join(outDir, `neuron-inspector-${target}-${version}.vsix`);
}

/** Unpacks a VSIX as an editor does; returns the extension's folder. */
export function unpackVsix(file: string, into: string): string {
  for (const [path, bytes] of Object.entries(unzipSync(readFileSync(file)))) {
    const to = join(into, path);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, bytes);
  }
  return join(into, 'extension');
}
