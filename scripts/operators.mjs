// `npm run operators`: writes docs/operators.md from the tables of rules and lowerings; `--check` only compares.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, rootDir } from './setup.mjs';

ensureInstalled();
const main = join(rootDir, 'scripts', 'operators', 'main.ts');
const result = spawnSync(process.execPath, ['--import', 'tsx', main, ...process.argv.slice(2)], {
  cwd: rootDir,
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
