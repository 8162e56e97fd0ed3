import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const rootDir = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Committed fixtures. */
export const fixturesDir = join(rootDir, 'test', 'fixtures');

/** Committed golden files. */
export const goldenDir = join(rootDir, 'test', 'golden');

/** The sample models that this repository trained. */
export const samplesDir = join(rootDir, 'sample-models');

/** Real models and reference numbers outside the repository; absent on a plain clone. */
export const sharedDir: string | undefined = findShared();

function findShared(): string | undefined {
  const dir = process.env['NEURON_INSPECTOR_SHARED'] ?? join(rootDir, '..', 'shared');
  return existsSync(join(dir, 'models')) ? dir : undefined;
}

/**
 * The engine as `npm test` has just built it, which starts in half the time; the sources' own where tests are run without that.
 */
export function builtEngine(): { readonly entry?: string } {
  const entry = process.env['NEURON_INSPECTOR_BUILT_ENGINE'];
  return entry === undefined ? {} : { entry };
}

/**
 * Defines a test that reads models or references outside the repository: skipped by name, and counted, when they are
 * not there. Every such test has a committed subset that always runs.
 */
export function itWithShared(title: string, body: (shared: string) => unknown): void {
  const dir = sharedDir;
  if (dir === undefined) {
    it.skip(`${title} (skipped: no ../shared beside the repository)`);
    return;
  }
  it(title, async function () {
    this.timeout(120_000);
    await body(dir);
  });
}
