import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readLockFile } from '../package/lockFile.js';
import { nativePackagesOf } from '../package/nativePackages.js';
import { targets } from '../package/targets.js';
import { bundledPackageDirs } from './bundledPackages.js';
import { unnoticed } from './noticeErrors.js';
import { termsOf } from './allowedLicences.js';
import { type NoticedPackage, readNoticedPackage, settled } from './noticedPackage.js';
import type { Notices } from './renderNotices.js';

/** What was built for a package. */
export interface BuiltFiles {
  readonly root: string;
  readonly builtDir: string;
  /** Every file that went in, relative to the repository. */
  readonly inputs: readonly string[];
}

/**
 * Collects what the extension holds of others: the packages in its bundles, and those shipped as they are on any platform.
 *
 * @throws UserError for anything whose licence or text is not known.
 */
export function collectNotices(built: BuiltFiles): Notices {
  checkAssets(built);
  const textsDir = join(built.root, 'scripts', 'notices', 'texts');
  const bundled = bundledPackageDirs(built.inputs).map((dir) =>
    readNoticedPackage(join(built.root, dir), textsDir),
  );
  return {
    bundled: unique(bundled),
    shipped: shippedPackages(built.root, textsDir),
    parts: readFileSync(join(built.root, 'scripts', 'notices', 'parts.md'), 'utf8').replace(
      '{libvips}',
      partsOfLibvips(built.root),
    ),
  };
}

/** A file that was copied into dist by hand would be in no list. */
function checkAssets({ builtDir, inputs }: BuiltFiles): void {
  const known = new Set(inputs.map((input) => basename(input.replace(/\?.*$/, ''))));
  const unknown = readdirSync(builtDir, { recursive: true, encoding: 'utf8' }).filter(
    (path) => /\.(wasm|ttf|woff2?)$/.test(path) && !known.has(basename(path)),
  );
  if (unknown.length > 0) {
    throw unnoticed(
      `${unknown.join(', ')} came into dist past the list of inputs that scripts/build.mjs returns: whose work is that?`,
    );
  }
}

/** One of a name and version, by name: a package may stand in several folders. */
function unique(packages: readonly NoticedPackage[]): NoticedPackage[] {
  const byId = new Map(packages.map((entry) => [`${entry.name} ${entry.version}`, entry]));
  return [...byId].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

function shippedPackages(root: string, textsDir: string): NoticedPackage[] {
  const names = new Set(targets.flatMap((target) => nativePackagesOf(target).map(({ name }) => name)));
  return [...names]
    .sort()
    .map((name) =>
      name.startsWith('@img/sharp-')
        ? platformBuild(root, name)
        : readNoticedPackage(join(root, 'node_modules', name), textsDir),
    );
}

/**
 * A build of sharp or libvips. Only this machine's is installed; the lock file knows the others. Sharp's licence text
 * stands for its builds, and libvips' are files beside it.
 */
function platformBuild(root: string, name: string): NoticedPackage {
  const { version, licence } = readLockFile(root).get(name) ?? {};
  if (version === undefined || licence === undefined) {
    throw unnoticed(`package-lock.json has no ${name}, or no licence for it.`);
  }
  const texts = licence.includes('Apache-2.0')
    ? [settled(readFileSync(join(root, 'node_modules/sharp/LICENSE'), 'utf8'))]
    : [];
  return { name, version, licence, terms: termsOf(licence, name), texts };
}

/** The table of its parts that every build of libvips has in its README: the same on all platforms. */
function partsOfLibvips(root: string): string {
  const dir = join(root, 'node_modules', '@img');
  const build = readdirSync(dir).find((name) => /^sharp-(libvips-|win32-)/.test(name));
  const text = build === undefined ? '' : readFileSync(join(dir, build, 'README.md'), 'utf8');
  const table = /(?:^\|.*\n)+/m.exec(settled(text));
  if (table === null) throw unnoticed(`No README of libvips in ${dir} lists its parts.`);
  return table[0].trim();
}
