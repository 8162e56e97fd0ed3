import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchChromium } from '../scripts/editor/browser.mjs';
import { editorAddress, newEditorPage } from '../scripts/editor/editorPage.mjs';
import { ensureHostEditor, hostEditorObstacle } from '../scripts/editor/hostEditor.mjs';
import { startServer } from '../scripts/editor/server.mjs';
import { installUnpacked } from '../scripts/editor/windows.mjs';
import { rootDir } from '../test/support/paths.js';
import type { BenchRow } from './benchRow.js';
import { median } from './median.js';

// Activation over an empty extension's, by the extension host's own times (loading the code and calling `activate`), as
// the editor's list of running extensions shows them. A third extension activates both, the empty one first in every
// other reload, so that neither has the host to itself.

const reloads = 10;
const barMs = 50;
const name = 'activation over an empty extension, median of 10 reloads';

/** Measures activation in the browser-hosted editor. */
export async function run(): Promise<BenchRow[]> {
  const obstacle = hostEditorObstacle();
  if (obstacle !== undefined) return [{ name, bar: `≤ ${barMs} ms`, notMeasured: obstacle }];
  ensureHostEditor();
  const folder = mkdtempSync(join(tmpdir(), 'neuron-inspector-activation-'));
  try {
    const { ours, empty } = await measure(folder);
    const value = median(ours.map((ms, index) => ms - (empty[index] ?? 0)));
    return [
      { name, value, unit: 'ms', bar: `≤ ${barMs} ms`, ok: value <= barMs },
      { name: '  of that run, the empty extension alone', value: median(empty), unit: 'ms' },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Times {
  readonly ours: number[];
  readonly empty: number[];
}

async function measure(folder: string): Promise<Times> {
  const extensionsDir = join(folder, 'extensions');
  installUnpacked(extensionsDir, [rootDir, writeEmptyExtension(folder), writeActivatingExtension(folder)]);
  mkdirSync(join(folder, 'open'));
  const browser = await launchChromium();
  const server = await startServer({
    dataDir: join(folder, 'data'),
    extensionsDir,
    args: ['--without-connection-token', '--disable-workspace-trust'],
  });
  const times: Times = { ours: [], empty: [] };
  try {
    // Tall, as the list holds no rows beyond its edge.
    const page = await newEditorPage(browser, { height: 2400 });
    for (let reload = 0; reload < reloads; reload++) {
      await page.goto(editorAddress(server, { open: join(folder, 'open') }));
      times.ours.push(await activationMs(page, 'Neuron Inspector'));
      times.empty.push(await activationMs(page, 'Empty'));
    }
  } finally {
    await browser.close();
    await server.end();
  }
  return times;
}

/** Reads a time from the list of running extensions, which the activating extension has opened. */
async function activationMs(page: Page, displayName: string): Promise<number> {
  const row = page.locator('.runtime-extensions-editor .extension', {
    has: page.locator('.name', { hasText: new RegExp(`^${displayName}$`) }),
  });
  const time = row.locator('.activation-time', { hasText: /\d+ms/ });
  await time.waitFor({ timeout: 120_000 });
  const text = (await time.textContent()) ?? '';
  return Number(/(\d+)ms/.exec(text)?.[1]);
}

function writeEmptyExtension(folder: string): string {
  return writeExtension(join(folder, 'empty'), 'Empty', 'exports.activate = () => {};', []);
}

/** Activates both when the editor has started, in turn first, and then shows the list. */
function writeActivatingExtension(folder: string): string {
  const state = JSON.stringify(join(folder, 'reloads'));
  const source = `const { extensions, commands } = require('vscode');
const { appendFileSync, readFileSync } = require('node:fs');
exports.activate = async () => {
  appendFileSync(${state}, 'x');
  const ids = ['neuron-inspector.neuron-inspector', 'bench.empty'];
  if (readFileSync(${state}).length % 2 === 0) ids.reverse();
  for (const id of ids) await extensions.getExtension(id).activate();
  await commands.executeCommand('workbench.action.showRuntimeExtensions');
};`;
  return writeExtension(join(folder, 'activating'), 'Activating', source, ['onStartupFinished']);
}

function writeExtension(
  dir: string,
  displayName: string,
  source: string,
  activationEvents: readonly string[],
): string {
  mkdirSync(dir);
  writeFileSync(join(dir, 'main.js'), source);
  const manifest = {
    name: displayName.toLowerCase(),
    displayName,
    publisher: 'bench',
    version: '1.0.0',
    engines: { vscode: '^1.100.0' },
    main: './main.js',
    activationEvents,
  };
  writeFileSync(join(dir, 'package.json'), JSON.stringify(manifest));
  return dir;
}
