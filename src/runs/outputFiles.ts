import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../base/errors.js';

/**
 * Writes a file so that a reader sees the old content or the new, never half of it.
 *
 * @throws UserError `no-such-folder`, `is-a-folder` (input); `not-writable`, `disk-full`, `write-failed` (environment).
 */
export function writeFileAtomic(path: string, content: string | Uint8Array): void {
  const target = resolve(path);
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
  // Devices and pipes (/dev/stdout, say) cannot be replaced by a rename.
  if (isSpecialFile(target)) {
    guarded(target, () => {
      writeAll(target, bytes);
    });
    return;
  }
  const temporary = join(dirname(target), `.${basename(target).slice(0, 100)}.${process.pid}.tmp`);
  try {
    guarded(target, () => {
      refuseFolder(target);
      writeAll(temporary, bytes);
      renameSync(temporary, target);
    });
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Checks that a file could be written, before the work whose result it is to hold.
 *
 * @throws UserError as `writeFileAtomic` does, apart from a disk that fills up later.
 */
export function checkWritable(path: string): void {
  const target = resolve(path);
  if (isSpecialFile(target)) return;
  guarded(target, () => {
    refuseFolder(target);
    const folder = statSync(dirname(target));
    if (!folder.isDirectory()) throw noSuchFolder(target);
    accessSync(dirname(target), constants.W_OK | constants.X_OK);
  });
}

/**
 * Makes a folder with those above it, if missing.
 *
 * @throws UserError as `writeFileAtomic` does.
 */
export function ensureFolder(path: string): void {
  checkFolder(path);
  guarded(path, () => mkdirSync(path, { recursive: true }));
}

/**
 * Checks that a folder is there and writable or could be made, without making it.
 *
 * @throws UserError `not-a-folder` (input), `not-writable` (environment).
 */
export function checkFolder(path: string): void {
  guarded(path, () => {
    let existing = resolve(path);
    // Making a folder on a read-only disk fails with the code of a missing one, so look at what is there already.
    while (statSync(existing, { throwIfNoEntry: false }) === undefined && dirname(existing) !== existing) {
      existing = dirname(existing);
    }
    if (!statSync(existing).isDirectory()) {
      throw new UserError(
        'not-a-folder',
        `${path} cannot be a folder: ${existing} is a file. Choose another path.`,
      );
    }
    accessSync(existing, constants.W_OK | constants.X_OK);
  });
}

/** Runs a file operation on a path and turns what a person can mend into a UserError. */
export function guarded<T>(path: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw toUserError(path, error);
  }
}

function toUserError(path: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return noSuchFolder(path, error);
    case 'EISDIR':
      return isAFolder(path);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new UserError(
        'not-writable',
        `${path} cannot be written: the folder or file is read-only. Choose another path or change its permissions.`,
        { kind: 'environment', cause: error, detail: { path, code } },
      );
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new UserError(
        'disk-full',
        `${path} cannot be written: the disk is full. Free some space or choose another disk.`,
        { kind: 'environment', cause: error, detail: { path, code } },
      );
    case 'EIO':
    case 'EMFILE':
    case 'ENFILE':
    case 'EBUSY':
    case 'ENAMETOOLONG':
      return new UserError('write-failed', `${path} cannot be written (${code}). Choose another path.`, {
        kind: 'environment',
        cause: error,
        detail: { path, code },
      });
    default:
      return error;
  }
}

function writeAll(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'w');
  try {
    for (let offset = 0; offset < bytes.length;) offset += writeSync(file, bytes, offset);
    // Some file systems report a full disk only here; pipes and devices have nothing to sync.
    if (!isSpecialFile(path)) fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function isSpecialFile(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}

function refuseFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) throw isAFolder(path);
}

function isAFolder(path: string): UserError {
  return new UserError('is-a-folder', `${path} is a folder. Name a file in it.`, { detail: { path } });
}

function noSuchFolder(path: string, cause?: unknown): UserError {
  return new UserError(
    'no-such-folder',
    `${path} cannot be written: there is no folder ${dirname(path)}. Create it first.`,
    {
      cause,
      detail: { path },
    },
  );
}
