import assert from 'node:assert/strict';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { analyses } from '../../../src/analyses/registry.js';
import { silentLogger } from '../../../src/base/logger.js';
import { createRandom } from '../../../src/base/random.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { writeNpz } from '../../../src/data/npz.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import type { RunRequest } from '../../../src/protocol/engineMessages.js';
import type { Report } from '../../../src/protocol/report.js';
import { runAnalysis } from '../../../src/runs/runAnalysis.js';
import { createSharedWorks, fingerprintOf, type SharedWorks } from '../../../src/runs/sharedWorks.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

const sampleCount = 200;
const everyPass = ['Counting', 'Histograms', 'Measuring'];

describe('runs of one model on the same data', function () {
  this.timeout(20_000);
  const folder = useTemporaryFolder();
  let request: RunRequest;

  beforeEach(async () => {
    const modelPath = join(folder(), 'tiny.onnx');
    const dataPath = join(folder(), 'tiny.npz');
    await writeModel(denseModel([4, 8, 3]), modelPath);
    await writeData(1);
    const asked = { analysis: 'dead-neurons', settings: {}, seed: 0, provider: 'cpu' as const };
    request = { kind: 'run', modelPath, dataPath, ...asked };
  });

  async function writeData(seed: number): Promise<void> {
    const labels = { dtype: 'int64' as const, dims: [sampleCount], data: new BigInt64Array(sampleCount) };
    await writeNpz(join(folder(), 'tiny.npz'), {
      x: normalTensor(createRandom(seed), [sampleCount, 4]),
      labels,
    });
  }

  /** Runs an analysis; tells which passes over the data it took. */
  async function run(works: SharedWorks, fields: Partial<RunRequest> = {}): Promise<[Report, string[]]> {
    const passes = new Set<string>();
    const { report } = await runAnalysis(
      { ...request, ...fields },
      {
        analyses,
        log: silentLogger,
        works,
        partial: () => undefined,
        progress: ({ message }) => {
          const [first = ''] = message.split(' ');
          // A message without a count stands before the pass.
          if (/\d/.test(message) && everyPass.includes(first)) passes.add(first);
        },
      },
    );
    return [report, [...passes]];
  }

  it('sweep the data once for both analyses of activations, and measure the accuracy once', async () => {
    const works = createSharedWorks();
    assert.deepEqual((await run(works))[1], everyPass);
    // Its second pass counts against a threshold of its own.
    const [shared, passes] = await run(works, { analysis: 'activation-sparsity' });
    assert.deepEqual(passes, ['Histograms']);
    const [alone] = await run(createSharedWorks(), { analysis: 'activation-sparsity' });
    assert.deepEqual(shared.metrics, alone.metrics);
    assert.deepEqual(shared.evidence, alone.evidence);
    assert.deepEqual(shared.blocks, alone.blocks);
    assert.deepEqual((await run(works))[1], []);
  });

  it('name the provider and the runtime of the run that did the work', async () => {
    const works = createSharedWorks();
    const [first] = await run(works, { provider: 'auto' });
    const [second] = await run(works, { provider: 'auto' });
    assert.notEqual(first.provider, 'auto');
    assert.equal(second.provider, first.provider);
    assert.equal(second.tool.runtime, first.tool.runtime);
    assert.match(second.tool.runtime, /^\d+\./);
  });

  it('sweep again for other settings, another limit, or a batch of another size', async () => {
    const works = createSharedWorks();
    await run(works);
    assert.deepEqual((await run(works, { settings: { topExamples: 3 } }))[1], ['Counting', 'Histograms']);
    assert.deepEqual((await run(works, { limit: 50 }))[1], everyPass);
    assert.deepEqual((await run(works, { batchSize: 7 }))[1], everyPass);
  });

  it('sweep again when the data or the model changed', async () => {
    const works = createSharedWorks();
    const [before] = await run(works);
    await writeData(2);
    const [after, passes] = await run(works);
    assert.deepEqual(passes, everyPass);
    assert.notDeepEqual(after.metrics, before.metrics);
    await writeModel(denseModel([4, 8, 3], 'Relu', 9), request.modelPath);
    assert.deepEqual((await run(works))[1], everyPass);
  });

  it('forget the work of the oldest pair', async () => {
    const works = createSharedWorks();
    await run(works);
    await run(works, { limit: 50 });
    await run(works, { limit: 60 });
    assert.deepEqual((await run(works))[1], everyPass);
  });

  it('open the data once, and again when a file of it changed', async () => {
    const works = createSharedWorks();
    const opened: Dataset[] = [];
    const counting: SharedWorks = {
      of: (scope) => works.of(scope),
      dataset: (scope, open) =>
        works.dataset(scope, async () => {
          const dataset = await open();
          opened.push(dataset);
          return dataset;
        }),
    };
    const [first] = await run(counting);
    const [again] = await run(counting, { analysis: 'activation-sparsity', limit: 50 });
    assert.equal(opened.length, 1);
    assert.deepEqual(again.data, { ...first.data, usedCount: 50 });
    await writeFile(join(folder(), 'labels.txt'), 'beside the data');
    await run(counting);
    assert.equal(opened.length, 2);
  });

  it('keep one data set, and none whose changes could go unseen', async () => {
    const works = createSharedWorks();
    let count = 0;
    const open = (): Promise<Dataset> => {
      count++;
      return openDataset(request.dataPath ?? '', denseModel([4, 8, 3]));
    };
    const dataset = await works.dataset('a', open);
    assert.equal(await works.dataset('a', open), dataset);
    await works.dataset('b', open);
    assert.notEqual(await works.dataset('a', open), dataset);
    assert.equal(count, 3);
    await works.dataset(undefined, open);
    await works.dataset(undefined, open);
    assert.equal(count, 5);
  });

  it('do not keep work that failed', async () => {
    const shared = createSharedWorks().of('scope');
    await assert.rejects(
      shared.once('key', () => Promise.reject(new Error('no'))),
      /no/,
    );
    const found = await shared.once('key', () => Promise.resolve({ isDone: true }));
    assert.deepEqual(found, { isDone: true });
  });
});

describe('the fingerprint of data', () => {
  const folder = useTemporaryFolder();

  it('changes with a file deep in a folder of images', async () => {
    const images = join(folder(), 'images');
    mkdirSync(join(images, 'a', 'b'), { recursive: true });
    const file = join(images, 'a', 'b', '1.png');
    writeFileSync(file, 'one');
    const before = await fingerprintOf(images);
    assert.ok(before !== undefined);
    assert.equal(await fingerprintOf(images), before);
    writeFileSync(file, 'two');
    utimesSync(file, new Date(1e12), new Date(1e12));
    assert.notEqual(await fingerprintOf(images), before);
  });

  it('changes with the labels that an inspect file names, wherever they are', async () => {
    for (const name of ['data', 'elsewhere']) mkdirSync(join(folder(), name));
    writeFileSync(join(folder(), 'data', 'x.npy'), 'x');
    const labels = join(folder(), 'elsewhere', 'y.npy');
    writeFileSync(labels, 'y');
    const inspectFile = join(folder(), 'a.inspect.json');
    const data = { path: 'data/x.npy', inputs: {}, labels: { from: '../elsewhere/y.npy' } };
    writeFileSync(inspectFile, JSON.stringify({ version: 1, data }));
    const before = await fingerprintOf(inspectFile);
    assert.ok(before !== undefined);
    writeFileSync(labels, 'other labels');
    assert.notEqual(await fingerprintOf(inspectFile), before);
  });

  it('is not known of data that is missing', async () => {
    assert.equal(await fingerprintOf(join(folder(), 'none.npy')), undefined);
  });
});
