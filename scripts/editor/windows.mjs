// The windows of the editor that tests run in: a folder of test/vscode for each, and what is open in it.
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootDir } from '../setup.mjs';

/** By folder name under test/vscode: whether the editor trusts every folder, and what `open` puts into an empty folder. */
export const editorWindows = {
  trusted: { hasTrust: true, open: (folder) => copySamples(join(folder, 'samples')) },
  restricted: { hasTrust: false, open: (folder) => copySamples(join(folder, 'samples')) },
  multiRoot: { hasTrust: true, open: writeMultiRoot },
};

/** What an extension's folder holds of what its users get, beside the translations of its manifest. */
const installedParts = new Set([
  ...['package.json', 'package.nls.json', 'README.md', 'CHANGELOG.md', 'l10n'],
  ...['dist', 'media', 'node_modules', 'main.js'],
]);

/** Copies the sample models into a folder and returns it: tests may write beside them. */
export function copySamples(folder) {
  mkdirSync(folder, { recursive: true });
  for (const sample of ['digits-cnn', 'dying-relu']) {
    cpSync(join(rootDir, 'sample-models', sample), join(folder, sample), { recursive: true });
  }
  return folder;
}

/** Writes a workspace of two folders with a sample each and returns its file. */
function writeMultiRoot(folder) {
  for (const sample of ['digits-cnn', 'dying-relu']) {
    cpSync(join(rootDir, 'sample-models', sample), join(folder, sample), { recursive: true });
  }
  const file = join(folder, 'both.code-workspace');
  const folders = [{ path: 'digits-cnn' }, { path: 'dying-relu' }];
  writeFileSync(file, JSON.stringify({ folders, settings: {} }, null, 2));
  return file;
}

/** Puts unpacked extensions where a new server takes them for installed: as its users have them, without a package. */
export function installUnpacked(extensionsDir, sources) {
  for (const source of sources) {
    const { publisher, name, version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
    const target = join(extensionsDir, `${publisher}.${name}-${version}`);
    mkdirSync(target, { recursive: true });
    for (const part of readdirSync(source).filter((part) => installedParts.has(part))) {
      symlinkSync(join(source, part), join(target, part));
    }
  }
}
