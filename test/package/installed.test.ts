import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import manifest from '../../package.json' with { type: 'json' };
import { launchChromium } from '../../scripts/editor/browser.mjs';
import { findChromium } from '../../scripts/editor/chromium.mjs';
import { editorAddress, newEditorPage } from '../../scripts/editor/editorPage.mjs';
import { hostEditor } from '../../scripts/editor/hostEditor.mjs';
import { type EditorServer, startServer } from '../../scripts/editor/server.mjs';
import { copySamples } from '../../scripts/editor/windows.mjs';
import { hostVsix } from '../support/packagedExtension.js';

const isPossible = existsSync(hostEditor.server) && findChromium() !== undefined;

// The whole way of a package: made here, installed by the editor's own command, used by a person.
(isPossible ? describe : describe.skip)(
  'the installed package (needs the host editor and Chromium)',
  function () {
    this.timeout(180_000);
    let folder = '';
    let server: EditorServer | undefined;
    let browser: Browser | undefined;
    let page: Page;

    before(async () => {
      folder = realpathSync(mkdtempSync(join(tmpdir(), 'neuron-inspector-installed-')));
      const extensionsDir = join(folder, 'extensions');
      const { status, stdout, stderr } = spawnSync(
        hostEditor.node,
        [
          hostEditor.server,
          ...['--accept-server-license-terms', '--server-data-dir', join(folder, 'server')],
          ...['--extensions-dir', extensionsDir, '--install-extension', hostVsix()],
        ],
        { encoding: 'utf8' },
      );
      assert.equal(status, 0, stderr);
      assert.match(stdout, /neuron-inspector.*was successfully installed/);
      server = await startServer({
        dataDir: join(folder, 'server'),
        extensionsDir,
        args: ['--without-connection-token', '--disable-workspace-trust'],
      });
      browser = await launchChromium();
      page = await newEditorPage(browser);
      await page.goto(editorAddress(server, { open: copySamples(join(folder, 'work')) }));
    });

    after(async () => {
      await browser?.close();
      await server?.end();
      rmSync(folder, { recursive: true, force: true });
    });

    it('is known to the editor under its id and version', () => {
      const list = JSON.parse(readFileSync(join(folder, 'extensions', 'extensions.json'), 'utf8')) as {
        identifier: { id: string };
        version: string;
      }[];
      assert.deepEqual(
        list.map(({ identifier, version }) => `${identifier.id} ${version}`),
        [`neuron-inspector.neuron-inspector ${manifest.version}`],
      );
    });

    it('lists the models of the workspace in its side bar', async () => {
      await page.getByRole('tab', { name: 'Neuron Inspector' }).click();
      await page.getByRole('treeitem', { name: /dying-relu\.onnx/ }).waitFor();
      await page.getByRole('treeitem', { name: /digits-cnn\.onnx/ }).waitFor();
    });
  },
);
