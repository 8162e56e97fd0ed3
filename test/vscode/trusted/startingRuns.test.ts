import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { App } from '../../../src/extension/app.js';
import type { Report } from '../../../src/protocol/report.js';
import type { LiveRun } from '../../../src/extension/run/liveRun.js';
import { activeApp, openSample, takeLine, until, useAskedLists } from '../../support/editorHost.js';

const sample = openSample('dying-relu');

/** Whether a form of an analysis is open, in front or behind. */
function formIsOpen(analysis: string): boolean {
  return vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .some(
      ({ input, label }) =>
        input instanceof vscode.TabInputWebview &&
        label.includes(analysis) &&
        /neuronInspector\.run$/.test(input.viewType),
    );
}

describe('a question that is asked', function () {
  this.timeout(60_000);
  const lists = useAskedLists();
  let app: App;

  before(async () => {
    app = await activeApp();
  });

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
  });

  /** Runs a command and returns the run that it leads to. */
  async function runOf(lead: Thenable<unknown>): Promise<LiveRun> {
    await lead;
    const run = app.runner.active.at(-1);
    assert.ok(run, 'nothing runs');
    return run;
  }

  it('of a model leads over the analyses to a run on the data beside it', async () => {
    const asked = vscode.commands.executeCommand('neuronInspector.runAnalysis', sample.model);
    await takeLine(lists(), 1, 'Dead neurons');
    await takeLine(lists(), 2, 'Run now');
    const run = await runOf(asked);
    assert.equal(lists()[1]?.title, 'Dead neurons — dying-relu.onnx');
    assert.equal(run.request.modelPath, sample.model.fsPath);
    assert.equal(run.request.dataPath, sample.inspectFile.fsPath);
    assert.equal((await run.ended).kind, 'ended');
  });

  it('says how long the run takes before it starts', async () => {
    const asked = vscode.commands.executeCommand('neuronInspector.run.activation-sparsity', sample.model);
    await until(
      () => lists()[0]?.items.some(({ label }) => /^Run now \(.*(s|min)\)/.test(label)) === true,
      'no estimate came',
      30_000,
    );
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await asked;
    assert.deepEqual(app.runner.active, []);
  });

  it('of a folder of checkpoints leads over an analysis and its metric to a report that has those of the checkpoints', async () => {
    const asked = vscode.commands.executeCommand('neuronInspector.timelineOverCheckpoints', sample.folder, [
      sample.folder,
    ]);
    await takeLine(lists(), 1, 'Dead neurons');
    await takeLine(lists(), 2, 'Dead share');
    await takeLine(lists(), 3, 'Run now');
    const run = await runOf(asked);
    const { settings, modelPath } = run.request;
    assert.equal(modelPath, sample.model.fsPath);
    assert.deepEqual(settings, { checkpoints: sample.folder.fsPath, metrics: 'deadShare' });
    const end = await run.ended;
    assert.ok(end.kind === 'ended' && end.result !== undefined);
    const { parts = [], metrics } = await app.results.load(end.result.id);
    assert.deepEqual(
      parts.map(({ of, file }) => [of, file]),
      [['dying-relu', 'parts/dying-relu.dead-neurons.nireport.json']],
    );
    const uri = vscode.Uri.joinPath(app.results.reportUri(end.result.id), '..', parts[0]?.file ?? '');
    const part = JSON.parse(readFileSync(uri.fsPath, 'utf8')) as Report;
    assert.equal(part.metrics['deadShare'], metrics['lastValue']);
  });

  it('goes back to the list before', async () => {
    const asked = vscode.commands.executeCommand('neuronInspector.runAnalysis', sample.model);
    await takeLine(lists(), 1, 'Activation sparsity');
    await until(() => lists().length === 2, 'no second list');
    await until(() => lists()[1]?.buttons.length === 1, 'no way back');
    for (let attempt = 0; attempt < 50 && lists().length < 3; attempt++) {
      await vscode.commands.executeCommand('workbench.action.quickInputBack');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await takeLine(lists(), 3, 'Dead neurons');
    await until(
      () => lists()[3]?.title === 'Dead neurons — dying-relu.onnx',
      'the other question was not taken',
    );
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await asked;
  });

  it('is dropped by Escape, and nothing runs', async () => {
    const before = app.results.results.length;
    const asked = vscode.commands.executeCommand('neuronInspector.runAnalysis', sample.model);
    await until(() => lists().length === 1, 'no list');
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await asked;
    assert.deepEqual(app.runner.active, []);
    assert.equal(app.results.results.length, before);
  });

  it('opens its settings when they are to be changed', async () => {
    const asked = vscode.commands.executeCommand('neuronInspector.run.dead-neurons', sample.model);
    await takeLine(lists(), 1, 'Change settings');
    await asked;
    await until(() => formIsOpen('Dead neurons'), 'no form opened');
    assert.deepEqual(app.runner.active, []);
  });

  it('of a model without data beside it proposes the data of the workspace, and remembers the choice', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ni-no-data-'));
    const lonely = vscode.Uri.file(join(folder, 'lonely.onnx'));
    copyFileSync(sample.model.fsPath, lonely.fsPath);
    const first = vscode.commands.executeCommand('neuronInspector.run.dead-neurons', lonely);
    await takeLine(lists(), 1, 'dying-relu.inspect.json');
    await takeLine(lists(), 2, 'Run now');
    const run = await runOf(first);
    assert.equal(run.request.dataPath, sample.inspectFile.fsPath);
    assert.equal((await run.ended).kind, 'ended');
    const second = vscode.commands.executeCommand('neuronInspector.run.dead-neurons', lonely);
    await takeLine(lists(), 3, 'Run now');
    const again = await runOf(second);
    assert.equal(again.request.dataPath, sample.inspectFile.fsPath);
    await again.ended;
  });
});
