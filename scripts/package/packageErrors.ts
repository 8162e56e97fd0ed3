import { UserError } from '../../src/base/errors.js';

/** The archive of a package for another platform did not arrive. */
export function notFetched(id: string, target: string, reason: string): UserError {
  return new UserError(
    'package-not-fetched',
    `${id}, which ${target} needs, could not be fetched: ${reason}. ` +
      `Check the network or the registry and run npm run package -- ${target} again; ` +
      `the package for this machine's own platform needs no network.`,
    { kind: 'environment' },
  );
}

/** The archive that arrived is not the one of the lock file. */
export function wrongChecksum(id: string, expected: string, actual: string): UserError {
  return new UserError(
    'package-checksum',
    `The archive of ${id} has the checksum ${actual} and package-lock.json says ${expected}. ` +
      `It was thrown away. Check which registry npm uses, and run the command again.`,
    { kind: 'environment' },
  );
}

/** A dependency of the runtime that the lock file does not know. */
export function notLocked(name: string): UserError {
  return new UserError(
    'package-not-locked',
    `package-lock.json has no ${name}. Run npm install, or mend scripts/package/nativePackages.ts if the package is no longer needed.`,
  );
}

/** A pattern of files to ship matches nothing: the package has changed its layout. */
export function nothingToShip(name: string, pattern: RegExp): UserError {
  return new UserError(
    'package-layout',
    `${name} has no file like ${String(pattern)}. Its layout has changed: look at it, then mend scripts/package/nativePackages.ts.`,
  );
}

/** A key of package.json about which nobody has decided yet. */
export function undecidedKeys(keys: readonly string[]): UserError {
  return new UserError(
    'manifest-keys',
    `package.json has ${keys.join(', ')}: say in scripts/package/shippedManifest.ts whether it is shipped.`,
  );
}

/** vsce refused, or warned. */
export function vsceFailed(target: string, output: string): UserError {
  return new UserError('vsce', `vsce did not make the package for ${target} cleanly:\n${output}`);
}

/** Files that do not belong into a package for this platform. */
export function straysIn(target: string, strays: readonly string[]): UserError {
  return new UserError(
    'package-strays',
    `The package for ${target} would hold what nobody needs there:\n${strays.join('\n')}\n` +
      'Mend the lists in scripts/package, or what is built into dist.',
  );
}

/** A package is heavier than agreed. */
export function overBudget(file: string, sizeBytes: number, maxBytes: number): UserError {
  return new UserError(
    'package-size',
    `${file} weighs ${(sizeBytes / 1e6).toFixed(1)} MB; ${(maxBytes / 1e6).toFixed(0)} MB were agreed in scripts/package/targets.ts. ` +
      'Find what came in, or raise the budget with a reason.',
  );
}
