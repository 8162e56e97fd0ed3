// `npm run papers`: writes docs/papers.md from the registry and the tests; `--check` only compares.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, rootDir } from './setup.mjs';

ensureInstalled();
const main = join(rootDir, 'scripts', 'papers', 'main.ts');
const result = spawnSync(process.execPath, ['--import', 'tsx', main, ...process.argv.slice(2)], {
  cwd: rootDir,
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
