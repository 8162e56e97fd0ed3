// The windows of the editor that tests run in: a folder of test/vscode for each, and what is open in it.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootDir } from '../setup.mjs';

/** By folder name under test/vscode: whether the editor trusts every folder, and what `open` puts into an empty folder. */
export const editorWindows = {
  trusted: { hasTrust: true, open: (folder) => copySamples(join(folder, 'samples')) },
  restricted: { hasTrust: false, open: (folder) => copySamples(join(folder, 'samples')) },
  multiRoot: { hasTrust: true, open: writeMultiRoot },
};

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
