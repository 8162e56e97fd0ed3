import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootDir } from '../../test/support/paths.js';
import { operatorsPage } from './operatorsPage.js';

const file = join(rootDir, 'docs', 'operators.md');
const text = operatorsPage();
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  console.error('  docs/operators.md is not what the tables say: run npm run operators.');
  process.exit(1);
}
