// `npm run samples [-- name …]`: trains the sample models with our own engine and writes them with their manifests.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, rootDir } from './setup.mjs';

ensureInstalled();
const main = join(rootDir, 'scripts', 'samples', 'main.ts');
const result = spawnSync(process.execPath, ['--import', 'tsx', main, ...process.argv.slice(2)], {
  cwd: rootDir,
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
