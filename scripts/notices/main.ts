import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/base/errors.js';
import { buildForPackage } from '../package/buildForPackage.js';
import { collectNotices } from './collectNotices.js';
import { renderNotices } from './renderNotices.js';

// Writes THIRD-PARTY-NOTICES.md from what is built and shipped; `--check` only compares.

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');
const file = join(root, 'THIRD-PARTY-NOTICES.md');

try {
  const { builtDir, inputs } = await buildForPackage(root, join(root, '.cache', 'notices'));
  const text = renderNotices(collectNotices({ root, builtDir, inputs }));
  const isCurrent = existsSync(file) && readFileSync(file, 'utf8') === text;
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (!isCurrent) {
    console.error(
      'THIRD-PARTY-NOTICES.md is not what is built and shipped. Run npm run notices and commit it.',
    );
    process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
