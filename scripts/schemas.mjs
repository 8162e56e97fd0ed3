// `npm run schemas`: writes the JSON Schemas of our documents from their one description; `--check` only compares.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, rootDir } from './setup.mjs';

ensureInstalled();
const main = join(rootDir, 'scripts', 'schemas', 'main.ts');
const result = spawnSync(process.execPath, ['--import', 'tsx', main, ...process.argv.slice(2)], {
  cwd: rootDir,
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
