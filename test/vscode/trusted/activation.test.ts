import assert from 'node:assert/strict';
import * as vscode from 'vscode';

const extensionId = 'neuron-inspector.neuron-inspector';

describe('the extension', () => {
  it('activates and has its command', async () => {
    const extension = vscode.extensions.getExtension(extensionId);
    assert.ok(extension, `${extensionId} is not installed`);
    await extension.activate();
    assert.equal(extension.isActive, true);
    const commands = await vscode.commands.getCommands(true);
    assert.ok(commands.includes('neuronInspector.inspectModel'));
  });
});
