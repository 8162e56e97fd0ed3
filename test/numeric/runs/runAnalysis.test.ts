import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/base/errors.js';
import { silentLogger } from '../../../src/base/logger.js';
import { createRandom } from '../../../src/base/random.js';
import { openNpyFile } from '../../support/npyOf.js';
import { writeNpz } from '../../../src/data/npz.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import type { RunRequest } from '../../../src/protocol/engineMessages.js';
import { firstProblem, type Report } from '../../../src/protocol/report.js';
import { createEngineClient, type EngineClient } from '../../../src/runs/engineClient.js';
import { runAnalysis } from '../../../src/runs/runAnalysis.js';
import { runReport, type RunOutcome } from '../../../src/runs/runReport.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { rootDir } from '../../support/paths.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { testAnalyses } from '../../support/testAnalyses.js';

const entry = join(rootDir, 'test', 'support', 'testEngine.ts');
const sampleCount = 300;

describe('a run in the engine process', function () {
  this.timeout(20_000);
  const folder = useTemporaryFolder();
  let client: EngineClient;
  let request: RunRequest;

  // One process for most tests: a new one each would double the time.
  before(() => {
    client = createEngineClient({ log: silentLogger, entry });
  });
  beforeEach(async () => {
    const modelPath = join(folder(), 'tiny.onnx');
    await writeModel(denseModel([4, 8, 3]), modelPath);
    const dataPath = join(folder(), 'tiny.npz');
    const labels = { dtype: 'int64' as const, dims: [sampleCount], data: new BigInt64Array(sampleCount) };
    await writeNpz(dataPath, { x: normalTensor(createRandom(2), [sampleCount, 4]), labels });
    request = {
      kind: 'run',
      analysis: 'output-mean',
      modelPath,
      dataPath,
      settings: {},
      seed: 5,
      provider: 'cpu',
    };
  });
  after(() => {
    client.dispose();
  });

  function ask(fields: Partial<RunRequest> = {}, signal?: AbortSignal): Promise<RunOutcome> {
    return runReport(
      client,
      { ...request, ...fields },
      {
        analyses: testAnalyses,
        ...(signal === undefined ? {} : { signal }),
      },
    );
  }

  async function reportOf(fields: Partial<RunRequest> = {}): Promise<Report> {
    const { report, error } = await ask(fields);
    assert.equal(error, undefined);
    return report;
  }

  it('returns a valid report with everything the contract names', async () => {
    const report = await reportOf();
    assert.equal(firstProblem(report), undefined);
    assert.equal(report.analysis, 'output-mean');
    assert.equal(report.question, 'What is the mean output?');
    assert.equal(report.status, 'complete');
    const bytes = readFileSync(request.modelPath);
    assert.deepEqual(report.model, {
      path: request.modelPath,
      name: 'tiny',
      sizeBytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    assert.deepEqual(report.data, { path: request.dataPath, kind: 'npz', sampleCount });
    assert.deepEqual(report.settings, { scale: 1 });
    assert.equal(report.seed, 5);
    assert.equal(report.provider, 'cpu');
    assert.equal(report.batchSize, 128);
    assert.match(report.tool.version, /^\d+\.\d+\.\d+/);
    assert.match(report.tool.runtime, /^1\.\d+/);
    assert(Math.abs(Date.parse(report.createdAt) - Date.now()) < 60_000);
    assert.equal(report.metrics['never'], 'NaN');
    assert.deepEqual(report.arrays['out/flag'], { shape: [2], dtype: 'uint8' });
    assert.equal(report.evidence['out.sum']?.n, sampleCount * 3);
    assert.deepEqual(report.papers, [{ id: 'p1', title: 'A paper' }]);
  });

  it('puts the accuracy on labelled data first', async () => {
    const report = await reportOf();
    assert.equal(typeof report.metrics['accuracy'], 'number');
    assert.deepEqual(report.evidence['accuracy'], { kind: 'measured', n: sampleCount });
    assert.equal(report.blocks[0]?.type, 'metrics');
    const limited = await reportOf({ limit: 10 });
    assert.equal(limited.evidence['accuracy']?.kind, 'sampled');
  });

  it('gives the accuracy a share of the progress bar, which never jumps back', async () => {
    const heard: { readonly fractionDone: number; readonly message: string }[] = [];
    const hooks = {
      analyses: testAnalyses,
      log: silentLogger,
      progress: (update: (typeof heard)[number]) => heard.push(update),
      partial: () => undefined,
    };
    await runAnalysis({ ...request, batchSize: 50 }, hooks);
    const fractions = heard.map(({ fractionDone }) => fractionDone);
    assert.deepEqual(
      [...fractions].sort((a, b) => a - b),
      fractions,
    );
    assert.equal(fractions.at(-1), 1);
    // One pass each: the answer comes first, the accuracy has the second half of the bar.
    const accuracy = heard.filter(({ message }) => message.startsWith('Measuring the accuracy'));
    assert.deepEqual(
      accuracy.map(({ fractionDone }) => fractionDone),
      [1, 2, 3, 4, 5, 6].map((batch) => 0.5 + 0.5 * (batch / 6)),
    );
    const summing = heard.filter(({ message }) => message === 'Summing');
    assert.equal(summing[0]?.fractionDone, 1 / 12);
  });

  it('leaves the bar to the analysis where the data has no labels', async () => {
    const dataPath = join(folder(), 'unlabelled.npz');
    await writeNpz(dataPath, { x: normalTensor(createRandom(2), [100, 4]) });
    const fractions: number[] = [];
    const hooks = {
      analyses: testAnalyses,
      log: silentLogger,
      progress: ({ fractionDone }: { fractionDone: number }) => fractions.push(fractionDone),
      partial: () => undefined,
    };
    await runAnalysis({ ...request, dataPath, batchSize: 25 }, hooks);
    assert.deepEqual(fractions, [0, 0.25, 0.5, 0.75, 1]);
  });

  it('gives equal metrics whatever the batch size, and calls a limited run partial', async () => {
    const whole = await reportOf();
    const small = await reportOf({ batchSize: 7 });
    assert.equal(small.batchSize, 7);
    assert.deepEqual(small.metrics['accuracy'], whole.metrics['accuracy']);
    assert(Math.abs(Number(small.metrics['outputMean']) - Number(whole.metrics['outputMean'])) < 1e-6);
    const limited = await reportOf({ limit: 10 });
    assert.equal(limited.status, 'partial');
    assert.equal(limited.data?.usedCount, 10);
    const unlimited = await reportOf({ limit: sampleCount });
    assert.equal(unlimited.status, 'complete');
    assert.equal(unlimited.data?.usedCount, undefined);
  });

  it('chooses smaller batches for a smaller memory setting', async () => {
    assert((await reportOf({ memoryMegabytes: 0.001 })).batchSize < 16);
  });

  it('keeps raw results for later questions', async () => {
    const outcome = await ask();
    assert(outcome.runId !== undefined);
    const array = await client.request({ kind: 'read-array', runId: outcome.runId, name: 'out.sum' });
    assert(array.kind === 'done');
    assert.equal(array.result.dtype, 'float32');
    assert(array.result.data instanceof Float32Array);
    const mean = Number(outcome.report.metrics['outputMean']);
    assert(Math.abs((array.result.data[0] ?? NaN) / (sampleCount * 3) - mean) < 1e-5);
    const missing = await client.request({ kind: 'read-array', runId: outcome.runId, name: 'nothing' });
    assert(missing.kind === 'failed' && missing.error instanceof UserError);
  });

  it('writes the arrays itself, arrays.json last and complete', async () => {
    const arraysDir = join(folder(), 'new', 'arrays');
    const report = await reportOf({ arraysDir });
    assert.deepEqual(readdirSync(arraysDir).sort(), ['arrays.json', 'out%2Fflag.npy', 'out.sum.npy']);
    const index = JSON.parse(readFileSync(join(arraysDir, 'arrays.json'), 'utf8')) as object;
    assert.deepEqual(index, {
      'out.sum': { file: 'out.sum.npy', shape: [1], dtype: 'float32' },
      'out/flag': { file: 'out%2Fflag.npy', shape: [2], dtype: 'uint8' },
    });
    assert.equal(report.arrays['out/flag']?.file, 'out%2Fflag.npy');
    assert.deepEqual(openNpyFile(join(arraysDir, 'out%2Fflag.npy')), {
      descr: '|u1',
      shape: '(2,)',
      bytes: [1, 0],
    });
  });

  it('cancels with the partial report', async () => {
    const controller = new AbortController();
    const running = runReport(
      client,
      { ...request, analysis: 'slow', batchSize: 10 },
      {
        analyses: testAnalyses,
        signal: controller.signal,
        onPartial: (partial) => {
          if (partial.metrics['outputMean'] !== undefined) controller.abort();
        },
      },
    );
    const { report } = await running;
    assert.equal(report?.status, 'cancelled');
    assert.equal(firstProblem(report), undefined);
    assert.equal(report.batchSize, 10);
    assert(report.metrics['outputMean'] !== undefined);
    assert.equal((await ask()).report?.status, 'complete');
  });

  it('cancels before anything is known, too', async () => {
    const { report } = await ask({}, AbortSignal.abort());
    assert.equal(report?.status, 'cancelled');
    assert.equal(firstProblem(report), undefined);
  });

  it('keeps what is known when the engine is killed, and starts a new one', async () => {
    const { report, error } = await ask({ analysis: 'crashing' });
    assert(error instanceof UserError && error.code === 'engine-lost' && error.kind === 'environment');
    assert.equal(report?.status, 'failed');
    assert.equal(firstProblem(report), undefined);
    assert.equal(report.metrics['outputMean'], 0.5);
    assert.equal(report.warnings[0], error.message);
    assert.equal((await ask()).report?.status, 'complete');
  });

  it('reports a bug as a bug, with what is known', async () => {
    const { report, error } = await ask({ analysis: 'faulty' });
    assert(error !== undefined && !(error instanceof UserError));
    assert.equal(error.message, 'a planted bug');
    assert.equal(report?.status, 'failed');
    assert.equal(report.metrics['outputMean'], 0.5);
  });

  const refusals: [string, () => Partial<RunRequest>, string][] = [
    ['no data', () => ({ dataPath: join(folder(), 'none.npz') }), 'input'],
    ['no model', () => ({ modelPath: join(folder(), 'none.onnx') }), 'input'],
  ];
  for (const [name, fields, kind] of refusals) {
    it(`refuses a run with ${name} as wrong input, without a report`, async () => {
      const { report, error } = await ask(fields());
      assert.equal(report, undefined);
      assert(error instanceof UserError);
      assert.equal(error.kind, kind);
    });
  }

  it('refuses a missing --data, an unknown setting and an unknown analysis', async () => {
    const { kind, analysis, modelPath, settings, seed, provider } = request;
    const withoutData = { kind, analysis, modelPath, settings, seed, provider };
    const outcome = await runReport(client, withoutData, { analyses: testAnalyses });
    assert(outcome.error instanceof UserError && outcome.error.code === 'data-missing');
    await assert.rejects(() => ask({ settings: { scale: 11 } }), UserError);
    await assert.rejects(() => ask({ analysis: 'output-men' }), /Did you mean "output-mean"/);
  });

  it('leaves no file behind when the arrays cannot be written', async () => {
    const arraysDir = join(folder(), 'tiny.npz', 'arrays');
    const { report, error } = await ask({ arraysDir });
    assert(error instanceof UserError);
    assert.equal(report, undefined);
    assert(!existsSync(arraysDir));
  });
});
