import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/base/errors.js';
import { silentLogger } from '../../../src/base/logger.js';
import { createRandom } from '../../../src/base/random.js';
import { writeNpz } from '../../../src/data/npz.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { float32Tensor, int64Tensor } from '../../../src/onnx/tensorValue.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import type { EngineRequest, EngineResults, RunRequest } from '../../../src/protocol/engineMessages.js';
import { createEngineClient, type EngineClient } from '../../../src/runs/engineClient.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { builtEngine, samplesDir } from '../../support/paths.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

describe('questions about data', function () {
  this.timeout(30_000);
  const folder = useTemporaryFolder();
  let client: EngineClient;
  let modelPath: string;
  let dataPath: string;

  before(() => {
    client = createEngineClient({ log: silentLogger, ...builtEngine() });
  });
  beforeEach(async () => {
    modelPath = join(folder(), 'tiny.onnx');
    await writeModel(denseModel([4, 8, 3]), modelPath);
    dataPath = join(folder(), 'tiny.npz');
    const labels = int64Tensor(
      Array.from({ length: 300 }, (_, i) => i % 3),
      [300],
    );
    await writeNpz(dataPath, { rows: normalTensor(createRandom(2), [300, 4]), labels });
  });
  after(() => {
    client.dispose();
  });

  async function ask<R extends EngineRequest>(request: R): Promise<EngineResults[R['kind']]> {
    const outcome = await client.request(request);
    if (outcome.kind === 'failed') throw outcome.error;
    assert(outcome.kind === 'done');
    return outcome.result;
  }

  it('tell how data are understood, and propose the inspect file that says so', async () => {
    const description = await ask({ kind: 'describe-data', modelPath, dataPath });
    assert.equal(description.kind, 'npz');
    assert.equal(description.sampleCount, 300);
    assert.equal(description.hasLabels, true);
    assert.match(description.warnings.join(' '), /Assumed that array "rows" feeds the input "x"/);
    const { proposal } = description;
    assert.equal(proposal?.model, 'tiny.onnx');
    const path = join(folder(), 'tiny.inspect.json');
    writeFileSync(path, JSON.stringify(proposal));
    const described = await ask({ kind: 'describe-data', modelPath, dataPath: path });
    assert.deepEqual({ ...described, warnings: [] }, described);
    assert.equal(described.sampleCount, 300);
    assert.equal(described.proposal, undefined);
  });

  it('return cards of the sample model with pictures, labels and names', async () => {
    const dir = join(samplesDir, 'digits-cnn');
    const cards = await ask({
      kind: 'samples',
      modelPath: join(dir, 'digits-cnn.onnx'),
      dataPath: join(dir, 'digits-cnn.inspect.json'),
      indices: [3999, 17],
      pictureSize: 64,
    });
    const model = await readModel(join(dir, 'digits-cnn.onnx'));
    const data = await openDataset(join(dir, 'digits-cnn.inspect.json'), model);
    const labels: number[] = [];
    for await (const batch of data.batches({ batchSize: 4000 })) labels.push(...(batch.labels ?? []));
    assert.deepEqual(
      cards.map(({ index, label, labelName }) => [index, label, labelName]),
      [3999, 17].map((index) => [index, labels[index], String(labels[index])]),
    );
    for (const { picture } of cards) assert.deepEqual([picture?.width, picture?.height], [28, 28]);
  });

  it('load no native runtime', async function () {
    if (process.platform !== 'linux') this.skip();
    const fresh = createEngineClient({ log: silentLogger, ...builtEngine() });
    try {
      const runtimeIsLoaded = (): boolean =>
        readFileSync(`/proc/${fresh.pid ?? 0}/maps`, 'utf8').includes('onnxruntime');
      const described = await fresh.request({ kind: 'describe-data', modelPath, dataPath });
      assert.equal(described.kind, 'done');
      const request = { kind: 'samples', modelPath, dataPath, indices: [0], pictureSize: 64 } as const;
      assert.equal((await fresh.request(request)).kind, 'done');
      assert(!runtimeIsLoaded());
      const measured = await fresh.request({ kind: 'measure', modelPath, provider: 'cpu' });
      assert.equal(measured.kind, 'done');
      assert(runtimeIsLoaded(), 'the check sees a runtime that is loaded');
    } finally {
      fresh.dispose();
    }
  });

  const wrong: readonly [string, () => Promise<EngineRequest>, RegExp][] = [
    [
      'data of another model',
      async () => {
        const path = join(folder(), 'other.npz');
        await writeNpz(path, { x: float32Tensor(new Float32Array(10), [2, 5]) });
        return { kind: 'describe-data', modelPath, dataPath: path };
      },
      /takes \[4\] per sample .* the data has \[5\]/,
    ],
    [
      'data without a sample',
      async () => {
        const path = join(folder(), 'none.npz');
        await writeNpz(path, { x: float32Tensor(new Float32Array(), [0, 4]) });
        return { kind: 'samples', modelPath, dataPath: path, indices: [0], pictureSize: 8 };
      },
      /holds no samples/,
    ],
    [
      'data that are gone',
      () => Promise.resolve({ kind: 'describe-data', modelPath, dataPath: join(folder(), 'gone.npz') }),
      /There is no data at .*gone\.npz/,
    ],
    [
      'a model that is gone',
      () => Promise.resolve({ kind: 'describe-data', modelPath: join(folder(), 'gone.onnx'), dataPath }),
      /gone\.onnx/,
    ],
  ];
  for (const [name, makeRequest, said] of wrong) {
    it(`refuse ${name} with words`, async () => {
      const request = await makeRequest();
      await assert.rejects(ask(request), (error) => error instanceof UserError && said.test(error.message));
    });
  }

  describe('an estimate', () => {
    const run = (fields: Partial<RunRequest> = {}): Omit<RunRequest, 'kind'> => ({
      analysis: 'dead-neurons',
      modelPath,
      dataPath,
      settings: {},
      seed: 0,
      provider: 'cpu',
      ...fields,
    });

    it('grows with the samples, the settings and the method', async () => {
      const whole = await ask({ kind: 'estimate', run: run() });
      assert.equal(whole.sampleCount, 300);
      assert.equal(whole.how, 'from one batch of 128 samples');
      assert(whole.durationMs > 0 && whole.durationMs < 60_000);
      const limited = await ask({ kind: 'estimate', run: run({ limit: 40, batchSize: 20 }) });
      assert.equal(limited.sampleCount, 40);
      assert.equal(limited.how, 'from one batch of 20 samples');
      const explained = { analysis: 'attribution', limit: 300 };
      const few = await ask({ kind: 'estimate', run: run({ ...explained, settings: { steps: 1 } }) });
      const many = await ask({ kind: 'estimate', run: run({ ...explained, settings: { steps: 9999 } }) });
      // 3,500 times the passes; the machine may be a hundred times slower meanwhile.
      assert(many.durationMs > 30 * few.durationMs, `${few.durationMs} ms, ${many.durationMs} ms`);
    });

    it('takes no more samples than there are', async () => {
      const small = join(folder(), 'small.npz');
      await writeNpz(small, { x: normalTensor(createRandom(2), [5, 4]) });
      const estimate = await ask({ kind: 'estimate', run: run({ dataPath: small }) });
      assert.equal(estimate.sampleCount, 5);
      assert.equal(estimate.how, 'from one batch of 5 samples');
    });

    it('is refused where the run would be', async () => {
      const withoutData = {
        analysis: 'dead-neurons',
        modelPath,
        settings: {},
        seed: 0,
        provider: 'cpu',
      } as const;
      await assert.rejects(ask({ kind: 'estimate', run: withoutData }), { code: 'data-missing' });
      await assert.rejects(ask({ kind: 'estimate', run: run({ settings: { topExamples: 0 } }) }), {
        code: 'bad-setting',
      });
      await assert.rejects(ask({ kind: 'estimate', run: run({ analysis: 'dead-neuron' }) }), {
        code: 'unknown-analysis',
      });
    });

    it('is close to what a run of the sample model takes', async () => {
      const dir = join(samplesDir, 'digits-cnn');
      const request = run({
        modelPath: join(dir, 'digits-cnn.onnx'),
        dataPath: join(dir, 'digits-cnn.inspect.json'),
        limit: 2000,
      });
      const { durationMs } = await ask({ kind: 'estimate', run: request });
      const { report } = await ask({ kind: 'run', ...request });
      // An estimate is of use when it is right to a factor; other programs share this machine.
      const factor = durationMs / report.durationMs;
      assert(factor > 0.2 && factor < 5, `estimated ${durationMs} ms, took ${report.durationMs} ms`);
    });
  });
});
