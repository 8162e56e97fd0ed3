import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { encodePng } from '../../../src/base/png.js';
import type { App } from '../../../src/extension/app.js';
import type { EndState, LiveRun } from '../../../src/extension/run/liveRun.js';
import { activeApp, openSample, takeLine, until, useAskedLists } from '../../support/editorHost.js';

const sample = openSample('digits-cnn');
const explain = 'neuronInspector.explainPrediction';

describe('a prediction that is explained', function () {
  this.timeout(90_000);
  const lists = useAskedLists();
  let app: App;

  before(async () => {
    app = await activeApp();
    await app.models.searched;
  });

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  async function runOf(lead: Thenable<unknown>): Promise<LiveRun> {
    await lead;
    const run = app.runner.active.at(-1);
    assert.ok(run, 'nothing runs');
    return run;
  }

  async function endOf(run: LiveRun): Promise<Extract<EndState, { readonly kind: 'ended' }>> {
    const end = await run.ended;
    assert.ok(end.kind === 'ended', end.kind === 'refused' ? end.error.message : '');
    return end;
  }

  /** A picture of one's own, which belongs to no data of the workspace. */
  function picture(name: string): vscode.Uri {
    const path = join(mkdtempSync(join(tmpdir(), 'ni-explain-')), name);
    const levels = Uint8Array.from({ length: 28 * 28 }, (_, i) => (i % 28 > 12 && i % 28 < 16 ? 255 : 0));
    writeFileSync(path, encodePng(28, 28, levels, 1));
    return vscode.Uri.file(path);
  }

  it('is that of the first sample of an inspect file, on its model', async () => {
    const run = await runOf(vscode.commands.executeCommand(explain, sample.inspectFile));
    assert.equal(run.request.modelPath, sample.model.fsPath);
    assert.equal(run.request.dataPath, sample.inspectFile.fsPath);
    assert.equal(run.request.settings['rows'], '0');
    const { report } = await endOf(run);
    assert.equal(report.analysis, 'attribution');
    assert.equal(report.data?.usedCount, 1);
  });

  it('of a picture of one’s own asks which model it is for, once for its folder, and is fed as that model’s data', async () => {
    const mine = picture('mine.png');
    const asked = vscode.commands.executeCommand(explain, mine);
    await takeLine(lists(), 1, 'digits-cnn.onnx');
    const run = await runOf(asked);
    assert.equal(run.request.dataPath, mine.fsPath);
    assert.equal(run.request.describedBy, sample.inspectFile.fsPath);
    const { report } = await endOf(run);
    assert.equal(report.status, 'complete');
    assert.equal(report.data?.describedBy, sample.inspectFile.fsPath);
    assert.ok(report.blocks.some(({ type }) => type === 'overlay'));
    const again = await runOf(vscode.commands.executeCommand(explain, mine));
    assert.equal(lists().length, 1);
    assert.equal(again.request.modelPath, sample.model.fsPath);
    await endOf(again);
    const other = vscode.commands.executeCommand('neuronInspector.explainWithModel', mine);
    await takeLine(lists(), 2, 'dying-relu.onnx');
    await endOf(await runOf(other));
  });

  it('says what is wrong where the file does not fit the model', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'ni-explain-')), 'rows.csv');
    writeFileSync(path, 'a,b\n1,2\n3,4\n');
    const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path));
    const editor = await vscode.window.showTextDocument(document);
    editor.selection = new vscode.Selection(2, 0, 2, 0);
    const asked = vscode.commands.executeCommand(explain);
    await takeLine(lists(), 1, 'digits-cnn.onnx');
    const run = await runOf(asked);
    // The row that the cursor is in.
    assert.equal(run.request.settings['rows'], '1');
    const end = await run.ended;
    const message = end.kind === 'refused' ? end.error.message : (end.error?.message ?? '');
    assert.match(message, /image.*rows\.csv|rows\.csv.*image|columns|784/s);
  });

  it('is offered above the lines of an inspect file, and not where the setting is off', async () => {
    const document = await vscode.workspace.openTextDocument(sample.inspectFile);
    await vscode.window.showTextDocument(document);
    const lensesNow = (): Thenable<vscode.CodeLens[]> =>
      vscode.commands.executeCommand('vscode.executeCodeLensProvider', document.uri);
    const own = (await lensesNow()).filter(({ command }) => command?.command.startsWith('neuronInspector.'));
    assert.deepEqual(
      own.map(({ command }) => command?.title),
      ['Run analysis…', 'Explain first sample'],
    );
    const [, first] = own;
    assert.match(document.lineAt(first!.range.start.line).text, /"path"/);
    const { command, arguments: given = [] } = first!.command!;
    const run = await runOf(vscode.commands.executeCommand(command, ...(given as unknown[])));
    assert.equal(run.request.settings['rows'], '0');
    run.cancel();
    await run.ended;
    const settings = vscode.workspace.getConfiguration('neuronInspector');
    await settings.update('codeLens.enabled', false, vscode.ConfigurationTarget.Global);
    try {
      const left = (await lensesNow()).filter(({ command }) =>
        command?.command.startsWith('neuronInspector.'),
      );
      assert.deepEqual(left, []);
    } finally {
      await settings.update('codeLens.enabled', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('is offered in a test at the sample that an assertion is about', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ni-lens-'));
    writeFileSync(join(folder, 'seven.png'), '');
    const test = vscode.Uri.file(join(folder, 'test_digits.py'));
    writeFileSync(test.fsPath, 'def test_it():\n    x = load("seven.png")\n    assert predict(x) == 7\n');
    await vscode.window.showTextDocument(test);
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
      'vscode.executeCodeLensProvider',
      test,
    );
    assert.deepEqual(
      lenses.map(({ range, command }) => [range.start.line, command?.title]),
      [
        [1, 'Explain this prediction'],
        [2, 'Explain this prediction'],
      ],
    );
  });

  it('is compared with another method: both stand side by side when it has run', async () => {
    const first = await endOf(await runOf(vscode.commands.executeCommand(explain, sample.inspectFile)));
    assert.ok(first.result);
    const asked = vscode.commands.executeCommand('neuronInspector.compareWithOther', first.result.id);
    await takeLine(lists(), 1, 'occlusion');
    await until(() => app.runner.active.length > 0, 'no second run', 30_000);
    const [second] = app.runner.active;
    assert.equal(second?.request.settings['method'], 'occlusion');
    assert.equal(second.request.settings['rows'], '0');
    await asked;
    await until(
      () =>
        vscode.window.tabGroups.all
          .flatMap(({ tabs }) => tabs)
          .some(({ label }) => label.includes('compared')),
      'no comparison opened',
      30_000,
    );
  });
});
