import assert from 'node:assert/strict';
import * as vscode from 'vscode';

describe('hovers in Restricted Mode', () => {
  it('name layers and say that running is off', async () => {
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(folder);
    assert.equal(vscode.workspace.isTrusted, false);
    await vscode.extensions.getExtension('neuron-inspector.neuron-inspector')?.activate();
    const uri = vscode.Uri.joinPath(folder.uri, 'digits-cnn', 'training.py');
    const document = await vscode.workspace.openTextDocument(uri);
    const offset = document.getText().indexOf('self.fc1 = ') + 6;
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      uri,
      document.positionAt(offset),
    );
    const text = hovers
      .flatMap(({ contents }) => contents)
      .map((content) => (content instanceof vscode.MarkdownString ? content.value : ''))
      .join('\n');
    assert.match(text, /fc1.*64 neurons/u);
    assert.match(text, /not measured yet: running is off in Restricted Mode/u);
    assert.match(text, /command:neuronInspector\.manageTrust\)/u);
    assert.doesNotMatch(text, /measureNow/u);
  });
});
