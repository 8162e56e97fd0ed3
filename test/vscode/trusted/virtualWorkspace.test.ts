import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { activeApp, openSample, useMessages } from '../../support/editorHost.js';

/** A file system of one model, as an extension for remote repositories has. */
class OneModel implements vscode.FileSystemProvider {
  private readonly content: Uint8Array;
  readonly onDidChangeFile = new vscode.EventEmitter<vscode.FileChangeEvent[]>().event;

  constructor(content: Uint8Array) {
    this.content = content;
  }

  stat(): vscode.FileStat {
    return { type: vscode.FileType.File, ctime: 0, mtime: 0, size: this.content.length };
  }

  readFile(): Uint8Array {
    return this.content;
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(): void {
    throw vscode.FileSystemError.NoPermissions();
  }

  writeFile(): void {
    throw vscode.FileSystemError.NoPermissions();
  }

  delete(): void {
    throw vscode.FileSystemError.NoPermissions();
  }

  rename(): void {
    throw vscode.FileSystemError.NoPermissions();
  }
}

describe('a model of a virtual workspace', () => {
  const said = useMessages();
  let registration: vscode.Disposable;

  before(async () => {
    await activeApp();
    const content = await vscode.workspace.fs.readFile(openSample('dying-relu').model);
    registration = vscode.workspace.registerFileSystemProvider('onemodel', new OneModel(content));
  });

  after(() => {
    registration.dispose();
  });

  it('is refused in words that name it and say what to do', async () => {
    await vscode.commands.executeCommand(
      'neuronInspector.inspectModel',
      vscode.Uri.parse('onemodel:/far/away/remote-model.onnx'),
    );
    assert.equal(said().texts.length, 1);
    assert.match(said().texts[0] ?? '', /remote-model\.onnx is in a virtual workspace\. Copy the file/);
  });
});
