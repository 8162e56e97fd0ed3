import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { App } from '../../../src/extension/app.js';
import { isLanguageModel } from '../../../src/extension/models/languageModels.js';
import { activeApp, until } from '../../support/editorHost.js';

describe('models that come and go by the folder', () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'neuron-inspector-moved-'));
  const name = 'moved.with.dots';
  let app: App;
  let inWorkspace: string;

  before(async () => {
    app = await activeApp();
    await app.models.searched;
    inWorkspace = join(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? assert.fail(), name);
    const sample = join(app.extensionUri.fsPath, 'sample-models', 'dying-relu');
    mkdirSync(join(elsewhere, name, 'deep'), { recursive: true });
    for (const end of ['onnx', 'inspect.json']) {
      cpSync(join(sample, `dying-relu.${end}`), join(elsewhere, name, 'deep', `dying-relu.${end}`));
    }
    writeFileSync(join(elsewhere, name, 'deep', 'tokenizer.model'), '');
  });

  afterEach(() => {
    if (existsSync(inWorkspace)) renameSync(inWorkspace, join(elsewhere, name));
  });

  after(() => {
    rmSync(elsewhere, { recursive: true });
  });

  const listed = (): number =>
    [
      ...app.models.models.map(({ uri }) => uri.fsPath),
      ...app.models.inspectFiles.map(({ path }) => path),
    ].filter((path) => path.startsWith(join(inWorkspace, 'deep'))).length;

  // The system tells of the folder alone.
  it('are listed when a folder that holds them is moved into the workspace, and not when it has left', async () => {
    renameSync(join(elsewhere, name), inWorkspace);
    await until(() => listed() === 2, `${listed()} of a model and its inspect file are known`);
    renameSync(inWorkspace, join(elsewhere, name));
    await until(() => listed() === 0, `${listed()} of a model and its inspect file are still known`);
  });

  it('are those of the last search when several are asked for at once', async () => {
    const first = app.models.refresh();
    renameSync(join(elsewhere, name), inWorkspace);
    // Shared by both, and begun after the first has ended.
    await Promise.all([app.models.refresh(), app.models.refresh(), first]);
    assert.equal(listed(), 2);
    // What is offered for language models is offered before it is read.
    const model = app.models.find(vscode.Uri.file(join(inWorkspace, 'deep', 'dying-relu.onnx')));
    assert.equal(model?.hasTokenizer, true);
    assert.equal(isLanguageModel({ structure: undefined, hasTokenizer: true }), true);
    assert.equal(isLanguageModel({ structure: new Error('damaged'), hasTokenizer: true }), false);
  });
});
