// `npm run dependencies`: writes docs/dependencies.md from package.json; `--check` only compares.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, rootDir } from './setup.mjs';

ensureInstalled();
const main = join(rootDir, 'scripts', 'dependencies', 'main.ts');
const result = spawnSync(process.execPath, ['--import', 'tsx', main, ...process.argv.slice(2)], {
  cwd: rootDir,
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
