import { statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/base/errors.js';
import { readLockFile } from './lockFile.js';
import { buildForPackage } from './buildForPackage.js';
import { checkStaged } from './checkStaged.js';
import { makeVsix } from './makeVsix.js';
import type { PackageSource } from './obtainPackage.js';
import { overBudget } from './packageErrors.js';
import { readVsix } from './readVsix.js';
import { stageExtension } from './stageExtension.js';
import { type Target, targets } from './targets.js';

// Makes the VSIX files named, or all.

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');
const workDir = join(root, '.cache', 'package');
const outDir = process.env['NEURON_INSPECTOR_VSIX_DIR'] ?? join(root, 'dist-vsix');

try {
  const source = { root, cacheDir: join(workDir, 'fetched'), lock: readLockFile(root) };
  const chosen = chosenTargets(process.argv.slice(2));
  const { builtDir } = await timed('Built', () => buildForPackage(root, workDir));
  for (const target of chosen) await packageFor(target, source, builtDir);
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = error.kind === 'environment' ? 4 : 2;
}

function chosenTargets(names: readonly string[]): readonly Target[] {
  const unknown = names.filter((name) => !targets.some((target) => target.name === name));
  if (unknown.length > 0) {
    const known = targets.map(({ name }) => name).join(', ');
    throw new UserError(
      'unknown-target',
      `There is no package for ${unknown.join(', ')}; there are ${known}. Without a name, all are made.`,
    );
  }
  return names.length === 0 ? targets : targets.filter(({ name }) => names.includes(name));
}

async function packageFor(target: Target, source: PackageSource, builtDir: string): Promise<void> {
  const startMs = performance.now();
  const stagedDir = join(workDir, target.name);
  await stageExtension({ target, source, builtDir, into: stagedDir });
  checkStaged(stagedDir, target);
  const { name, version } = await manifestOf();
  const file = join(outDir, `${name}-${target.name}-${version}.vsix`);
  await makeVsix({ root, target, stagedDir, file });
  const { size: packedBytes } = statSync(file);
  if (packedBytes > target.maxPackedBytes) {
    throw overBudget(relative(root, file), packedBytes, target.maxPackedBytes);
  }
  const entries = readVsix(file);
  const installedBytes = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  console.log(
    `${target.name.padEnd(13)} ${megabytes(packedBytes)} packed ${megabytes(installedBytes)} installed ` +
      `${String(entries.length).padStart(4)} files ${((performance.now() - startMs) / 1000).toFixed(1).padStart(5)} s  ${relative(root, file)}`,
  );
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  const result = await work();
  console.log(`${what} in ${((performance.now() - startMs) / 1000).toFixed(1)} s.`);
  return result;
}

async function manifestOf(): Promise<{ name: string; version: string }> {
  const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
  return manifest;
}

function megabytes(sizeBytes: number): string {
  return `${(sizeBytes / 1e6).toFixed(1).padStart(6)} MB`;
}
