import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { hostEditor } from '../../scripts/editor/hostEditor.mjs';
import { hasEditorWindow, useEditorWindow, type WindowFolders } from '../support/editorWindow.js';
import { hostVsix } from '../support/packagedExtension.js';
import { StoryWindow } from '../support/storyEditor.js';

// The whole way of a package: made here, installed by the editor's own command, used by a person.
(hasEditorWindow ? describe : describe.skip)(
  'the installed package (needs the host editor and Chromium)',
  function () {
    this.timeout(180_000);
    const window = useEditorWindow({ install: installPackage });

    it('is known to the editor under its id and version', () => {
      const list = JSON.parse(
        readFileSync(join(window.folders.extensionsDir, 'extensions.json'), 'utf8'),
      ) as { identifier: { id: string }; version: string }[];
      assert.deepEqual(
        list.map(({ identifier, version }) => `${identifier.id} ${version}`),
        [`neuron-inspector.neuron-inspector ${manifest.version}`],
      );
    });

    it('lists the models of the workspace in its side bar', async () => {
      const { page } = window;
      await page.getByRole('tab', { name: 'Neuron Inspector' }).click();
      await page.getByRole('treeitem', { name: /dying-relu\.onnx.*4 layers/ }).waitFor();
      await page.getByRole('treeitem', { name: /digits-cnn\.onnx/ }).waitFor();
    });

    it('opens a model in its own editor', async () => {
      const person = new StoryWindow(window.page);
      await person.chooseInMenu(person.treeItem(/^digits-cnn\.onnx/), 'Inspect Model');
      const model = await person.view('model');
      await model.getByText('4 layers · 105,866 parameters · opset 17').waitFor();
    });

    it('runs an analysis with the runtime it brings', async () => {
      const person = new StoryWindow(window.page);
      await person.chooseInMenu(person.treeItem(/^dying-relu\.onnx/), 'Run Analysis…');
      await person.pick('Dead neurons');
      await person.pick(/^Run now/);
      const report = await person.view('report');
      await report
        .getByText(/^138 of 448 neurons/)
        .first()
        .waitFor();
    });
  },
);

function installPackage({ extensionsDir, serverDir }: WindowFolders): void {
  const { status, stdout, stderr } = spawnSync(
    hostEditor.node,
    [
      hostEditor.server,
      ...['--accept-server-license-terms', '--server-data-dir', serverDir],
      ...['--extensions-dir', extensionsDir, '--install-extension', hostVsix()],
    ],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  assert.match(stdout, /neuron-inspector.*was successfully installed/);
}
