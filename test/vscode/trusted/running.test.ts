import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { App } from '../../../src/extension/app.js';
import { loadAnalyses } from '../../../src/extension/loadAnalyses.js';
import { estimateRun } from '../../../src/extension/run/estimateRun.js';
import { findAnalysis } from '../../../src/runs/findAnalysis.js';
import { deadUnitsByHand } from '../../support/denseByHand.js';
import {
  activeApp,
  openSample,
  questionAbout,
  runToEnd,
  startLongRun,
  until,
} from '../../support/editorHost.js';

const sample = openSample('dying-relu');
describe('a run in the editor', function () {
  this.timeout(60_000);
  let app: App;

  before(async () => {
    app = await activeApp();
  });

  it('finds as many dead neurons as a forward pass by hand, and keeps report and arrays', async () => {
    const { report, result } = await runToEnd(app, questionAbout(sample));
    assert.equal(report.status, 'complete');
    const byHand = Object.values(await deadUnitsByHand(sample.folder.fsPath)).reduce((a, b) => a + b);
    const said = /^(\d+) of 448 neurons/.exec(report.summary)?.[1];
    // A unit that fires once by its last bit may differ between float32 and float64.
    assert.ok(Math.abs(Number(said) - byHand) <= 1, `${report.summary} By hand: ${byHand}`);
    assert.ok(result);
    const kept: unknown = JSON.parse(readFileSync(app.results.reportUri(result.id).fsPath, 'utf8'));
    assert.deepEqual(kept, JSON.parse(JSON.stringify(report)));
    assert.ok(existsSync(app.results.arraysDir(result.id).fsPath));
  });

  it('keeps the reports that a checkup puts together as results of their own', async () => {
    const { report, result } = await runToEnd(app, questionAbout(sample, { analysis: 'checkup', limit: 64 }));
    assert.ok(result);
    const kept = await app.results.load(result.id);
    const dead = kept.parts?.find(({ analysis }) => analysis === 'dead-neurons');
    const stored = app.results.latest(sample.model.fsPath, 'dead-neurons');
    assert.ok(stored);
    assert.equal(dead?.file, `../${stored.id}/report.nireport.json`);
    const single = await app.results.load(stored.id);
    assert.equal(single.summary, dead.summary);
    assert.ok(existsSync(join(app.results.arraysDir(stored.id).fsPath, 'arrays.json')));
    assert.equal(report.metrics['deadCount'], single.metrics['deadCount']);
  });

  it('reports progress that only grows, and the provider in use afterwards', async () => {
    const run = await app.runner.start(questionAbout(sample, { batchSize: 50 }));
    const fractions: number[] = [];
    run.onDidChange((state) => {
      if (state.kind === 'running') fractions.push(state.fractionDone);
    });
    assert.equal((await run.ended).kind, 'ended');
    assert.ok(fractions.length > 5, `${fractions.length} steps`);
    assert.deepEqual(
      fractions,
      [...fractions].sort((a, b) => a - b),
    );
    assert.deepEqual(app.engine.state, { kind: 'idle', provider: 'cpu' });
  });

  it('gives the same numbers for the same seed', async () => {
    const first = await runToEnd(app, questionAbout(sample));
    const second = await runToEnd(app, questionAbout(sample));
    assert.deepEqual(second.report.metrics, first.report.metrics);
  });

  it('does not keep the next one waiting for its estimate, which says that it was not alone', async () => {
    const run = await startLongRun(app, sample);
    const { pid } = app.engine;
    const asked = questionAbout(sample, { analysis: 'activation-sparsity' });
    const analysis = findAnalysis(await loadAnalyses(), asked.analysis);
    const { durationMs, how } = await estimateRun(app, asked, {
      analysis,
      signal: AbortSignal.timeout(30_000),
    });
    assert.equal(run.state.kind, 'running', 'the estimate came after the run');
    assert.ok(durationMs > 0);
    assert.match(how, /^from one batch of \d+ samples, timed beside another run$/);
    assert.equal(app.engine.pid, pid);
    assert.equal(app.engine.state.activity, 'Dead neurons');
    run.cancel();
    await run.ended;
  });

  it('leaves the extension host responsive', async () => {
    const run = await startLongRun(app, sample);
    const lags: number[] = [];
    let last = performance.now();
    const timer = setInterval(() => {
      lags.push(performance.now() - last - 10);
      last = performance.now();
    }, 10);
    await until(() => lags.length >= 50, 'the timer did not fire');
    clearInterval(timer);
    run.cancel();
    await run.ended;
    const lag = lags.sort((a, b) => a - b)[25] ?? NaN;
    assert.ok(lag < 50, `a timer of 10 ms was ${lag.toFixed(0)} ms late (median of 50)`);
  });
});

describe('a run that is cancelled', function () {
  this.timeout(60_000);

  it('reaches idle within 200 ms, keeps what it knew, and the next run works', async () => {
    const app = await activeApp();
    const durations: number[] = [];
    for (let attempt = 0; attempt < 3; attempt++) {
      const run = await startLongRun(app, sample);
      const start = performance.now();
      run.cancel();
      const end = await run.ended;
      await until(() => app.engine.state.kind === 'idle', 'the engine did not become idle');
      durations.push(performance.now() - start);
      assert.ok(end.kind === 'ended' && end.report.status === 'cancelled');
      assert.deepEqual(app.runner.active, []);
    }
    // The least of three: other processes of the machine only add.
    const shortest = Math.min(...durations);
    assert.ok(shortest < 200, `${shortest.toFixed(0)} ms`);
    const next = await runToEnd(app, questionAbout(sample, { limit: 200 }));
    assert.equal(next.report.status, 'partial', 'part of the data was asked for');
  });

  it('leaves the process of the reader alone: structure is still there at once', async () => {
    const app = await activeApp();
    const run = await startLongRun(app, sample);
    run.cancel();
    const structure = await app.reader.structure(openSample('digits-cnn').model);
    assert.equal(structure.inspection.outputs.length, 1);
    await run.ended;
  });
});

describe('an engine that is killed', function () {
  this.timeout(60_000);

  it('fails the run with words, is shown as lost, and starts anew with the next run', async () => {
    const app = await activeApp();
    const run = await startLongRun(app, sample);
    const { pid } = app.engine;
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGKILL');
    const end = await run.ended;
    assert.equal(end.kind, 'ended');
    assert.equal(end.report.status, 'failed');
    assert.match(end.error?.message ?? '', /engine/i);
    assert.equal(app.engine.state.kind, 'lost');
    const next = await runToEnd(app, questionAbout(sample, { limit: 200 }));
    assert.equal(next.report.status, 'partial', 'part of the data was asked for');
    assert.notEqual(app.engine.pid, pid);
    assert.equal(app.engine.state.kind, 'idle');
  });
});

describe('a run of what cannot be run', function () {
  this.timeout(60_000);

  it('says which file is missing and what to do', async () => {
    const app = await activeApp();
    const run = await app.runner.start(
      questionAbout(sample, {
        dataPath: sample.inspectFile.fsPath.replace('dying-relu.inspect', 'flying-relu.inspect'),
      }),
    );
    const end = await run.ended;
    assert.equal(end.kind, 'refused');
    assert.match(end.error.message, /flying-relu\.inspect\.json/);
    assert.deepEqual(app.runner.active, []);
  });
});
