import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { type Proposal, saveProposal } from '../../../src/extension/run/inspectFileProposal.js';
import { activeApp, useMessages } from '../../support/editorHost.js';

describe('an inspect file that is saved elsewhere', () => {
  const said = useMessages();
  const original = vscode.window.showSaveDialog;
  const window = vscode.window as { showSaveDialog: () => Thenable<vscode.Uri | undefined> };
  let folder = '';
  let model: vscode.Uri;
  let proposal: Proposal;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'neuron-inspector-save-'));
    model = vscode.Uri.file(join(folder, 'x.onnx'));
    proposal = { path: join(folder, 'proposed.inspect.json'), textAt: () => '{}\n' };
  });

  afterEach(() => {
    vscode.window.showSaveDialog = original;
    rmSync(folder, { recursive: true });
  });

  async function saveAs(name: string): Promise<string | undefined> {
    window.showSaveDialog = () => Promise.resolve(vscode.Uri.file(join(folder, name)));
    const app = await activeApp();
    return saveProposal(app, model, { proposal, isElsewhere: true, column: vscode.ViewColumn.One });
  }

  it('gets the ending under which it is found', async () => {
    assert.equal(await saveAs('mine.json'), join(folder, 'mine.inspect.json'));
    assert.equal(readFileSync(join(folder, 'mine.inspect.json'), 'utf8'), '{}\n');
    assert.deepEqual(said().texts, []);
  });

  it('replaces a file that only the ending leads to when the person says so, and not otherwise', async () => {
    const there = join(folder, 'mine.inspect.json');
    writeFileSync(there, 'precious');
    assert.equal(await saveAs('mine'), undefined);
    assert.match(said().texts.join(), /^mine\.inspect\.json exists already/);
    assert.equal(readFileSync(there, 'utf8'), 'precious');
    said().answer = 'Replace';
    assert.equal(await saveAs('mine'), there);
    assert.equal(readFileSync(there, 'utf8'), '{}\n');
  });
});
