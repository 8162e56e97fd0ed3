import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { App } from '../../../src/extension/app.js';
import type { ActivatedForTests } from '../../../src/extension/extension.js';
import { findingKey, mute, unmute } from '../../../src/extension/problems/mutedFindings.js';
import {
  activeApp,
  extensionId,
  openSample,
  questionAbout,
  runToEnd,
  until,
} from '../../support/editorHost.js';

const sample = openSample('dying-relu');

function ours(uri: vscode.Uri): vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(uri).filter(({ source }) => source === 'Neuron Inspector');
}

describe('findings in the editor', function () {
  this.timeout(60_000);
  let app: App;

  before(async () => {
    app = await activeApp();
    await app.models.searched;
    await runToEnd(app, questionAbout(sample));
    await until(() => ours(sample.code).length > 0, 'no problem is listed');
  });

  async function lineOf(text: string): Promise<number> {
    const document = await vscode.workspace.openTextDocument(sample.code);
    return document
      .getText()
      .split('\n')
      .findIndex((line) => line.includes(text));
  }

  it('stand on the line that makes the layer, with what helps', async () => {
    const line = await lineOf('self.fc1 =');
    const found = ours(sample.code).find(({ range }) => range.start.line === line);
    assert.match(found?.message ?? '', /neurons in fc1 never fire/);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider',
      sample.code,
      found?.range,
      vscode.CodeActionKind.QuickFix.value,
    );
    const commands = actions.flatMap(({ command }) => command?.command ?? []);
    for (const id of ['openResult', 'openAddress', 'muteFinding']) {
      assert.ok(commands.includes(`neuronInspector.${id}`), id);
    }
  });

  it('are no problem any more while they are muted', async () => {
    const before = ours(sample.code);
    const [stored] = app.results.results.filter(({ analysis }) => analysis === 'dead-neurons');
    assert.ok(stored);
    const { findings } = await app.results.load(stored.id);
    const finding = findings.find(({ message }) => message.includes('fc1') && message.includes('never'));
    assert.ok(finding);
    const key = findingKey(sample.model.fsPath, 'dead-neurons', finding);
    await mute(sample.model.fsPath, key, 'known');
    try {
      await until(() => ours(sample.code).length === before.length - 1, 'the finding is still listed');
    } finally {
      await unmute(sample.model.fsPath, key);
    }
    await until(() => ours(sample.code).length === before.length, 'the finding is not heard again');
  });

  it('stand above the classes and layers of the code in numbers', async () => {
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
      'vscode.executeCodeLensProvider',
      sample.code,
    );
    const titleAt = (line: number): string =>
      lenses.find(({ range }) => range.start.line === line)?.command?.title ?? '';
    assert.match(
      titleAt(await lineOf('class DyingRelu')),
      /^dying-relu · 4 layers · .* parameters · \d+ % dead/,
    );
    assert.match(
      titleAt(await lineOf('self.fc1 =')),
      /^Dense 256 · .* parameters · \d+ % dead · \d+ % sparse/,
    );
  });

  it('are tests where an inspect file has thresholds: one that is crossed fails on its line', async () => {
    const path = join(sample.folder.fsPath, 'limits.inspect.json');
    const inspect = JSON.parse(
      new TextDecoder().decode(await vscode.workspace.fs.readFile(sample.inspectFile)),
    ) as object;
    const thresholds = [{ analysis: 'dead-neurons', failOn: ['deadCount>1', 'deadCount>400'] }];
    writeFileSync(path, JSON.stringify({ ...inspect, thresholds }, null, 2));
    try {
      await app.models.refresh();
      const extension = vscode.extensions.getExtension<ActivatedForTests>(extensionId);
      const controller = extension?.exports.tests;
      assert.ok(controller);
      await controller.resolveHandler?.(undefined);
      const file = controller.items.get(path);
      const items = [...(file?.children ?? [])].map(([, item]) => item);
      assert.deepEqual(
        items.map(({ label, range }) => [label, range !== undefined]),
        [
          ['dead-neurons: deadCount>1', true],
          ['dead-neurons: deadCount>400', true],
        ],
      );
    } finally {
      rmSync(path);
      await app.models.refresh();
    }
  });
});
