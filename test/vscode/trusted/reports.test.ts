import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { App } from '../../../src/extension/app.js';
import { activeApp, openSample, questionAbout, runToEnd, until } from '../../support/editorHost.js';
import { makeReport } from '../../support/makeReport.js';

const sample = openSample('dying-relu');

/** Titles of the tabs that hold pages of ours. */
function pageTitles(): string[] {
  return vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .filter(({ input }) => input instanceof vscode.TabInputWebview)
    .map(({ label }) => label);
}

describe('reports in the editor', function () {
  this.timeout(60_000);
  let app: App;

  before(async () => {
    app = await activeApp();
  });

  it('shows a run, and its report, in one page beside the code', async () => {
    const run = await app.runner.start(questionAbout(sample));
    await app.navigation.showRun(run);
    await until(() => pageTitles().includes('Dead neurons · dying-relu'), 'the page of the run did not open');
    await run.ended;
    await app.navigation.openResult(run.id);
    assert.equal(pageTitles().filter((title) => title === 'Dead neurons · dying-relu').length, 1);
  });

  it('compares two results in a page of their own', async () => {
    const first = await runToEnd(app, questionAbout(sample, { limit: 500 }));
    const second = await runToEnd(app, questionAbout(sample, { limit: 1000 }));
    assert.ok(first.result !== undefined && second.result !== undefined);
    await app.navigation.openComparison(
      { kind: 'result', id: first.result.id },
      { kind: 'result', id: second.result.id },
    );
    await until(() => pageTitles().includes('Dead neurons, compared'), 'no comparison opened', 20_000);
  });

  it('opens report files in its own editor, damaged ones too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ni-reports-'));
    const files = { 'good.nireport.json': JSON.stringify(makeReport()), 'bad.nireport.json': '{' };
    for (const [name, text] of Object.entries(files)) {
      const uri = vscode.Uri.file(join(folder, name));
      writeFileSync(uri.fsPath, text);
      await vscode.commands.executeCommand('vscode.open', uri);
      await until(
        () => vscode.window.tabGroups.activeTabGroup.activeTab?.label === name,
        `${name} did not open`,
      );
      const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      assert.ok(input instanceof vscode.TabInputCustom, `${name} is not in a custom editor`);
      assert.equal(input.viewType, 'neuronInspector.report');
    }
  });
});
