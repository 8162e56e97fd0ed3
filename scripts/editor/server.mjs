// Starts the server of the host editor and ends it with everything it started.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostEditor } from './hostEditor.mjs';

/** Settings of the editor's user that keep a window quiet and offline, whatever is asked of it. */
const quietSettings = {
  'telemetry.telemetryLevel': 'off',
  'workbench.startupEditor': 'none',
  'workbench.editor.useModal': 'off',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'git.openRepositoryInParentFolders': 'never',
  'window.autoDetectColorScheme': false,
  'window.autoDetectHighContrast': false,
};

/**
 * Starts a server on a free port of the loopback address and returns `{ address, end, log }`. `dataDir` holds all it
 * writes; `settings` are the user's; `args` are its own flags. With `isQuiet` its log is kept and not shown.
 */
export async function startServer({ dataDir, extensionsDir, settings = {}, args = [], env = process.env }) {
  const userDir = join(dataDir, 'data', 'User');
  mkdirSync(userDir, { recursive: true });
  writeFileSync(join(userDir, 'settings.json'), JSON.stringify({ ...quietSettings, ...settings }, null, 2));
  const child = spawn(
    hostEditor.node,
    [
      hostEditor.server,
      ...['--host', '127.0.0.1', '--port', '0', '--accept-server-license-terms', '--disable-telemetry'],
      ...['--server-data-dir', dataDir, '--extensions-dir', extensionsDir ?? join(dataDir, 'extensions')],
      ...args,
    ],
    // A group of its own, so that the extension hosts it starts can be ended with it.
    { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  let log = '';
  const address = await new Promise((resolve, reject) => {
    const take = (chunk) => {
      log += chunk;
      const found = /Web UI available at http:\/\/[^:/\s]+:(\d+)/.exec(log);
      if (found !== null) resolve(`http://127.0.0.1:${found[1]}`);
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`The host editor's server ended (exit ${code}):\n${log}`)));
  });
  return { address, end: () => endGroup(child), log: () => log };
}

async function endGroup(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  signal(child, 'SIGTERM');
  const timer = setTimeout(() => signal(child, 'SIGKILL'), 5000);
  await gone;
  clearTimeout(timer);
  // Extension hosts outlive their server for hours, waiting for it to come back.
  signal(child, 'SIGKILL');
}

function signal(child, name) {
  try {
    process.kill(-child.pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
