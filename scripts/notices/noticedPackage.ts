import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { termsOf } from './allowedLicences.js';
import { unnoticed } from './noticeErrors.js';

/** A package of others, as the notices name it. */
export interface NoticedPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly licence: string;
  /** What its licence asks beyond the text. */
  readonly terms: readonly string[];
  /** Licence texts with their copyrights. */
  readonly texts: readonly string[];
}

/**
 * Reads what must be said of a package: from its folder, and from `scripts/notices/texts` for packages that have no
 * licence file, or hold parts of others.
 *
 * @throws UserError when the licence is not known to be allowed, or its text is nowhere.
 */
export function readNoticedPackage(dir: string, textsDir: string): NoticedPackage {
  // Written by npm.
  const manifest = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: unknown;
  };
  const { name, version, license } = manifest;
  if (typeof license !== 'string') {
    throw unnoticed(`${name} ${version} names no licence: look it up before it is shipped.`);
  }
  const texts = [...licenceFilesIn(dir), ...ownText(name, textsDir)];
  if (texts.length === 0) {
    throw unnoticed(
      `${name} ${version} has no licence file. Put its text, with the copyright, into scripts/notices/texts/${fileNameOf(name)}.`,
    );
  }
  return { name, version, licence: license, terms: termsOf(license, name), texts };
}

function licenceFilesIn(dir: string): string[] {
  return readdirSync(dir)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file) && !/\.(js|json|html)$/.test(file))
    .sort()
    .map((file) => settled(readFileSync(join(dir, file), 'utf8')));
}

function ownText(name: string, textsDir: string): string[] {
  const path = join(textsDir, fileNameOf(name));
  return existsSync(path) ? [settled(readFileSync(path, 'utf8'))] : [];
}

function fileNameOf(name: string): string {
  return `${name.replace('/', '+')}.txt`;
}

/** Returns a text without what differs between systems and editors: line ends, byte order marks, spaces at line ends. */
export function settled(text: string): string {
  return text
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?/g, '\n')
    .replace(/[ \t]+$/gm, '')
    .trim();
}
