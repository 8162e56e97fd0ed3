import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import prettier from 'prettier';
import { rootDir } from '../../test/support/paths.js';
import { holdingTests } from './holdingTests.js';
import { papersPage } from './papersPage.js';

// Writes docs/papers.md; `--check` only compares.

const file = join(rootDir, 'docs', 'papers.md');
const text = await prettier.format(papersPage(holdingTests(rootDir)), {
  parser: 'markdown',
  proseWrap: 'preserve',
});
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  console.error('  docs/papers.md is not what the registry and the tests say: run npm run papers.');
  process.exit(1);
}
