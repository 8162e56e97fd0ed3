import assert from 'node:assert/strict';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { UserError } from '../../../src/base/errors.js';
import { silentLogger } from '../../../src/base/logger.js';
import { createRandom } from '../../../src/base/random.js';
import { encodeNpy } from '../../../src/data/npy.js';
import { writeNpz } from '../../../src/data/npz.js';
import { float32Tensor } from '../../../src/onnx/tensorValue.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import type { UnitProfileRequest } from '../../../src/protocol/engineMessages.js';
import type { UnitProfile } from '../../../src/protocol/units.js';
import {
  createEngineClient,
  type EngineClient,
  type RequestOptions,
} from '../../../src/runs/engineClient.js';
import { profileUnit } from '../../../src/runs/profileUnit.js';
import { imageModel } from '../../support/imageModel.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { builtEngine, samplesDir } from '../../support/paths.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { isCode } from '../../support/tensors.js';

describe('a unit-profile request', function () {
  this.timeout(30_000);
  const folder = useTemporaryFolder();
  let client: EngineClient;
  before(() => {
    client = createEngineClient({ log: silentLogger, ...builtEngine() });
  });
  after(() => {
    client.dispose();
  });

  function requestFor(fields: Partial<UnitProfileRequest>): UnitProfileRequest {
    return {
      kind: 'unit-profile',
      modelPath: join(folder(), 'model.onnx'),
      dataPath: join(folder(), 'data.npz'),
      address: 'conv[2]',
      seed: 7,
      provider: 'cpu',
      exampleCount: 3,
      binCount: 5,
      pictureSize: 32,
      ...fields,
    };
  }

  async function ask(fields: Partial<UnitProfileRequest>, options?: RequestOptions): Promise<UnitProfile> {
    const outcome = await client.request(requestFor(fields), options);
    if (outcome.kind === 'failed') throw outcome.error;
    assert(outcome.kind === 'done');
    return outcome.result;
  }

  /** Pictures of 8 × 8 in two folders, each of one colour. */
  async function plantPictures(): Promise<string[]> {
    await writeModel(imageModel(), join(folder(), 'model.onnx'));
    const dir = join(folder(), 'pictures');
    const random = createRandom(1);
    const paths = Array.from({ length: 9 }, (_, i) => join(dir, i < 5 ? 'cat' : 'dog', `${i}.png`));
    for (const path of paths) {
      mkdirSync(dirname(path), { recursive: true });
      const [r, g, b] = [random.integer(256), random.integer(256), random.integer(256)];
      await sharp({ create: { width: 8, height: 8, channels: 3, background: { r, g, b } } }).toFile(path);
    }
    return paths;
  }

  it('answers with pictures, labels and their names beside what the neuron made of them', async () => {
    await plantPictures();
    const dataPath = join(folder(), 'pictures');
    const profile = await ask({ dataPath });
    assert.equal(profile.measuredAt, 'relu[2]');
    assert.equal(profile.sampleCount, 9);
    assert.equal(profile.elementCount, 9 * 36);
    assert.equal(profile.provider, 'cpu');
    assert.equal(profile.seed, 7);
    assert.equal(profile.randomExamples.length, 3);
    const examples = [...profile.topExamples, ...(profile.nearestExamples ?? []), ...profile.randomExamples];
    for (const { index, id, label, labelName, picture, map } of examples) {
      assert.equal(id, `${index < 5 ? 'cat' : 'dog'}/${index}.png`);
      assert.deepEqual([label, labelName], index < 5 ? [0, 'cat'] : [1, 'dog']);
      assert.deepEqual([picture?.width, picture?.height], [8, 8]);
      assert.deepEqual([map?.width, map?.height], [6, 6]);
    }
    assert.match(profile.warnings.join(), /assumed/i);
  });

  it('answers with the tokens about the largest output where the data are rows of tokens', async () => {
    const sample = (file: string): string => join(samplesDir, 'story-lm', file);
    const profile = await profileUnit(
      requestFor({
        ...{ modelPath: sample('story-lm.onnx'), dataPath: sample('story-lm.inspect.json') },
        ...{ address: 'L0N11', limit: 8 },
      }),
      { log: silentLogger, progress: () => undefined, partial: () => undefined },
    );
    for (const { stretch, position, value, map, text } of profile.topExamples) {
      const [at = -1] = position ?? [];
      assert(stretch !== undefined && map !== undefined);
      assert.equal(stretch.length, 64);
      assert.equal(stretch.tokens.length, Math.min(64, at + 9) - Math.max(0, at - 20));
      const values = stretch.tokens.map((token) => token.value);
      assert.deepEqual(values, map.values.slice(stretch.start, stretch.start + values.length));
      assert(Math.abs(Number(values[at - stretch.start]) - Number(value)) <= 1e-3 * Math.abs(Number(value)));
      const words = stretch.tokens.map((token) => token.text).join('');
      // A row of the data may begin inside a character.
      if (stretch.start === 0) {
        assert.equal(words.slice(2, 12), (JSON.parse(text ?? '') as string).slice(2, 12));
      }
    }
  });

  it('repeats from its seed, and changes with it only what is drawn', async () => {
    await writeModel(denseModel([4, 8, 3]), join(folder(), 'model.onnx'));
    await writeNpz(join(folder(), 'data.npz'), { x: normalTensor(createRandom(2), [60, 4]) });
    const address = 'fc1[3]';
    const [a, b, other] = [await ask({ address }), await ask({ address }), await ask({ address, seed: 8 })];
    const timeless = (profile: UnitProfile): UnitProfile => ({ ...profile, durationMs: 0 });
    assert.deepEqual(timeless(a), timeless(b));
    assert.notDeepEqual(other.randomExamples, a.randomExamples);
    assert.deepEqual({ ...timeless(other), seed: 7, randomExamples: a.randomExamples }, timeless(a));
    assert.match(a.topExamples[0]?.text ?? '', /^x: /);
  });

  it('tells of progress to the end and shows what is known on the way', async () => {
    await writeModel(denseModel([64, 512, 512, 3]), join(folder(), 'model.onnx'));
    await writeNpz(join(folder(), 'data.npz'), { x: normalTensor(createRandom(2), [4000, 64]) });
    const fractions: number[] = [];
    const partials: UnitProfile[] = [];
    const profile = await profileUnit(requestFor({ address: 'fc2[5]', batchSize: 8 }), {
      log: silentLogger,
      progress: ({ fractionDone }) => fractions.push(fractionDone),
      partial: (known) => partials.push(known),
    });
    assert.deepEqual(
      [...fractions].sort((p, q) => p - q),
      fractions,
    );
    assert.equal(fractions.at(-1), 1);
    assert(partials.length > 0, 'a run of 500 batches shows something before its end');
    for (const known of partials) {
      assert(known.sampleCount < 4000);
      assert.equal(known.evidence.kind, 'sampled');
      assert.equal(
        known.histogram.counts.reduce((p, q) => p + q, 0),
        known.sampleCount,
      );
      assert(known.maximum <= profile.maximum);
    }
    const heard: UnitProfile[] = [];
    await ask({ address: 'fc2[5]', batchSize: 8 }, { onPartialProfile: (known) => heard.push(known) });
    assert(heard.length > 0, 'partial profiles cross to the host');
  });

  it('is cancelled within 200 ms', async () => {
    await writeModel(denseModel([64, 1024, 1024, 3]), join(folder(), 'model.onnx'));
    await writeNpz(join(folder(), 'data.npz'), { x: normalTensor(createRandom(2), [30_000, 64]) });
    const controller = new AbortController();
    let abortedMs = 0;
    const outcome = await client.request(requestFor({ address: 'fc2[5]', batchSize: 1 }), {
      signal: controller.signal,
      onProgress: (fractionDone) => {
        if (fractionDone === 0 || controller.signal.aborted) return;
        abortedMs = performance.now();
        controller.abort();
      },
    });
    const tookMs = performance.now() - abortedMs;
    assert.equal(outcome.kind, 'cancelled');
    assert(tookMs < 200, `${tookMs} ms`);
  });

  it('names a picture that is damaged', async () => {
    const [, , , , , , broken] = await plantPictures();
    writeFileSync(broken!, 'no picture');
    const dataPath = join(folder(), 'pictures');
    await assert.rejects(ask({ dataPath }), (error) => {
      assert(error instanceof UserError);
      assert.equal(error.code, 'image-undecodable');
      assert.match(error.message, /6\.png cannot be decoded\. Replace it, or take it out of the data\./);
      return true;
    });
  });

  it('says that data changed while it was measured', async () => {
    await writeModel(denseModel([4, 8, 3]), join(folder(), 'model.onnx'));
    const dataPath = join(folder(), 'x.npy');
    writeFileSync(dataPath, encodeNpy(normalTensor(createRandom(2), [1000, 4])));
    const run = profileUnit(requestFor({ address: 'fc1[3]', dataPath, batchSize: 10 }), {
      log: silentLogger,
      progress: ({ fractionDone }) => {
        if (fractionDone > 0) truncateSync(dataPath, 2000);
      },
      partial: () => undefined,
    });
    await assert.rejects(run, isCode('data-changed'));
  });

  it('says that the model changed while it was measured', async () => {
    const modelPath = join(folder(), 'model.onnx');
    // Large enough for its weights to stay in the file.
    await writeModel(denseModel([64, 512, 3]), modelPath);
    await writeNpz(join(folder(), 'data.npz'), { x: normalTensor(createRandom(2), [100, 64]) });
    const run = profileUnit(requestFor({ address: 'fc1[3]', batchSize: 10 }), {
      log: silentLogger,
      progress: ({ fractionDone }) => {
        if (fractionDone > 0) truncateSync(modelPath, 20_000);
      },
      partial: () => undefined,
    });
    await assert.rejects(run, isCode('model-changed'));
  });

  it('refuses data without a sample, and data of another model', async () => {
    await writeModel(denseModel([4, 8, 3]), join(folder(), 'model.onnx'));
    await writeNpz(join(folder(), 'data.npz'), { x: float32Tensor(new Float32Array(), [0, 4]) });
    await assert.rejects(ask({ address: 'fc1[3]' }), isCode('data-empty'));
    await writeNpz(join(folder(), 'data.npz'), { x: float32Tensor(new Float32Array(10), [2, 5]) });
    await assert.rejects(ask({ address: 'fc1[3]' }), isCode('data-shape'));
    await assert.rejects(ask({ address: 'fc9[3]' }), isCode('unknown-layer'));
  });
});
