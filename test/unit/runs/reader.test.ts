import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/base/errors.js';
import { silentLogger } from '../../../src/base/logger.js';
import { resolveAddress } from '../../../src/onnx/addresses.js';
import { inspectModel } from '../../../src/onnx/inspect.js';
import { layersOf } from '../../../src/onnx/layers/layerTable.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import type { EngineMessage, EngineRequest } from '../../../src/protocol/engineMessages.js';
import { createEngineClient, type EngineClient } from '../../../src/runs/engineClient.js';
import { createModelCache } from '../../../src/runs/modelCache.js';
import { serveReader } from '../../../src/runs/readerServer.js';
import { denseModel } from '../../support/modelBuilder.js';
import { rootDir, samplesDir } from '../../support/paths.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

const digits = join(samplesDir, 'digits-cnn', 'digits-cnn.onnx');

describe('the reader process', function () {
  this.timeout(15_000);
  let client: EngineClient;
  beforeEach(() => {
    const entry = join(rootDir, 'src', 'runs', 'readerMain.ts');
    client = createEngineClient({ log: silentLogger, entry });
  });
  afterEach(() => {
    client.dispose();
  });

  it("answers a model's structure: the document of inspect, its addresses, metadata and stamp", async () => {
    const outcome = await client.request({ kind: 'structure', modelPath: digits });
    assert(outcome.kind === 'done');
    const model = await readModel(digits);
    const { inspection, addresses, metadata, stamp } = outcome.result;
    assert.deepEqual(inspection, inspectModel(model));
    assert.deepEqual(metadata, [...model.metadata]);
    const facts = statSync(digits);
    assert.deepEqual(stamp, { sizeBytes: facts.size, modifiedMs: facts.mtime.getTime() });
    assert.deepEqual(
      addresses.layers.map(({ name }) => name),
      inspection.layers.map(({ name }) => name),
    );
    for (const layer of addresses.layers) {
      assert.equal(addresses.byName.get(layer.name)?.output, layer.output);
      if (layer.unitCount === null) continue;
      const resolved = resolveAddress(layer.name, layersOf(model));
      assert.equal(resolved.value, layer.output);
      assert.equal(resolved.unitCount, layer.unitCount);
      assert.equal(resolved.unitAxis, layer.unitAxis);
    }
  });

  it('says what a file is that is no model, and goes on serving', async () => {
    const outcome = await client.request({ kind: 'structure', modelPath: join(rootDir, 'package.json') });
    assert(outcome.kind === 'failed' && outcome.error instanceof UserError);
    assert.equal(outcome.error.code, 'not-onnx');
    const next = await client.request({ kind: 'structure', modelPath: digits });
    assert.equal(next.kind, 'done');
  });

  it('answers the weights of a neuron', async () => {
    const outcome = await client.request({ kind: 'unit-weights', modelPath: digits, address: 'conv2[3]' });
    assert(outcome.kind === 'done');
    const { layer, dims, unitCount, largest } = outcome.result;
    assert.deepEqual([layer, dims, unitCount], ['conv2', [16, 3, 3], 32]);
    assert.equal(largest.length, 16);
    assert(largest.every(({ address }) => address?.startsWith('conv1[') === true));
  });

  it('refuses to run anything', async () => {
    const outcome = await client.request({ kind: 'measure', modelPath: digits, provider: 'cpu' });
    assert(outcome.kind === 'failed');
    assert.match(outcome.error.message, /does not serve measure/);
  });

  it('answers every request of a burst exactly once, in order', async () => {
    const messages = await served([
      { kind: 'structure', modelPath: digits },
      { kind: 'structure', modelPath: '/nowhere/model.onnx' },
      { kind: 'measure', modelPath: digits, provider: 'cpu' },
      { kind: 'structure', modelPath: digits },
    ]);
    assert.deepEqual(
      messages.map((message) => ('id' in message ? `${message.id} ${message.kind}` : message.kind)),
      ['1 done', '2 failed', '3 failed', '4 done'],
    );
  });
});

/** Serves requests in this process and returns the answers. */
function served(requests: readonly EngineRequest[]): Promise<readonly EngineMessage[]> {
  return new Promise((resolve) => {
    const messages: EngineMessage[] = [];
    let hear: (message: unknown) => void = () => undefined;
    serveReader({
      on: (_, listener) => {
        hear = listener;
      },
      send: (message) => {
        messages.push(message);
        if (messages.length === requests.length) resolve(messages);
      },
    });
    requests.forEach((request, index) => {
      hear({ kind: 'request', id: index + 1, request });
    });
  });
}

describe('models that the reader keeps', () => {
  const folder = useTemporaryFolder();

  async function written(name: string, sizes: readonly number[]): Promise<string> {
    const path = join(folder(), name);
    await writeModel(denseModel(sizes), path);
    return path;
  }

  it('are parsed once while the file stays as it is', async () => {
    const path = await written('a.onnx', [3, 4]);
    const cache = createModelCache();
    assert.equal(await cache.open(path), await cache.open(path));
  });

  it('are read again when the file changes, even to one of the same size', async () => {
    const path = await written('a.onnx', [3, 4]);
    const other = await written('b.onnx', [3, 5]);
    const cache = createModelCache();
    const before = await cache.open(path);
    copyFileSync(other, path);
    const after = await cache.open(path);
    assert.equal(before.layers.byName.get('fc1')?.unitCount, 4);
    assert.equal(after.layers.byName.get('fc1')?.unitCount, 5);
    const past = new Date('2001-02-03T04:05:06Z');
    utimesSync(path, past, past);
    assert.notEqual(await cache.open(path), after);
  });

  it('are read again when a missing data file comes, and when it goes', async () => {
    const path = join(folder(), 'a.onnx');
    await writeModel(denseModel([32, 32]), path, { maxEmbeddedBytes: 0 });
    const data = readFileSync(`${path}.data`);
    rmSync(`${path}.data`);
    const cache = createModelCache();
    const warningCount = async (): Promise<number> => (await cache.open(path)).model.warnings.length;
    assert.equal(await warningCount(), 1);
    writeFileSync(`${path}.data`, data);
    assert.equal(await warningCount(), 0);
    rmSync(`${path}.data`);
    assert.equal(await warningCount(), 1);
  });

  it('are the last four, the longest unused going first', async () => {
    const paths = await Promise.all([1, 2, 3, 4, 5].map((size) => written(`${size}.onnx`, [2, size])));
    const cache = createModelCache();
    const [first, second] = [await cache.open(paths[0]!), await cache.open(paths[1]!)];
    await cache.open(paths[2]!);
    await cache.open(paths[3]!);
    assert.equal(await cache.open(paths[0]!), first);
    await cache.open(paths[4]!);
    assert.equal(await cache.open(paths[0]!), first);
    assert.notEqual(await cache.open(paths[1]!), second);
  });
});
