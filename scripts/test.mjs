// `npm test [-- tier … --grep=text]`: installs what tests need, builds, runs every tier and prints one line of counts at
// the end. `--grep` keeps the tests whose full title holds the text. `--checks` runs `npm run check` beside the tiers.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { build } from './build.mjs';
import { ensureChromium } from './editor/hostEditor.mjs';
import { ensureEditor, runVscodeTests, vscodeTestFiles } from './editor/vscodeTier.mjs';
import { ensureModelPackages } from './modelPackages.mjs';
import { ensureInstalled, rootDir } from './setup.mjs';

/**
 * What a tier needs beside Node: a browser, the editor, models of others. Tests of pages wait for a browser that shares two cores
 * with them, and are tried twice; what needed it is said at the end.
 */
const tiers = {
  unit: {},
  numeric: { needsModels: true },
  cli: {},
  package: { needsChromium: true, needsEditor: true },
  webview: { needsChromium: true, retries: 1 },
  vscode: { needsChromium: true, needsEditor: true },
  story: { needsChromium: true, needsEditor: true },
};
const names = Object.keys(tiers);
const args = process.argv.slice(2);
const grep = args.find((arg) => arg.startsWith('--grep='))?.slice('--grep='.length);
const named = args.filter((arg) => !arg.startsWith('-'));
const unknown = named.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`There is no test tier ${unknown.join(', ')}; there are ${names.join(', ')}.`);
  process.exit(2);
}
const chosen = named.length > 0 ? named : names;

let { installMs } = ensureInstalled();
const needs = (what) => chosen.some((name) => tiers[name][what] === true);
if (needs('needsChromium')) installMs += ensureChromium().installMs;
if (needs('needsModels')) installMs += ensureModelPackages().installMs;
const editor = needs('needsEditor') ? await ensureEditor() : undefined;
installMs += editor?.installMs ?? 0;
await build();

const totals = { passed: 0, failed: 0, skipped: 0 };
const retried = [];
mkdirSync(join(rootDir, '.cache'), { recursive: true });
const start = Date.now();
const checks = args.includes('--checks') ? startChecks() : undefined;
for (const name of chosen) {
  try {
    if (name === 'vscode') await runEditorTier();
    else runNodeTier(name);
  } catch (error) {
    console.error(`The ${name} tier could not run: ${error.message}`);
    totals.failed++;
  }
}
if (checks !== undefined) await endChecks(checks);
const seconds = ((Date.now() - start) / 1000).toFixed(0);
console.log(`\nTests took ${seconds} s, installing ${(installMs / 1000).toFixed(0)} s before them.`);
if (retried.length > 0) console.log(`Tried twice: ${retried.join(' · ')}`);
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`);
process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0);

/**
 * Starts the checks at the lowest priority: they take what the tiers leave idle, which is minutes while pages and the editor are
 * waited for, and show what they said when the tiers are done.
 */
function startChecks() {
  const logFile = join(rootDir, '.cache', 'checks.log');
  const log = openSync(logFile, 'w');
  const child = spawn(process.execPath, [join(rootDir, 'scripts', 'check.mjs')], {
    cwd: rootDir,
    stdio: ['ignore', log, log],
  });
  setPriority(child.pid, 19);
  return { logFile, ended: once(child, 'exit') };
}

async function endChecks({ logFile, ended }) {
  const [status] = await ended;
  console.log(`\n── checks\n${readFileSync(logFile, 'utf8')}`);
  if (status !== 0) totals.failed++;
}

/** Runs a tier in Mocha, in a Node process of its own. */
function runNodeTier(tier) {
  const files = testFiles(join(rootDir, 'test', tier));
  console.log(`\n── ${tier}: ${files.length} files`);
  const resultFile = join(rootDir, '.cache', `test-${tier}.json`);
  rmSync(resultFile, { force: true });
  const child = spawnSync(
    process.execPath,
    [
      join(rootDir, 'node_modules', 'mocha', 'bin', 'mocha.js'),
      '--reporter',
      join(rootDir, 'scripts', 'mochaReporter.cjs'),
      '--forbid-only',
      ...('retries' in tiers[tier] ? ['--retries', String(tiers[tier].retries)] : []),
      ...(grep === undefined ? [] : ['--fgrep', grep]),
      ...files,
    ],
    {
      cwd: rootDir,
      stdio: 'inherit',
      env: {
        ...process.env,
        NEURON_INSPECTOR_TEST_RESULT: resultFile,
        NEURON_INSPECTOR_BUILT_ENGINE: join(rootDir, 'dist', 'engine.js'),
      },
    },
  );
  if (!existsSync(resultFile)) {
    throw new Error(`it ended without a result (${child.signal ?? `exit ${child.status}`}).`);
  }
  count(files, JSON.parse(readFileSync(resultFile, 'utf8')));
}

/** Runs the tests inside the extension host of the real editor. */
async function runEditorTier() {
  const files = vscodeTestFiles();
  if (editor.obstacle !== undefined) {
    console.error(`\n── vscode: skipped. ${editor.obstacle}`);
    for (const file of files) console.error(`  - ${relative(rootDir, file)} (skipped)`);
    totals.skipped += files.length;
    return;
  }
  count(files, await runVscodeTests(files, { executable: editor.executable, grep }));
}

/** Adds a tier's counts; a file without a test that ran is a failure, unless the title was to be found. */
function count(files, result) {
  totals.passed += result.passed;
  totals.failed += result.failed;
  totals.skipped += result.skipped;
  retried.push(...result.retried);
  const ran = new Set(result.files.map((file) => resolve(file)));
  const silent = files.filter((file) => !ran.has(resolve(file)));
  if (silent.length > 0 && grep === undefined) {
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
