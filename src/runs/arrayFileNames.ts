import { createHash } from 'node:crypto';

/** Longest encoded name that is used as it is. */
const maxNameBytes = 150;

/** `~` and 8 hex digits. */
const suffixLength = 9;

/**
 * Returns a file name (with `.npy`) for each array name, such that no file system mixes up two of them.
 *
 * Characters other than letters, digits, `.`, `_` and `-` are percent-encoded byte by byte. Names equal but for case,
 * reserved on Windows, or over 150 bytes once encoded get `~` and 8 hex digits of the SHA-256 of the array name; the
 * long ones are cut to stay within 150 bytes. `~` itself is always encoded, so a suffix collides with no other name.
 */
export function arrayFileNames(names: readonly string[]): ReadonlyMap<string, string> {
  const countByFolded = new Map<string, number>();
  for (const name of names) {
    const folded = encodeName(name).toLowerCase();
    countByFolded.set(folded, (countByFolded.get(folded) ?? 0) + 1);
  }
  const fileByName = new Map<string, string>();
  for (const name of names) {
    const encoded = encodeName(name);
    const isAmbiguous = (countByFolded.get(encoded.toLowerCase()) ?? 0) > 1;
    fileByName.set(name, `${withSuffix(name, encoded, isAmbiguous)}.npy`);
  }
  return fileByName;
}

/** Returns a text with every character but letters, digits, `.`, `_` and `-` percent-encoded byte by byte. */
export function encodeName(name: string): string {
  let encoded = '';
  for (const byte of Buffer.from(name, 'utf8')) {
    const character = String.fromCharCode(byte);
    encoded += /[A-Za-z0-9._-]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

function withSuffix(name: string, encoded: string, isAmbiguous: boolean): string {
  const suffix = `~${createHash('sha256').update(name, 'utf8').digest('hex').slice(0, 8)}`;
  const reserved = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)/i.exec(encoded)?.[0];
  if (encoded.length > maxNameBytes) {
    // Never cut an escape in two.
    const kept = encoded.slice(0, maxNameBytes - suffixLength).replace(/%.?$/, '');
    return spliceSuffix(kept, reserved, suffix);
  }
  return isAmbiguous || reserved !== undefined ? spliceSuffix(encoded, reserved, suffix) : encoded;
}

/** Windows reserves such a name with any extension, so there the suffix goes before the first dot. */
function spliceSuffix(encoded: string, reserved: string | undefined, suffix: string): string {
  if (reserved === undefined) return encoded + suffix;
  return reserved + suffix + encoded.slice(reserved.length);
}
