import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { App } from '../../../src/extension/app.js';
import { activeApp, openSample, questionAbout, runToEnd } from '../../support/editorHost.js';

const sample = openSample('dying-relu');

describe('the settings of runs', function () {
  this.timeout(60_000);
  let app: App;

  before(async () => {
    app = await activeApp();
  });

  afterEach(async () => {
    for (const name of ['threads', 'memoryMegabytes', 'engineNodePath', 'thresholds']) {
      await set(name, undefined);
    }
  });

  async function set(name: string, value: unknown): Promise<void> {
    const settings = vscode.workspace.getConfiguration('neuronInspector');
    await settings.update(name, value, vscode.ConfigurationTarget.Global);
  }

  it('less memory makes smaller batches, and neither it nor one thread changes a count', async () => {
    const asked = questionAbout(openSample('digits-cnn'), { limit: 500 });
    const { report: usual } = await runToEnd(app, asked);
    await set('memoryMegabytes', 16);
    await set('threads', 1);
    const { report } = await runToEnd(app, asked);
    assert.ok(report.batchSize < usual.batchSize, `${report.batchSize}, usually ${usual.batchSize}`);
    assert.deepEqual(report.metrics['deadCount'], usual.metrics['deadCount']);
  });

  it('thresholds cross, and the history says which', async () => {
    await set('thresholds', { 'dead-neurons': ['deadShare>0.1'] });
    const { result } = await runToEnd(app, questionAbout(sample, { limit: 500 }));
    assert.match(result?.crossed.join() ?? '', /deadShare/);
  });

  it("an engine's Node that is not there fails the run with words", async () => {
    await set('engineNodePath', '/nowhere/node');
    const { report, error } = await runToEnd(app, questionAbout(sample, { limit: 500 }));
    assert.equal(report.status, 'failed');
    assert.match(error?.message ?? '', /nowhere/);
  });
});
