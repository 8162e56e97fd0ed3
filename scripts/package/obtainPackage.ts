import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { LockedPackage } from './lockFile.js';
import { notFetched, notLocked, wrongChecksum } from './packageErrors.js';

/** Where packages come from. */
export interface PackageSource {
  /** The repository: its `node_modules` is looked at first. */
  readonly root: string;
  /** Keeps what was fetched, by name and version. */
  readonly cacheDir: string;
  readonly lock: ReadonlyMap<string, LockedPackage>;
}

/**
 * Returns a folder with a package in the version of the lock file: the installed one, one fetched before, or one fetched
 * now, whose checksum is compared with the lock file's.
 *
 * @throws UserError when it is not installed and cannot be fetched.
 */
export async function obtainPackage(name: string, target: string, source: PackageSource): Promise<string> {
  const locked = source.lock.get(name);
  if (locked === undefined) throw notLocked(name);
  const installed = join(source.root, 'node_modules', name);
  if (versionIn(installed) === locked.version) return installed;
  const kept = join(source.cacheDir, `${name.replace('/', '+')}@${locked.version}`);
  if (versionIn(kept) === locked.version) return kept;
  await fetchPackage({ id: `${name}@${locked.version}`, integrity: locked.integrity, target, into: kept });
  return kept;
}

function versionIn(dir: string): string | undefined {
  const manifest = join(dir, 'package.json');
  if (!existsSync(manifest)) return undefined;
  // Written by npm: has a version.
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

interface Fetching {
  readonly id: string;
  readonly integrity: string;
  readonly target: string;
  readonly into: string;
}

async function fetchPackage({ id, integrity, target, into }: Fetching): Promise<void> {
  const workDir = `${into}.${String(process.pid)}`;
  rmSync(workDir, { recursive: true, force: true });
  mkdirSync(workDir, { recursive: true });
  try {
    await download(id, target, workDir);
    const archive = readdirSync(workDir).find((name) => name.endsWith('.tgz'));
    if (archive === undefined) throw notFetched(id, target, 'npm wrote no archive');
    checkIntegrity(id, join(workDir, archive), integrity);
    // Relative, because some tars read `C:` as the name of a machine.
    await promisify(execFile)('tar', ['-xzf', archive], { cwd: workDir });
    rmSync(into, { recursive: true, force: true });
    mkdirSync(dirname(into), { recursive: true });
    // Archives of npm hold one folder, mostly called package.
    const [folder = 'package'] = readdirSync(workDir).filter((name) => name !== basename(archive));
    renameSync(join(workDir, folder), into);
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

async function download(id: string, target: string, dir: string): Promise<void> {
  const isWindows = process.platform === 'win32';
  const args = ['pack', id, '--pack-destination', '.', '--prefer-offline', '--loglevel=error'];
  // An unreachable registry is said within seconds, not after npm's minutes of patience.
  const patience = ['--fetch-retries=2', '--fetch-retry-mintimeout=500', '--fetch-retry-maxtimeout=2000'];
  try {
    await promisify(execFile)(isWindows ? 'npm.cmd' : 'npm', [...args, ...patience], {
      cwd: dir,
      shell: isWindows,
    });
  } catch (error) {
    // execFile's errors carry what the program wrote.
    throw notFetched(id, target, reasonIn((error as { stderr?: string }).stderr ?? ''));
  }
}

/** The telling lines of npm's complaint: its code and its first sentence. */
function reasonIn(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(/^npm error\s*/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('npm warn') && !line.startsWith('A complete log'));
  return lines.length === 0 ? 'npm gave no reason' : lines.slice(0, 3).join('; ');
}

function checkIntegrity(id: string, archive: string, expected: string): void {
  const actual = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (actual !== expected) throw wrongChecksum(id, expected, actual);
}
