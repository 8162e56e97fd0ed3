import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { getL10nPseudoLocalized } from '@vscode/l10n-dev';
import manifest from '../../package.json' with { type: 'json' };
import { hasEditorWindow, useEditorWindow, type WindowFolders } from '../support/editorWindow.js';
import { hostVsix, unpackVsix } from '../support/packagedExtension.js';

/** The language that translators' tools use to try texts out: every letter changed, every text longer. */
const pseudo = 'qps-ploc';
const extensionName = `${manifest.publisher}.${manifest.name}-${manifest.version}`;

// A language that nobody speaks shows which texts come from the bundles: all others stay English.
(hasEditorWindow ? describe : describe.skip)(
  'the extension in another language (needs the host editor and Chromium)',
  function () {
    this.timeout(180_000);
    const window = useEditorWindow({ install: installTranslated, language: pseudo });

    it('names its container and views from the texts of the manifest', async () => {
      const { page } = window;
      await page.getByRole('tab', { name: translated('package.nls', 'views.container.title') }).click();
      for (const view of ['models', 'analyses', 'results']) {
        const name = translated('package.nls', `views.${view}.name`);
        await page.getByRole('button', { name: `${name} Section` }).waitFor();
      }
    });

    it('says in a view what the next step is', async () => {
      const title = translated('package.nls', 'commands.runAnalysis.title');
      await window.page.getByRole('button', { name: title }).first().waitFor();
    });

    it('fills the tree of models from the bundle, values in their places', async () => {
      const layers = translated('l10n/bundle.l10n', '{0} layers').replace('{0}', '4');
      const model = window.page.getByRole('treeitem', { name: /dying-relu\.onnx/ });
      await model.filter({ hasText: layers }).waitFor();
    });

    it('translates what the registry of analyses declares', async () => {
      for (const text of ['Is this network healthy?', 'Dead neurons']) {
        const name = translated('l10n/bundle.l10n', text);
        await window.page.getByRole('treeitem').filter({ hasText: name }).first().waitFor();
      }
    });

    function translated(bundle: string, key: string): string {
      const path = join(window.folders.extensionsDir, extensionName, `${bundle}.${pseudo}.json`);
      const text = (JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>)[key];
      assert(text !== undefined && text !== key, key);
      return text;
    }
  },
);

/** Puts the package in place as the editor does, with a translation of all its texts beside them. */
function installTranslated({ root, extensionsDir }: WindowFolders): void {
  const extension = join(extensionsDir, extensionName);
  mkdirSync(dirname(extension), { recursive: true });
  renameSync(unpackVsix(hostVsix(), join(root, 'unpacked')), extension);
  for (const bundle of ['package.nls', 'l10n/bundle.l10n']) {
    const english = JSON.parse(readFileSync(join(extension, `${bundle}.json`), 'utf8')) as Record<
      string,
      string
    >;
    writeFileSync(
      join(extension, `${bundle}.${pseudo}.json`),
      JSON.stringify(getL10nPseudoLocalized(english)),
    );
  }
}
