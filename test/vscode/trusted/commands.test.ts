import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { commandOf } from '../../../src/extension/commands/commandTable.js';
import { idPrefix } from '../../../src/extension/manifest/contribution.js';
import { activeApp, activeViewType, extensionId, openSample, useMessages } from '../../support/editorHost.js';

interface Manifest {
  readonly contributes: { readonly commands: readonly { readonly command: string }[] };
}

describe('commands', () => {
  const said = useMessages();

  it('are all there once the extension is active: what package.json lists, and no more', async () => {
    await activeApp();
    const { contributes } = vscode.extensions.getExtension(extensionId)?.packageJSON as Manifest;
    const listed = contributes.commands.map(({ command }) => command).sort();
    const registered = (await vscode.commands.getCommands(true)).filter(
      // The editor adds commands of its own for views: focus, toggle, reset.
      (command) =>
        command.startsWith('neuronInspector.') &&
        !/^neuronInspector\.(models|analyses|results)\./.test(command),
    );
    assert.deepEqual(registered.sort(), listed);
    for (const command of listed) assert.equal(typeof commandOf(command.slice(idPrefix.length)), 'function');
  });

  it('Inspect Model opens the model in its editor', async () => {
    const { model } = openSample('digits-cnn');
    await vscode.commands.executeCommand('neuronInspector.inspectModel', model);
    assert.equal(activeViewType(), 'neuronInspector.model');
    assert.deepEqual(said().texts, []);
  });

  it('Copy Diagnostics copies versions, settings and the engine, and no path of the person', async () => {
    await activeApp();
    await vscode.commands.executeCommand('neuronInspector.copyDiagnostics');
    const text = await vscode.env.clipboard.readText();
    assert.match(text, /extension \d+\.\d+\.\d+, editor \d+\./);
    assert.match(text, /workspace trusted: true/);
    assert.match(text, /provider auto/);
    assert.doesNotMatch(text, /dying-relu\.onnx/);
  });

  it('Open Address leads to the neuron', async () => {
    const { model } = openSample('dying-relu');
    await vscode.commands.executeCommand('neuronInspector.openAddress', model, 'fc1[3]');
    assert.equal(activeViewType(), 'neuronInspector.neuron');
  });
});
