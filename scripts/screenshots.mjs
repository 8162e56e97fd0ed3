// `npm run screenshots`: plays the story in the real editor with pictures of every view in the four themes at two widths,
// under `.cache/screenshots/story/views`. `npm run screenshots -- reports [SET]` pictures the reports of the other analyses, all
// or one of the sets of `screenshots/reportList.ts`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { rootDir } from './setup.mjs';

const [what, ...rest] = process.argv.slice(2);
const reports = ['--import', 'tsx', join(rootDir, 'scripts', 'screenshots', 'main.ts'), ...rest];
const story = [join(rootDir, 'scripts', 'test.mjs'), 'story'];
const { status } = spawnSync(process.execPath, what === 'reports' ? reports : story, {
  cwd: rootDir,
  stdio: 'inherit',
  env: { ...process.env, NEURON_INSPECTOR_SCREENSHOTS: 'all' },
});
process.exit(status ?? 1);
