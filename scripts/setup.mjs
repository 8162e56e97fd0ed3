// Installs what the repository needs, once per lock file. Uses only Node's own modules: it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const rootDir = join(dirname(fileURLToPath(import.meta.url)), '..');
const oldestNode = [20, 19];

/** Ends the process with a clear message on a Node that is too old. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  console.error(
    `Neuron Inspector needs Node ${oldestNode.join('.')} or newer; this is ${process.versions.node}. Install a newer Node and run the command again.`,
  );
  process.exit(4);
}

/**
 * Runs `npm ci` when node_modules does not belong to the present lock file, and says what it did. Install scripts stay
 * off: nothing here needs one, and the runtime's would download CUDA.
 */
export function ensureInstalled() {
  requireNode();
  const lock = createHash('sha256')
    .update(readFileSync(join(rootDir, 'package-lock.json')))
    .digest('hex');
  const key = `${lock} node-${process.versions.modules} ${process.platform}-${process.arch}`;
  const stampFile = join(rootDir, 'node_modules', '.neuron-inspector-lock');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === key)
    return { installed: false, installMs: 0 };
  // `npm ci` would empty the folder behind a link, which belongs to whoever made it.
  if (lstatSync(dirname(stampFile), { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    console.error('node_modules is a link to an install of another lock file; run npm ci where it points.');
    return { installed: false, installMs: 0 };
  }
  const start = Date.now();
  console.log('Installing dependencies (once per lock file) …');
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    failure:
      'npm could not install the dependencies. Check the network or the registry and run the command again.',
  });
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, key);
  const installMs = Date.now() - start;
  console.log(`Dependencies installed in ${(installMs / 1000).toFixed(0)} s.`);
  return { installed: true, installMs };
}

/** Runs a command in the repository's root, its output shown; ends the process when it fails. */
export function run(command, args, { env = process.env, failure } = {}) {
  const result = spawnSync(command, args, {
    cwd: rootDir,
    env,
    stdio: 'inherit',
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (result.status === 0) return;
  if (failure !== undefined) console.error(failure);
  process.exit(result.status ?? 1);
}
