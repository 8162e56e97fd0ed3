import assert from 'node:assert/strict';
import childProcess from 'node:child_process';
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

  it('threads and memory reach the engine as they are set', async () => {
    await set('threads', 3);
    await set('memoryMegabytes', 64);
    const heard = await heardByEngine(app, () => runToEnd(app, questionAbout(sample, { limit: 100 })));
    const [run] = heard.filter(({ kind }) => kind === 'run');
    assert.equal(run?.['threadCount'], 3);
    assert.equal(run['memoryMegabytes'], 64);
    await set('threads', undefined);
    const [next] = await heardByEngine(app, () => runToEnd(app, questionAbout(sample, { limit: 101 })));
    assert.equal(next?.['kind'], 'run');
    assert.equal(next['threadCount'], undefined, 'the runtime chooses');
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

/** Returns the requests that a new engine is sent while something is done. */
async function heardByEngine(
  app: App,
  work: () => Promise<unknown>,
): Promise<Readonly<Record<string, unknown>>[]> {
  const heard: Readonly<Record<string, unknown>>[] = [];
  const original = childProcess.fork;
  const fork = (...given: Parameters<typeof original>): childProcess.ChildProcess => {
    const child = original(...given);
    const send = child.send.bind(child) as (...sent: unknown[]) => boolean;
    Object.assign(child, {
      send: (message: { readonly request?: Readonly<Record<string, unknown>> }, ...rest: unknown[]) => {
        if (message.request !== undefined) heard.push(message.request);
        return send(message, ...rest);
      },
    });
    return child;
  };
  app.engine.restart();
  Object.assign(childProcess, { fork });
  try {
    await work();
  } finally {
    Object.assign(childProcess, { fork: original });
  }
  return heard;
}
