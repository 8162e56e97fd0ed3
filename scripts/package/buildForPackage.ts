import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The bundles as they are shipped. */
export interface ShippedBuild {
  readonly builtDir: string;
  /** Every file that went in, relative to the repository. */
  readonly inputs: readonly string[];
}

/** Builds for a package, into `DIR/dist`. */
export async function buildForPackage(root: string, dir: string): Promise<ShippedBuild> {
  await promisify(execFile)(process.execPath, [join(root, 'scripts', 'build.mjs'), '--for-package', dir], {
    cwd: root,
  });
  // Written by the script just run.
  const inputs = JSON.parse(readFileSync(join(dir, 'inputs.json'), 'utf8')) as string[];
  return { builtDir: join(dir, 'dist'), inputs };
}
