// `npm run bench [-- name …]`: prints the bars of the design as ratios from one run.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensureInstalled, rootDir } from './setup.mjs';

ensureInstalled();
await build();
const result = spawnSync(
  process.execPath,
  ['--import', 'tsx', join(rootDir, 'bench', 'main.ts'), ...process.argv.slice(2)],
  {
    cwd: rootDir,
    stdio: 'inherit',
  },
);
process.exit(result.status ?? 1);
