// `npm run conformance`: writes docs/conformance.md from the cases of the Debian package libonnx-testdata.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, rootDir } from './setup.mjs';

ensureInstalled();
const main = join(rootDir, 'scripts', 'conformance', 'main.ts');
const result = spawnSync(process.execPath, ['--import', 'tsx', main], { cwd: rootDir, stdio: 'inherit' });
process.exit(result.status ?? 1);
