// Runs the tests of test/vscode inside the real extension host: desktop VS Code where it can be had, the browser-hosted
// editor otherwise. Every folder is a window of its own (windows.mjs).
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rootDir } from '../setup.mjs';
import { findChromium } from './chromium.mjs';
import { ensureHostEditor } from './hostEditor.mjs';
import { editorWindows } from './windows.mjs';

const bundlesDir = join(rootDir, '.cache', 'vscode-tests');
const launcher = join(rootDir, 'scripts', 'editor', 'launch.mjs');
const desktopDownloadMs = 60_000;

/**
 * Returns the executable that takes desktop VS Code's flags: of the desktop where it can be had, else of our launcher, with
 * the host editor installed; or the obstacle, in words. NEURON_INSPECTOR_EDITOR chooses: desktop or browser.
 */
export async function ensureEditor() {
  const wanted = process.env.NEURON_INSPECTOR_EDITOR ?? '';
  if (!['', 'desktop', 'browser'].includes(wanted)) {
    return { obstacle: `NEURON_INSPECTOR_EDITOR is ${wanted}; it may be desktop or browser.`, installMs: 0 };
  }
  const hasScreen = process.platform !== 'linux' || (process.env.DISPLAY ?? '') !== '';
  const start = Date.now();
  try {
    if (wanted === 'desktop' || (wanted === '' && hasScreen && (await reachesDownload()))) {
      const { downloadAndUnzipVSCode } = await import('@vscode/test-electron');
      const executable = await downloadAndUnzipVSCode({ timeout: desktopDownloadMs });
      return { executable, installMs: Date.now() - start };
    }
    const { installMs } = ensureHostEditor();
    if (findChromium() !== undefined) return { executable: launcher, installMs };
    return { obstacle: 'The browser-hosted editor needs Chromium.', installMs };
  } catch (error) {
    return { obstacle: error.message, installMs: Date.now() - start };
  }
}

/**
 * Runs test files in their windows and returns their counts and the files that held tests. `grep` keeps the tests whose
 * title holds it.
 */
export async function runVscodeTests(files, { executable, grep }) {
  await bundle(files);
  const totals = { passed: 0, failed: 0, skipped: 0, files: [], retried: [] };
  for (const name of Object.keys(editorWindows)) {
    const ofWindow = files.filter((file) => windowOf(file) === name);
    if (ofWindow.length === 0) continue;
    console.log(`\n── vscode, window "${name}": ${ofWindow.length} files`);
    const result = await runWindow(name, { executable, grep });
    for (const key of ['passed', 'failed', 'skipped']) totals[key] += result[key];
    totals.files.push(...result.files.map(sourceOf));
    totals.retried.push(...result.retried);
  }
  return totals;
}

async function reachesDownload() {
  try {
    const response = await fetch('https://update.code.visualstudio.com/api/releases/stable', {
      signal: AbortSignal.timeout(3000),
    });
    return response.ok;
  } catch {
    return false;
  }
}

async function runWindow(name, { executable, grep }) {
  const { hasTrust, open } = editorWindows[name];
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'neuron-inspector-window-')));
  const resultFile = join(rootDir, '.cache', `test-vscode-${name}.json`);
  rmSync(resultFile, { force: true });
  const env = {
    NEURON_INSPECTOR_TEST_RESULT: resultFile,
    NEURON_INSPECTOR_TEST_GREP: grep ?? '',
    NEURON_INSPECTOR_EDITOR_LOG: join(rootDir, '.cache', `test-vscode-${name}.log`),
  };
  try {
    const launchArgs = [
      open(join(folder, 'open')),
      `--user-data-dir=${join(folder, 'user')}`,
      `--extensions-dir=${join(folder, 'extensions')}`,
    ];
    await start(executable, { name, hasTrust, launchArgs, env });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (existsSync(resultFile)) return JSON.parse(readFileSync(resultFile, 'utf8'));
  console.error(`The window "${name}" ended without a result.`);
  return { passed: 0, failed: 1, skipped: 0, files: [], retried: [] };
}

async function start(executable, { name, hasTrust, launchArgs, env }) {
  const extensionTestsPath = join(bundlesDir, name, 'index.cjs');
  if (hasTrust) {
    const { runTests } = await import('@vscode/test-electron');
    const options = { launchArgs, extensionTestsEnv: env, extensionTestsPath };
    // A failure is in the result file, which says more than the exit code.
    await runTests({ ...options, vscodeExecutablePath: executable, extensionDevelopmentPath: rootDir }).catch(
      (error) => console.error(error.message),
    );
    return;
  }
  // test-electron always switches workspace trust off.
  const args = [
    ...launchArgs,
    ...[
      '--no-sandbox',
      '--disable-gpu-sandbox',
      '--disable-updates',
      '--skip-welcome',
      '--skip-release-notes',
    ],
    `--extensionTestsPath=${extensionTestsPath}`,
    `--extensionDevelopmentPath=${rootDir}`,
  ];
  const child = spawn(executable, args, { env: { ...process.env, ...env }, stdio: 'inherit' });
  await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
}

/** Bundles every test file to CommonJS, which the extension host loads, and the suite that runs those beside it. */
async function bundle(files) {
  const esbuild = await import('esbuild');
  rmSync(bundlesDir, { recursive: true, force: true });
  mkdirSync(bundlesDir, { recursive: true });
  const suite = join(rootDir, 'test', 'vscode', 'suite.ts');
  const windows = new Set(files.map(windowOf));
  const entries = [
    ...files.map((file) => ({ in: file, out: `${windowOf(file)}/${basename(file, '.ts')}` })),
    ...[...windows].map((name) => ({ in: suite, out: `${name}/index` })),
  ];
  await esbuild.build({
    absWorkingDir: rootDir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: 'inline',
    logLevel: 'warning',
    external: ['vscode', 'mocha', 'onnxruntime-node', 'sharp', 'esbuild', 'playwright-core'],
    entryPoints: entries,
    outdir: bundlesDir,
    outExtension: { '.js': '.cjs' },
    plugins: [{ name: 'own-address', setup: keepOwnAddress }],
  });
}

/** CommonJS has no import.meta: modules keep the address they have as sources, from which they find the repository. */
function keepOwnAddress(builder) {
  builder.onLoad({ filter: /[\\/](?:src|test|scripts)[\\/].*\.m?[jt]s$/ }, ({ path }) => {
    if (path.includes('node_modules')) return undefined;
    const text = readFileSync(path, 'utf8').replaceAll('import.meta.url', `'${pathToFileURL(path).href}'`);
    return { contents: text, loader: path.endsWith('.ts') ? 'ts' : 'js' };
  });
}

function windowOf(file) {
  return relative(join(rootDir, 'test', 'vscode'), file).split(/[\\/]/)[0];
}

/** The test file that a bundle was made of. */
function sourceOf(bundled) {
  const name = relative(bundlesDir, bundled).replace(/\.cjs$/, '.ts');
  return join(rootDir, 'test', 'vscode', name);
}

/** Test files of the tier; those of a folder that is no window run nowhere, so they are an error. */
export function vscodeTestFiles() {
  const dir = join(rootDir, 'test', 'vscode');
  const folders = readdirSync(dir, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== 'host',
  );
  const strange = folders.filter((folder) => editorWindows[folder.name] === undefined);
  if (strange.length > 0) {
    throw new Error(
      `test/vscode/${strange[0].name} is no window of the editor; scripts/editor/windows.mjs lists those.`,
    );
  }
  return folders
    .flatMap((folder) => readdirSync(join(dir, folder.name)).map((name) => join(dir, folder.name, name)))
    .filter((file) => file.endsWith('.test.ts'))
    .sort();
}
