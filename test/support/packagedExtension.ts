import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
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

let made: string | undefined;

/**
 * Returns the VSIX file for this machine, made once for all test files of a run, without a network: all it needs is
 * installed here.
 */
export function hostVsix(): string {
  if (made === undefined) {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'neuron-inspector-vsix-')));
    process.once('exit', () => {
      rmSync(folder, { recursive: true, force: true });
    });
    const { status, stderr } = runPackage([hostTarget], folder, offline);
    assert.equal(status, 0, stderr);
    made = vsixFile(folder, hostTarget);
  }
  return made;
}

// Every way npm could leave the machine points at a port where nobody listens.
const unreachable = 'http://127.0.0.1:9';

/** Environment in which npm reaches no registry. */
export const offline: NodeJS.ProcessEnv = {
  npm_config_registry: unreachable,
  HTTP_PROXY: unreachable,
  HTTPS_PROXY: unreachable,
  http_proxy: unreachable,
  https_proxy: unreachable,
};

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
