import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../../../src/base/logger.js';
import { silentLogger } from '../../../../src/base/logger.js';
import type { StoredResult } from '../../../../src/extension/results/storedResult.js';
import { HealthFacts, type HealthSources } from '../../../../src/extension/units/healthFacts.js';
import type { TensorValue } from '../../../../src/onnx/tensorValue.js';
import { writeArrays } from '../../../../src/runs/arrays.js';
import { useTemporaryFolder } from '../../../support/temporaryFolder.js';

const model = '/models/net.onnx';

function result(id: string, given: Partial<StoredResult> = {}): StoredResult {
  return {
    id,
    analysis: 'dead-neurons',
    title: 'Dead neurons',
    summary: '',
    status: 'complete',
    modelPath: model,
    dataPath: '/data/test.npz',
    dataKind: 'idx',
    sampleCount: 1000,
    findingCount: 0,
    createdAt: '2024-05-01T10:42:00.000Z',
    durationMs: 5,
    crossed: [],
    request: {
      kind: 'run',
      analysis: 'dead-neurons',
      modelPath: model,
      settings: {},
      seed: 0,
      provider: 'cpu',
    },
    ...given,
  };
}

/** Three units of `relu1`: one active on 124 samples, one dead, one rare. */
function plantArrays(folder: string, maximum = 7.9): void {
  const vector = (...numbers: number[]): TensorValue => ({
    dtype: 'float64',
    dims: [numbers.length],
    data: Float64Array.from(numbers),
  });
  writeArrays(
    folder,
    new Map<string, TensorValue>([
      ['relu1.state', { dtype: 'uint8', dims: [3], data: Uint8Array.from([0, 1, 2]) }],
      ['relu1.activeSampleCount', vector(124, 0, 1)],
      ['relu1.activeFraction', vector(0.0625, 0, 0.0005)],
      ['relu1.maximum', vector(maximum, 0, 0.25)],
      ['relu1.mean', vector(0.5, 0, 0.01)],
      ['relu1.topExamples', { dtype: 'int32', dims: [3, 2], data: Int32Array.from([7, 3, -1, -1, 9, -1]) }],
      [
        'relu1.histogram',
        { dtype: 'float64', dims: [3, 4], data: Float64Array.from([1, 2, 3, 4, 9, 0, 0, 0, 5, 5, 0, 1]) },
      ],
      ['block.2.act.state', { dtype: 'uint8', dims: [1], data: Uint8Array.from([3]) }],
      ['block.2.act.activeSampleCount', vector(1000)],
      ['block.2.act.activeFraction', vector(1)],
      ['block.2.act.maximum', vector(2)],
      ['block.2.act.mean', vector(1)],
    ]),
  );
}

describe('facts of neurons', () => {
  const folder = useTemporaryFolder();
  let results: StoredResult[];
  let warnings: string[];
  let changes: number;
  let isStale: boolean | undefined;

  beforeEach(() => {
    results = [];
    warnings = [];
    changes = 0;
    isStale = false;
  });

  function facts(
    budgetBytes?: number,
    stale = (): Promise<boolean | undefined> => Promise.resolve(isStale),
  ): HealthFacts {
    const log: Logger = { ...silentLogger, warn: (line) => warnings.push(line) };
    const sources: HealthSources = {
      results: () => results,
      arraysDir: (id) => join(folder(), id),
      isStale: stale,
      activationOf: (_, layer) => ({ fc1: 'relu1', conv: 'unmeasured' })[layer],
      changed: () => (changes += 1),
      log,
    };
    return new HealthFacts(sources, budgetBytes);
  }

  it('are those of the newest result, unit by unit, without waiting once they are loaded', async () => {
    plantArrays(join(folder(), 'new'));
    results = [result('new')];
    const known = facts();
    assert.equal(known.layer(model, 'relu1'), undefined);
    await known.load(model);
    const layer = known.layer(model, 'relu1');
    assert.deepEqual(layer?.stateCounts, { active: 1, dead: 1, rare: 1 });
    assert.deepEqual(layer.unit(0), {
      state: 'active',
      sampleCount: 1000,
      activeSampleCount: 124,
      activeFraction: 0.0625,
      maximum: 7.9,
      mean: 0.5,
      histogram: [1, 2, 3, 4],
      topSamples: [7, 3],
    });
    assert.equal(layer.unit(1)?.state, 'dead');
    assert.deepEqual(layer.unit(1)?.topSamples, []);
    assert.deepEqual(layer.unit(2)?.topSamples, [9]);
    assert.equal(layer.unit(3), undefined);
    assert.equal(layer.unit(-1), undefined);
    assert.deepEqual([layer.resultId, layer.areImages, layer.dataPath], ['new', true, '/data/test.npz']);
    assert.equal(changes, 1);
  });

  it('of a layer without an activation of its own are those of the activation that judges it', async () => {
    plantArrays(join(folder(), 'new'));
    results = [result('new')];
    const known = facts();
    await known.load(model);
    assert.equal(known.layer(model, 'fc1')?.unit(0)?.maximum, 7.9);
    assert.equal(known.layer(model, 'conv'), undefined);
    assert.equal(known.layer(model, 'elsewhere'), undefined);
    assert.equal(known.layer('/models/other.onnx', 'fc1'), undefined);
  });

  it('of layers with dots in their names are found, and lack what was not captured', async () => {
    plantArrays(join(folder(), 'new'));
    results = [result('new')];
    const known = facts();
    await known.load(model);
    const unit = known.layer(model, 'block.2.act')?.unit(0);
    assert.equal(unit?.state, 'always-on');
    assert.ok(!('histogram' in unit));
    assert.deepEqual(unit.topSamples, []);
  });

  it('count only the samples that ran', async () => {
    plantArrays(join(folder(), 'new'));
    const whole = result('new');
    results = [{ ...whole, status: 'partial', request: { ...whole.request, limit: 200 } }];
    const known = facts();
    await known.load(model);
    assert.equal(known.layer(model, 'relu1')?.sampleCount, 200);
    assert.equal(known.layer(model, 'relu1')?.unit(0)?.sampleCount, 200);
  });

  it('are read again when a newer result comes, and only then', async () => {
    plantArrays(join(folder(), 'old'), 1);
    plantArrays(join(folder(), 'new'), 2);
    results = [result('old')];
    const known = facts();
    await known.load(model);
    await known.load(model);
    await known.resultsChanged();
    assert.equal(changes, 1);
    results = [result('new', { analysis: 'activation-sparsity' }), result('old')];
    await known.resultsChanged();
    assert.equal(known.layer(model, 'relu1')?.unit(0)?.maximum, 2);
    assert.equal(changes, 2);
  });

  it('ignore results of other analyses, other models, and runs that did not end well', async () => {
    plantArrays(join(folder(), 'good'), 3);
    results = [
      result('attribution', { analysis: 'attribution' }),
      result('other', { modelPath: '/models/other.onnx' }),
      result('cancelled', { status: 'cancelled' }),
      result('failed', { status: 'failed' }),
      result('good'),
    ];
    const known = facts();
    await known.load(model);
    assert.equal(known.layer(model, 'relu1')?.resultId, 'good');
    assert.deepEqual(warnings, []);
  });

  it('go with the last result', async () => {
    plantArrays(join(folder(), 'new'));
    results = [result('new')];
    const known = facts();
    await known.load(model);
    results = [];
    await known.resultsChanged();
    assert.equal(known.layer(model, 'relu1'), undefined);
  });

  it('say when the model changed since, and notice it later', async () => {
    plantArrays(join(folder(), 'new'));
    results = [result('new')];
    const known = facts();
    await known.load(model);
    const layer = known.layer(model, 'relu1');
    assert.equal(layer?.isStale, false);
    isStale = true;
    await known.modelsChanged();
    assert.equal(layer.isStale, true);
    assert.equal(changes, 2);
    await known.modelsChanged();
    assert.equal(changes, 2);
  });

  it('do not wait for the disk once they are loaded', async () => {
    plantArrays(join(folder(), 'new'));
    results = [result('new')];
    let answer: (stale: boolean) => void = () => undefined;
    let isSlow = false;
    const known = facts(undefined, () =>
      isSlow ? new Promise((resolve) => (answer = resolve)) : Promise.resolve(false),
    );
    await known.load(model);
    isSlow = true;
    // Would never settle if it waited.
    await known.load(model);
    assert.equal(known.layer(model, 'relu1')?.isStale, false);
    answer(true);
    await new Promise(setImmediate);
    assert.equal(known.layer(model, 'relu1')?.isStale, true);
  });

  it('come from the result before when the newest has no arrays, which is logged', async () => {
    plantArrays(join(folder(), 'old'), 4);
    results = [result('gone'), result('old')];
    const known = facts();
    await known.load(model);
    assert.equal(known.layer(model, 'relu1')?.resultId, 'old');
    assert.match(warnings.join('\n'), /gone.*arrays\.json cannot be read/);
  });

  const damages: Record<string, (file: string) => void> = {
    'is cut': (file) => {
      truncateSync(file, readFileSync(file).length - 3);
    },
    'is gone': (file) => {
      rmSync(file);
    },
    'is no array': (file) => {
      writeFileSync(file, 'not numpy at all');
    },
    'is empty': (file) => {
      writeFileSync(file, '');
    },
    'holds another number of units': (file) => {
      const other = join(folder(), 'other');
      writeArrays(
        other,
        new Map([['a.b', { dtype: 'float64', dims: [4], data: new Float64Array(4) } satisfies TensorValue]]),
      );
      writeFileSync(file, readFileSync(join(other, 'a.b.npy')));
    },
  };
  for (const [damage, apply] of Object.entries(damages)) {
    it(`leave a layer out when a file of it ${damage}, and keep the others`, async () => {
      plantArrays(join(folder(), 'new'));
      const file = join(folder(), 'new', 'relu1.maximum.npy');
      assert.ok(existsSync(file));
      apply(file);
      results = [result('new')];
      const known = facts();
      await known.load(model);
      assert.equal(known.layer(model, 'relu1'), undefined);
      assert.equal(known.layer(model, 'block.2.act')?.unitCount, 1);
      assert.match(warnings.join('\n'), /Nothing is known of relu1/);
    });
  }

  it('never come from files outside the folder of the result', async () => {
    plantArrays(join(folder(), 'new'));
    plantArrays(join(folder(), 'outside'));
    const index = join(folder(), 'new', 'arrays.json');
    const text = readFileSync(index, 'utf8');
    writeFileSync(index, text.replace('"relu1.maximum.npy"', '"../outside/relu1.maximum.npy"'));
    results = [result('new')];
    const known = facts();
    await known.load(model);
    assert.equal(known.layer(model, 'relu1'), undefined);
  });

  it('tell nothing, and are no error, when arrays.json is no object', async () => {
    plantArrays(join(folder(), 'new'));
    writeFileSync(join(folder(), 'new', 'arrays.json'), '[3');
    results = [result('new')];
    const known = facts();
    await known.load(model);
    assert.equal(known.layer(model, 'relu1'), undefined);
    assert.equal(warnings.length, 1);
  });

  it('leave out examples and histograms, then layers, that outgrow the budget', async () => {
    plantArrays(join(folder(), 'new'));
    results = [result('new')];
    // Vectors of three units as float64: 5 × 3 × 8 = 120 bytes; the histogram would take 96 more.
    const tight = facts(160);
    await tight.load(model);
    assert.ok(!('histogram' in (tight.layer(model, 'relu1')?.unit(0) ?? { histogram: [] })));
    const tighter = facts(100);
    await tighter.load(model);
    assert.equal(tighter.layer(model, 'relu1'), undefined);
    assert.match(warnings.join('\n'), /too large to keep/);
  });

  it('of models that were asked for longest ago are dropped when all together outgrow the budget', async () => {
    const paths = ['/a.onnx', '/b.onnx', '/c.onnx'];
    for (const path of paths) plantArrays(join(folder(), path.slice(1, 2)));
    results = paths.map((path) => result(path.slice(1, 2), { modelPath: path }));
    // One model keeps 3·(1 + 4·8) + 3·2·4 + 3·4·8 = 219 bytes of relu1 and 1 + 32 of the other: two fit, three do not.
    const known = facts(600);
    for (const path of paths.slice(0, 2)) await known.load(path);
    await known.load('/a.onnx');
    await known.load('/c.onnx');
    assert.deepEqual(
      paths.map((path) => known.layer(path, 'relu1') !== undefined),
      [true, false, true],
    );
  });

  it('are read once for several who ask at the same time', async () => {
    plantArrays(join(folder(), 'new'));
    results = [result('new')];
    const known = facts();
    await Promise.all([known.load(model), known.load(model), known.load(model)]);
    assert.equal(changes, 1);
  });
});
