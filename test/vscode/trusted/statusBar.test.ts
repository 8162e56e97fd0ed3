import assert from 'node:assert/strict';
import type { Disposable, StatusBarItem } from 'vscode';
import * as vscode from 'vscode';
import type { App } from '../../../src/extension/app.js';
import { createStatusBar } from '../../../src/extension/statusBar.js';
import {
  activeApp,
  openSample,
  questionAbout,
  runToEnd,
  startLongRun,
  until,
} from '../../support/editorHost.js';

const sample = openSample('dying-relu');

describe('the status bar', function () {
  this.timeout(60_000);
  const subscriptions: Disposable[] = [];
  let app: App;
  let item: StatusBarItem;

  before(async () => {
    app = await activeApp();
    await runToEnd(app, questionAbout(sample, { limit: 100 }));
    item = createdItem(() => {
      createStatusBar(app, subscriptions);
    });
  });

  after(() => {
    for (const subscription of subscriptions) subscription.dispose();
  });

  it('says which provider is in use, and lets another be chosen', () => {
    assert.equal(item.text, '$(circuit-board) CPU');
    assert.equal(item.accessibilityInformation?.label, 'Neuron Inspector: CPU');
    assert.equal(item.command, 'neuronInspector.chooseProvider');
  });

  it('says what runs and how far it is, and leads to it', async () => {
    const run = await startLongRun(app, sample);
    await until(() => /^\$\(loading~spin\) Dead neurons \d+ %$/.test(item.text), item.text);
    assert.equal(item.command, 'neuronInspector.showRun');
    run.cancel();
    await run.ended;
    await until(() => item.text === '$(circuit-board) CPU', item.text);
  });

  it('warns when the engine was lost, with the log behind it, until it runs again', async () => {
    const run = await startLongRun(app, sample);
    process.kill(app.engine.pid ?? 0, 'SIGKILL');
    await run.ended;
    await until(() => item.text === '$(warning) Engine lost', item.text);
    assert.equal(item.command, 'neuronInspector.showOutput');
    await runToEnd(app, questionAbout(sample, { limit: 100 }));
    await until(() => item.text === '$(circuit-board) CPU', item.text);
  });
});

/** Returns the item of the status bar that is made meanwhile. */
function createdItem(make: () => void): StatusBarItem {
  const window = vscode.window as { createStatusBarItem: (...given: unknown[]) => StatusBarItem };
  const original = window.createStatusBarItem;
  let created: StatusBarItem | undefined;
  window.createStatusBarItem = (...given) => (created = original(...given));
  try {
    make();
  } finally {
    window.createStatusBarItem = original;
  }
  assert.ok(created, 'no item was made');
  return created;
}
