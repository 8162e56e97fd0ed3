import assert from 'node:assert/strict';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { activeApp, openSample, questionAbout, runToEnd } from '../../support/editorHost.js';

describe('a workspace of two folders', function () {
  this.timeout(60_000);

  it('lists the models of both', async () => {
    assert.equal(vscode.workspace.workspaceFolders?.length, 2);
    const app = await activeApp();
    const models = await app.trees.models.getChildren();
    const names = models.flatMap((node) => (node.kind === 'model' ? [basename(node.uri.fsPath)] : []));
    assert.deepEqual(names.sort(), ['digits-cnn.onnx', 'dying-relu.onnx']);
  });

  it('ties each model to the data of its own folder', async () => {
    const app = await activeApp();
    await app.models.searched;
    for (const name of ['digits-cnn', 'dying-relu'] as const) {
      const { model, inspectFile } = openSample(name);
      assert.equal(app.models.find(model)?.dataPath, inspectFile.fsPath);
    }
  });

  it('keeps results of both apart', async () => {
    const app = await activeApp();
    const samples = [openSample('digits-cnn'), openSample('dying-relu')];
    for (const sample of samples) await runToEnd(app, questionAbout(sample, { limit: 100 }));
    for (const { model } of samples) {
      assert.equal(app.results.latest(model.fsPath, 'dead-neurons')?.modelPath, model.fsPath);
    }
  });

  it('forgets the models of a folder that is closed', async () => {
    const app = await activeApp();
    const gone = openSample('dying-relu').model;
    const forgotten = new Promise((resolve) => {
      const listener = app.models.onDidChange(() => {
        if (app.models.find(gone) !== undefined) return;
        listener.dispose();
        resolve(undefined);
      });
    });
    assert.ok(vscode.workspace.updateWorkspaceFolders(1, 1));
    await forgotten;
    assert.equal((await app.trees.models.getChildren()).length, 1);
  });
});
