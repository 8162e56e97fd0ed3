// `npm start`: installs, builds, answers one question about a sample model in the terminal, and opens the sample workspace
// in the real editor: desktop VS Code when `code` is there, else the browser-hosted one. `--headless` leaves the editor out.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensureHostEditor, hostEditorObstacle } from './editor/hostEditor.mjs';
import { ensureInstalled, rootDir, run } from './setup.mjs';

const workspace = join(rootDir, 'sample-models');
const nextStep =
  'Trust the folder when the editor asks (or choose Manage in the bar at the top). In its Explorer, open dying-relu, right-click dying-relu.onnx and choose Inspect Model; then Find dead neurons….';
const browserOnly = process.argv.includes('--browser');

ensureInstalled();
await build();
answerInTerminal();
if (!process.argv.includes('--headless')) await openEditor();

function answerInTerminal() {
  const sample = join('sample-models', 'dying-relu');
  const data = join(sample, 'dying-relu.inspect.json');
  const args = ['run', 'dead-neurons', join(sample, 'dying-relu.onnx'), '--data', data];
  console.log(`\n$ neuron-inspector ${args.join(' ')}\n`);
  run(process.execPath, [join(rootDir, 'dist', 'cli.js'), ...args]);
}

async function openEditor() {
  if (!browserOnly && openDesktop()) {
    console.log(`\nVS Code opened the sample models. ${nextStep}`);
    return;
  }
  const obstacle = hostEditorObstacle();
  if (obstacle !== undefined) {
    console.log(
      `\nTo see the editor part, install VS Code with its command "code" (its palette: "Shell Command: Install 'code' command in PATH") and run npm start again. ${obstacle}`,
    );
    return;
  }
  await openInBrowser();
}

/** Tells whether desktop VS Code took the workspace. */
function openDesktop() {
  const result = spawnSync('code', ['--new-window', `--extensionDevelopmentPath=${rootDir}`, workspace], {
    stdio: 'ignore',
    shell: process.platform === 'win32',
  });
  return result.status === 0;
}

/** Serves the editor to browsers of this machine that know the token, until Ctrl-C; results are kept for the next time. */
async function openInBrowser() {
  const { startServer } = await import('./editor/server.mjs');
  ensureHostEditor();
  const dataDir = join(rootDir, '.cache', 'editor');
  const extensionsDir = join(dataDir, 'extensions');
  installFrom(extensionsDir);
  const token = randomBytes(18).toString('base64url');
  const server = await startServer({ dataDir, extensionsDir, args: ['--connection-token', token] });
  const address = `${server.address}/?tkn=${token}&folder=${encodeURI(workspace)}`;
  console.log(`\nThe editor is ready. Open this address in a browser on this machine:\n\n  ${address}\n`);
  console.log(`${nextStep} Ctrl-C ends the editor.`);
  const end = async () => {
    await server.end();
    process.exit(0);
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
}

/** Makes the editor find this checkout among its extensions. */
function installFrom(extensionsDir) {
  // Made anew: the editor remembers what it found, and a checkout moves.
  rmSync(extensionsDir, { recursive: true, force: true });
  mkdirSync(extensionsDir, { recursive: true });
  const link = join(extensionsDir, 'neuron-inspector');
  if (!existsSync(link)) symlinkSync(rootDir, link, 'dir');
}
