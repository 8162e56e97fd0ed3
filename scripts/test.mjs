// `npm test [-- tier …]`: installs what tests need, builds, runs every tier and prints one line of counts at the end.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { build } from './build.mjs';
import { ensureInstalled, rootDir } from './setup.mjs';

const tiers = ['unit', 'numeric', 'cli', 'webview'];
const chosen = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
const unknown = chosen.filter((tier) => !tiers.includes(tier));
if (unknown.length > 0) {
  console.error(`There is no test tier ${unknown.join(', ')}; there are ${tiers.join(', ')}.`);
  process.exit(2);
}

const { installMs } = ensureInstalled();
await build();

const totals = { passed: 0, failed: 0, skipped: 0 };
const start = Date.now();
for (const tier of chosen.length > 0 ? chosen : tiers) runTier(tier);
const seconds = ((Date.now() - start) / 1000).toFixed(0);
console.log(`\nTests took ${seconds} s, installing ${(installMs / 1000).toFixed(0)} s before them.`);
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`);
process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0);

function runTier(tier) {
  const files = testFiles(join(rootDir, 'test', tier));
  console.log(`\n── ${tier}: ${files.length} files`);
  const resultFile = join(rootDir, '.cache', `test-${tier}.json`);
  mkdirSync(join(rootDir, '.cache'), { recursive: true });
  rmSync(resultFile, { force: true });
  const child = spawnSync(
    process.execPath,
    [
      join(rootDir, 'node_modules', 'mocha', 'bin', 'mocha.js'),
      '--reporter',
      join(rootDir, 'scripts', 'mochaReporter.cjs'),
      '--forbid-only',
      ...files,
    ],
    { cwd: rootDir, stdio: 'inherit', env: { ...process.env, NEURON_INSPECTOR_TEST_RESULT: resultFile } },
  );
  if (!existsSync(resultFile)) {
    console.error(`The ${tier} tier ended without a result (${child.signal ?? `exit ${child.status}`}).`);
    totals.failed++;
    return;
  }
  const result = JSON.parse(readFileSync(resultFile, 'utf8'));
  totals.passed += result.passed;
  totals.failed += result.failed;
  totals.skipped += result.skipped;
  const ran = new Set(result.files.map((file) => resolve(file)));
  const silent = files.filter((file) => !ran.has(resolve(file)));
  if (silent.length > 0) {
    console.error(
      `These test files ran no test: ${silent.map((file) => relative(rootDir, file)).join(', ')}`,
    );
    totals.failed++;
  }
}

/** Every test file of a tier, found by its name. */
function testFiles(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(dir, name))
    .sort();
}
