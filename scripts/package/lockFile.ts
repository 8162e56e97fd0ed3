import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the lock file says of a package. */
export interface LockedPackage {
  readonly version: string;
  /** `sha512-…` of its archive. */
  readonly integrity: string;
  /** SPDX expression. */
  readonly licence?: string;
}

/** Reads which version of which package is installed, with the checksum of its archive. */
export function readLockFile(root: string): ReadonlyMap<string, LockedPackage> {
  // The shape of version 3 of the lock file, which npm wrote.
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; integrity?: string; license?: string }>;
  };
  const found = new Map<string, LockedPackage>();
  for (const [path, { version, integrity, license }] of Object.entries(lock.packages)) {
    if (!path.startsWith('node_modules/') || version === undefined || integrity === undefined) continue;
    found.set(path.slice('node_modules/'.length), {
      version,
      integrity,
      ...(license === undefined ? {} : { licence: license }),
    });
  }
  return found;
}
