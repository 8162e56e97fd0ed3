import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import packageJson from '../../package.json' with { type: 'json' };
import { UserError } from '../../src/base/errors.js';
import { reasons } from './reasons.js';
import { renderDependencies } from './renderDependencies.js';

// Writes docs/dependencies.md; `--check` only compares.

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');
const file = join(root, 'docs', 'dependencies.md');

try {
  const text = renderDependencies(root, packageJson, reasons);
  const isCurrent = existsSync(file) && readFileSync(file, 'utf8') === text;
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
  } else if (!isCurrent) {
    console.error(
      'docs/dependencies.md is not what package.json says. Run npm run dependencies and commit it.',
    );
    process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
