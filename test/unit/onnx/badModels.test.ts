import assert from 'node:assert/strict';
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/base/errors.js';
import { createRandom } from '../../../src/base/random.js';
import { checkWeightFiles } from '../../../src/onnx/checkWeightFiles.js';
import { loadTensor } from '../../../src/onnx/loadTensor.js';
import type { Model } from '../../../src/onnx/model.js';
import { asUnreadable } from '../../../src/onnx/modelFiles.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { forEachTensor, serializeModel } from '../../../src/onnx/serializeModel.js';
import {
  bytes,
  int,
  matMulGraph,
  matMulWeight,
  modelBytes,
  nodeFields,
  packedFloats,
  packedInts,
  tensorFields,
  valueFields,
  varint,
} from '../../support/protoBytes.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

const weightBytes = Buffer.from(matMulWeight.buffer);
const validModel = modelBytes(matMulGraph(bytes(9, weightBytes)));

describe('readModel on bad input', () => {
  const folder = useTemporaryFolder();

  function write(content: Buffer | string): string {
    const path = join(folder(), 'model.onnx');
    writeFileSync(path, content);
    return path;
  }

  async function rejects(path: string, code: string, ...parts: string[]): Promise<void> {
    const startedAt = performance.now();
    await assert.rejects(readModel(path), (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.equal(error.code, code, error.message);
      assert.equal(error.kind, 'input');
      for (const part of parts) assert.ok(error.message.includes(part), error.message);
      return true;
    });
    // The bar for every bad input is 10 s from the command line; reading is the first part of it.
    assert.ok(performance.now() - startedAt < 8000);
  }

  it('names a path that is missing, a folder, a broken link or no possible name', async () => {
    await rejects(join(folder(), 'none.onnx'), 'model-unreadable', 'none.onnx', 'no such file');
    await rejects(folder(), 'model-unreadable', 'folder');
    symlinkSync('nowhere', join(folder(), 'broken.onnx'));
    await rejects(join(folder(), 'broken.onnx'), 'model-unreadable');
    symlinkSync('circle.onnx', join(folder(), 'circle.onnx'));
    await rejects(join(folder(), 'circle.onnx'), 'model-unreadable', 'circle');
    await rejects(join(write(validModel), 'below.onnx'), 'model-unreadable');
    await rejects('a\0b', 'model-unreadable');
    await rejects('x'.repeat(5000), 'model-unreadable');
    await rejects('/dev/zero', 'model-unreadable', 'device');
  });

  it('names a file without permission', () => {
    // The error is made here: whoever runs the tests as root may read everything.
    const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    const error = asUnreadable('secret.onnx', denied);
    assert.ok(error instanceof UserError);
    assert.match(error.message, /secret\.onnx.*permission/);
    const bug = new TypeError('x is not a function');
    assert.equal(asUnreadable('secret.onnx', bug), bug);
  });

  it('says what a file of another format is, and what to do', async () => {
    const zip = 'PK\x03\x04\x14\x00\x00\x00';
    const safetensors = Buffer.concat([
      Buffer.from([16, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from('{"a":{"dtype":1}}'),
    ]);
    const cases: readonly (readonly [Buffer | string, string, string])[] = [
      ['', 'empty', 'again'],
      ['version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 12\n', 'Git LFS', 'git lfs pull'],
      [`${zip}model/data.pkl`, 'PyTorch checkpoint', 'torch.onnx.export'],
      [`${zip}metadata.json`, 'Keras', 'tf2onnx'],
      [zip, 'zip', 'Unpack'],
      [Buffer.from('8002635f', 'hex'), 'pickle', 'torch.onnx.export'],
      [safetensors, 'safetensors', 'torch.onnx.export'],
      ['GGUF\x03', 'GGUF', 'ONNX'],
      [Buffer.from('894844460d0a1a0a', 'hex'), 'HDF5', 'tf2onnx'],
      [Buffer.from('1c00000054464c33', 'hex'), 'TensorFlow Lite', 'tf2onnx'],
      [Buffer.from('280000004f52544d', 'hex'), 'ORT format', '.onnx'],
      [Buffer.from('1f8b0800', 'hex'), 'gzip', 'gunzip'],
      ['<!DOCTYPE html><title>404', 'web page', 'Download'],
      ['import torch\n', 'text file', '.onnx'],
    ];
    for (const [content, what, advice] of cases) await rejects(write(content), 'not-onnx', what, advice);
  });

  it('refuses a protobuf file without a graph', async () => {
    await rejects(write(Buffer.concat([int(1, 8), bytes(2, 'x')])), 'not-onnx', 'without a graph');
  });

  it('refuses random bytes of every size', async () => {
    const random = createRandom(1);
    for (const size of [1, 2, 7, 64, 1000, 100_000]) {
      for (let round = 0; round < 20; round++) {
        const content = Buffer.from(Array.from({ length: size }, () => random.integer(256)));
        await assert.rejects(readModel(write(content)), UserError);
      }
    }
  });

  it('refuses every truncation of a valid model', async () => {
    const path = write(validModel);
    assert.equal((await readModel(path)).graph.nodes.length, 1);
    // Up to the graph's own header; from there the graph is longer than the file.
    for (let length = validModel.length - 1; length > 0; length -= 37) {
      truncateSync(path, length);
      await assert.rejects(readModel(path), UserError, String(length));
    }
  });

  it('refuses giant lengths and numbers without allocating for them', async () => {
    const giant = varint(2n ** 63n - 1n);
    for (const content of [
      Buffer.concat([int(1, 8), varint(7 * 8 + 2), giant]),
      Buffer.concat([int(1, 8), varint(7 * 8 + 2), varint(2 ** 40)]),
      modelBytes([bytes(5, int(1, 1), varint(9 * 8 + 2), giant)]),
      modelBytes([bytes(5, Buffer.alloc(2000, 0xff))]),
    ]) {
      await rejects(write(content), 'model-malformed');
    }
    await rejects(write(modelBytes([bytes(5, tensorFields('t', 1, [-1]))])), 'model-malformed', 't', '-1');
    const before = process.memoryUsage().rss;
    const huge = await readModel(
      write(modelBytes([bytes(5, tensorFields('t', 1, [2 ** 40], packedFloats(4, [1])))])),
    );
    assert.match(huge.warnings.join(), /Tensor t holds 4 bytes/);
    await assert.rejects(loadTensor(huge.graph.initializers.get('t')!), { code: 'tensor-malformed' });
    const varints = packedInts(
      7,
      Array.from({ length: 2000 }, () => 1),
    );
    const long = await readModel(write(modelBytes([bytes(5, tensorFields('t', 7, [2 ** 40], varints))])));
    await assert.rejects(loadTensor(long.graph.initializers.get('t')!), UserError);
    assert.ok(process.memoryUsage().rss - before < 200e6);
  });

  it('refuses data in a field of another type, data in pieces, and offsets that are no numbers', async () => {
    const wrongField = modelBytes([bytes(5, tensorFields('t', 1, [1], packedInts(7, [1])))]);
    await rejects(write(wrongField), 'model-malformed', 'int64_data');
    const pieces = modelBytes(matMulGraph(bytes(9, weightBytes), bytes(9, weightBytes)));
    await rejects(write(pieces), 'model-malformed', 'pieces');
    for (const offset of ['-1', 'x', '1e3', '99999999999999999999']) {
      const entry = (key: string, value: string) => bytes(13, bytes(1, key), bytes(2, value));
      const external = modelBytes(
        matMulGraph(entry('location', 'a.bin'), entry('offset', offset), int(14, 1)),
      );
      await rejects(write(external), 'model-malformed', offset);
    }
  });

  it('refuses graphs and types that are nested too deep, and accepts forty levels', async () => {
    const nested = (depth: number) => {
      let graph = bytes(2, 'inner');
      for (let i = 0; i < depth; i++) {
        graph = bytes(
          1,
          nodeFields('If', ['c'], ['y'], bytes(5, bytes(1, 'then_branch'), bytes(6, graph), int(20, 5))),
        );
      }
      return modelBytes([graph]);
    };
    assert.equal((await readModel(write(nested(40)))).graph.nodes.length, 1);
    for (const depth of [70, 3000]) await rejects(write(nested(depth)), 'model-malformed');
    let type = bytes(1, int(1, 1));
    for (let i = 0; i < 5000; i++) type = bytes(4, bytes(1, type));
    await rejects(write(modelBytes([bytes(11, bytes(1, 'x'), bytes(2, type))])), 'model-malformed');
  });

  it('refuses half a million empty nodes before they fill the memory', async () => {
    await rejects(write(modelBytes([Buffer.alloc(2_200_000, bytes(1))])), 'model-too-large');
    await rejects(write(modelBytes([bytes(2, Buffer.alloc(9e6, 'a'))])), 'model-too-large');
  }).timeout(20_000);

  it('notices that a weight file changed, was cut or removed after the model was read', async () => {
    const path = write(validModel);
    const model = await readModel(path);
    checkWeightFiles(model);
    truncateSync(path, 500);
    assert.throws(
      () => {
        checkWeightFiles(model);
      },
      { code: 'model-changed' },
    );
    await assert.rejects(loadTensor(model.graph.initializers.get('W')!), { code: 'external-data-too-short' });
  });
});

describe('readModel on mutated models', () => {
  const folder = useTemporaryFolder();

  const entry = (key: string, value: string) => bytes(13, bytes(1, key), bytes(2, value));
  const branch = [
    bytes(2, 'b'),
    bytes(
      1,
      nodeFields(
        'Constant',
        [],
        ['w'],
        bytes(
          5,
          bytes(1, 'value'),
          bytes(
            5,
            tensorFields(
              '',
              7,
              [700],
              packedInts(
                7,
                Array.from({ length: 700 }, (_, i) => i),
              ),
            ),
          ),
          int(20, 4),
        ),
      ),
    ),
  ];
  const seeds: readonly Buffer[] = [
    modelBytes(matMulGraph(packedFloats(4, [1, 2, 3]))),
    validModel,
    modelBytes(
      matMulGraph(entry('location', 'a.bin'), entry('offset', '0'), entry('length', '9'), int(14, 1)),
    ),
    modelBytes(
      [
        bytes(
          1,
          nodeFields('If', ['c'], ['y'], bytes(5, bytes(1, 'then_branch'), bytes(6, ...branch), int(20, 5))),
        ),
        bytes(
          15,
          bytes(1, tensorFields('s', 1, [1], packedFloats(4, [1]))),
          bytes(2, tensorFields('', 7, [1], packedInts(7, [1]))),
          int(3, 4),
        ),
        bytes(11, valueFields('c', 9, [])),
      ],
      bytes(25, bytes(1, 'F'), bytes(7, nodeFields('Add', ['a', 'b'], ['c'])), bytes(10, 'd')),
    ),
  ];

  it('gives a model or a UserError, never anything else, over 2,000 seeded mutations', async () => {
    const random = createRandom(20);
    const path = join(folder(), 'fuzz.onnx');
    let readCount = 0;
    for (let round = 0; round < 2000; round++) {
      const content = mutate(seeds[round % seeds.length]!);
      writeFileSync(path, content);
      const model = await readOrUserError(path, content);
      if (model === undefined) continue;
      readCount++;
      await useOrUserError(model, content);
    }
    // Both ends are reached: most flips in weights and names leave a model, most in lengths do not.
    assert.ok(readCount > 200 && readCount < 1800, `${readCount} of 2000 could be read`);

    function mutate(seed: Buffer): Buffer {
      const content = Buffer.from(seed);
      const edits = 1 + random.integer(4);
      for (let i = 0; i < edits; i++) {
        // Half of the edits hit the first 200 bytes, where the structure is.
        const at = random.integer(random.integer(2) === 0 ? Math.min(200, content.length) : content.length);
        content[at] = random.integer(3) === 0 ? 0xff : random.integer(256);
      }
      return random.integer(8) === 0 ? content.subarray(0, random.integer(content.length)) : content;
    }
  }).timeout(60_000);
});

async function readOrUserError(path: string, content: Buffer): Promise<Model | undefined> {
  try {
    return await readModel(path);
  } catch (error) {
    assert.ok(error instanceof UserError, `${String(error)} on ${content.toString('hex').slice(0, 2000)}`);
    return undefined;
  }
}

/** Whatever could be read can be loaded and written too, or says why not. */
async function useOrUserError(model: Model, content: Buffer): Promise<void> {
  const tensors: Parameters<typeof loadTensor>[0][] = [];
  forEachTensor(model, (tensor) => tensors.push(tensor));
  for (const use of [() => serializeModel(model), ...tensors.map((tensor) => () => loadTensor(tensor))]) {
    try {
      await use();
    } catch (error) {
      assert.ok(error instanceof UserError, `${String(error)} on ${content.toString('hex').slice(0, 2000)}`);
    }
  }
}
