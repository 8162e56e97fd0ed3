import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { nativePackagesOf, type NativePackage } from './nativePackages.js';
import { obtainPackage, type PackageSource } from './obtainPackage.js';
import { nothingToShip } from './packageErrors.js';
import { shippedManifest } from './shippedManifest.js';
import { shippedReadme } from './shippedReadme.js';
import type { Target } from './targets.js';

/** What a package is put together from. */
export interface Staging {
  readonly target: Target;
  readonly source: PackageSource;
  /** The bundles, built for a package. */
  readonly builtDir: string;
  /** Is made anew. */
  readonly into: string;
}

/** Files of the repository that are shipped as they are. */
const shippedFiles = [
  'CHANGELOG.md',
  'LICENSE',
  'SECURITY.md',
  'THIRD-PARTY-NOTICES.md',
  'package.nls.json',
  'media',
  'l10n',
];

/** Pictures for the README, which has them inside. */
const notShipped = [/^media\/readme\//];

/**
 * Lays out the extension as it is installed on one platform.
 *
 * The native packages stand in `dist/node_modules`, where Node finds them from the bundles: vsce leaves files there alone,
 * while it fills a `node_modules` at the top from what npm says is installed on this machine.
 */
export async function stageExtension(staging: Staging): Promise<void> {
  const { target, source, builtDir, into } = staging;
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  for (const path of shippedFiles.flatMap((name) => filesOf(source.root, name))) {
    if (!notShipped.some((pattern) => pattern.test(path))) copy(join(source.root, path), join(into, path));
  }
  for (const path of filesOf(builtDir)) copy(join(builtDir, path), join(into, 'dist', path));
  const packages = nativePackagesOf(target);
  for (const native of packages) {
    const from = await obtainPackage(native.name, target.name, source);
    const to = join(into, 'dist', 'node_modules', native.name);
    stagePackage(native, from, { target, into: to });
    if (native.licences !== undefined) stageLicences(source.root, native.licences, to);
  }
  write(join(into, 'README.md'), shippedReadme(source.root));
  const manifest = JSON.parse(readFileSync(join(source.root, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  write(join(into, 'package.json'), `${JSON.stringify(shippedManifest(manifest), undefined, 2)}\n`);
  // What is in the folder is what is shipped; without this file vsce asks whether that is meant.
  write(join(into, '.vscodeignore'), '# Everything here is shipped.\n');
}

function stagePackage(native: NativePackage, from: string, to: { target: Target; into: string }): void {
  const unmatched = new Set(native.files);
  for (const path of filesOf(from)) {
    const pattern = native.files.find((candidate) => candidate.test(path));
    if (pattern === undefined || native.isForOther?.(path, to.target) === true) continue;
    unmatched.delete(pattern);
    copy(join(from, path), join(to.into, path));
  }
  // Windows has no versions.json where others have it, and so on: only the binaries and entries must be there.
  for (const pattern of unmatched) {
    if (!isOptional(pattern)) throw nothingToShip(native.name, pattern);
  }
}

/** READMEs, licences and lists of versions are told about, not run, and some packages have none. */
function isOptional(pattern: RegExp): boolean {
  return /README|LICENSE|versions/.test(pattern.source);
}

function stageLicences(root: string, name: string, into: string): void {
  const dir = join(root, 'scripts', 'package', 'licences', name);
  for (const path of filesOf(dir)) copy(join(dir, path), join(into, path));
}

/** Paths of all files under a folder's entry, with `/` between, in the order of their names. */
function filesOf(root: string, entry = ''): string[] {
  const start = join(root, entry);
  if (!existsSync(start)) return [];
  const names = readdirSync(dirname(start), { withFileTypes: true });
  if (entry !== '' && names.some((name) => name.name === entry && name.isFile())) return [entry];
  return readdirSync(start, { withFileTypes: true, recursive: true })
    .filter((file) => file.isFile())
    .map((file) =>
      join(file.parentPath, file.name)
        .slice(root.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to);
  settle(to);
}

function write(to: string, text: string): void {
  writeFileSync(to, text);
  settle(to);
}

/** The same bytes on every machine: a package keeps the modes of its files. */
function settle(path: string): void {
  chmodSync(path, path.endsWith('dist/cli.js') ? 0o755 : 0o644);
}
