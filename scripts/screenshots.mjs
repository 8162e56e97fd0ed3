// `npm run screenshots`: plays the story in the real editor with pictures of every view in the four themes at two widths,
// under `.cache/screenshots/story/views`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { rootDir } from './setup.mjs';

const { status } = spawnSync(process.execPath, [join(rootDir, 'scripts', 'test.mjs'), 'story'], {
  cwd: rootDir,
  stdio: 'inherit',
  env: { ...process.env, NEURON_INSPECTOR_SCREENSHOTS: 'all' },
});
process.exit(status ?? 1);
