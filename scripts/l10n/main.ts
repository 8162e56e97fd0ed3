import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { collectBundle } from './collectBundle.js';

// Writes l10n/bundle.l10n.json from the texts in the sources; `--check` only compares.

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');
const file = join(root, 'l10n', 'bundle.l10n.json');

const { bundle, problems } = collectBundle(root);
for (const problem of problems) console.error(`  ${problem}`);
const text = `${JSON.stringify(bundle, undefined, 2)}\n`;
const isCurrent = existsSync(file) && readFileSync(file, 'utf8') === text;
if (!process.argv.includes('--check')) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
} else if (!isCurrent) {
  console.error('  l10n/bundle.l10n.json is not what the sources say: run npm run l10n.');
}
process.exit(problems.length > 0 || (process.argv.includes('--check') && !isCurrent) ? 1 : 0);
