import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { App } from '../../../src/extension/app.js';
import {
  activeApp,
  activeViewType,
  openSample,
  questionAbout,
  until,
  useMessages,
} from '../../support/editorHost.js';

const sample = openSample('dying-relu');

describe('in Restricted Mode', () => {
  const said = useMessages();
  let app: App;

  before(async () => {
    app = await activeApp();
    assert.equal(vscode.workspace.isTrusted, false, 'the window trusts its folder');
  });

  it('the structure of models can be read', async () => {
    const layers = await app.trees.models.getChildren({ kind: 'model', uri: sample.model });
    const names = layers.flatMap((node) => (node.kind === 'layer' ? [node.layer.name] : []));
    assert.deepEqual(names.slice(0, 2), ['fc1', 'fc2']);
  });

  it('a model opens in its editor', async () => {
    await vscode.commands.executeCommand('neuronInspector.inspectModel', sample.model);
    assert.equal(activeViewType(), 'neuronInspector.model');
    assert.deepEqual(said().texts, []);
  });

  it('a run is refused with words, and no process of the engine starts', async () => {
    const end = await (await app.runner.start(questionAbout(sample))).ended;
    assert.equal(end.kind, 'refused');
    assert.ok(end.error instanceof Error);
    assert.match(end.error.message, /Restricted Mode.*Trust the workspace/);
    assert.equal(app.engine.pid, undefined);
    assert.equal(app.engine.state.kind, 'off');
  });

  it('a question opens its settings, which say what is missing, and asks nothing', async () => {
    await vscode.commands.executeCommand('neuronInspector.run.dead-neurons', sample.model);
    await until(() => activeViewType() === 'neuronInspector.run', 'no form opened');
    assert.deepEqual(app.runner.active, []);
    assert.equal(app.engine.pid, undefined);
  });

  it('the engine answers no other question either', async () => {
    const { fsPath: modelPath } = sample.model;
    await assert.rejects(
      app.engine.ask({ kind: 'describe-data', modelPath, dataPath: sample.inspectFile.fsPath }),
      /Restricted Mode/,
    );
    await assert.rejects(app.engine.ask({ kind: 'measure', modelPath, provider: 'cpu' }), /Restricted Mode/);
    assert.equal(app.engine.pid, undefined);
  });
});
