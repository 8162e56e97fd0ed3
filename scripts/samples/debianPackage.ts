import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { rootDir } from '../../test/support/paths.js';

/**
 * Returns a folder with the files of a Debian package, as they stand under `/`: downloaded by apt and unpacked, once, without
 * installing it or what it depends on.
 */
export function debianPackage(name: string): string {
  const dir = join(rootDir, '.cache', 'debian', name);
  const unpacked = join(dir, 'root');
  if (existsSync(unpacked)) return unpacked;
  mkdirSync(dir, { recursive: true });
  run('apt-get', ['download', name], dir);
  const file = readdirSync(dir).find((entry) => entry.endsWith('.deb'));
  if (file === undefined) throw new Error(`apt-get downloaded no package ${name}.`);
  run('dpkg-deb', ['-x', file, unpacked], dir);
  return unpacked;
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status, error, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(
    `${command} ${args.join(' ')} failed: ${error?.message ?? stderr} This sample's data comes from a Debian package: make it on Debian or Ubuntu, after apt-get update.`,
  );
}
