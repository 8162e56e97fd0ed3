import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inlineValue, loadTensor } from '../../../src/onnx/loadTensor.js';
import { bodiesOf, type Tensor } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import {
  bytes,
  float,
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

describe('readModel', () => {
  const folder = useTemporaryFolder();

  function write(content: Buffer, name = 'model.onnx'): string {
    const path = join(folder(), name);
    writeFileSync(path, content);
    return path;
  }

  async function readTensor(...data: Buffer[]): Promise<Tensor> {
    const model = await readModel(write(modelBytes([bytes(5, ...data)])));
    return [...model.graph.initializers.values()][0]!;
  }

  it('reads structure, opsets, metadata and functions as they are written', async () => {
    const relu = nodeFields(
      'Relu',
      ['x'],
      ['h'],
      bytes(3, '/act/Relu'),
      bytes(7, 'ai.onnx'),
      bytes(9, bytes(1, 'k'), bytes(2, 'v')),
    );
    const custom = nodeFields('Twice', ['h'], ['y', ''], bytes(7, 'local'));
    const model = await readModel(
      write(
        modelBytes(
          [
            bytes(1, relu),
            bytes(1, custom),
            bytes(11, valueFields('x', 1, ['batch', 3, null])),
            bytes(12, valueFields('y', 10, [])),
            bytes(13, valueFields('h', 7, [2])),
          ],
          bytes(2, 'pytorch'),
          bytes(3, '2.1'),
          int(5, 7),
          bytes(8, bytes(1, 'local'), int(2, 3)),
          bytes(14, bytes(1, 'author'), bytes(2, 'me')),
          bytes(
            25,
            bytes(1, 'Twice'),
            bytes(4, 'a'),
            bytes(5, 'b'),
            bytes(7, nodeFields('Add', ['a', 'a'], ['b'])),
            bytes(10, 'local'),
            bytes(9, bytes(1, 'ai.onnx'), int(2, 17)),
          ),
        ),
      ),
    );
    assert.deepEqual(
      [...model.opsets],
      [
        ['', 17],
        ['local', 3],
      ],
    );
    assert.equal(model.irVersion, 8);
    assert.equal(model.producerName, 'pytorch');
    assert.equal(model.modelVersion, 7);
    assert.deepEqual([...model.metadata], [['author', 'me']]);
    assert.deepEqual(model.graph.inputs[0]!.type, {
      kind: 'tensor',
      elementType: 'float32',
      shape: ['batch', 3, null],
    });
    assert.deepEqual(model.graph.outputs[0]!.type, { kind: 'tensor', elementType: 'float16', shape: [] });
    assert.deepEqual(model.graph.valueInfo.get('h')!.type, {
      kind: 'tensor',
      elementType: 'int64',
      shape: [2],
    });
    const [first, second] = model.graph.nodes;
    assert.equal(first!.name, '/act/Relu');
    assert.equal(first!.domain, '');
    assert.deepEqual([...first!.metadata], [['k', 'v']]);
    assert.equal(second!.domain, 'local');
    assert.deepEqual(second!.outputs, ['y', '']);
    const [twice] = model.functions;
    assert.equal(twice!.name, 'Twice');
    assert.deepEqual([...twice!.opsets], [['', 17]]);
    assert.deepEqual(twice!.nodes[0]!.inputs, ['a', 'a']);
    assert.deepEqual(model.warnings, []);
  });

  it('reads every kind of attribute, typed or (in old files) untyped', async () => {
    const node = nodeFields(
      'Any',
      [],
      ['y'],
      bytes(5, bytes(1, 'f'), float(2, 1.5), int(20, 1)),
      bytes(5, bytes(1, 'i'), int(3, -2), int(20, 2)),
      bytes(5, bytes(1, 's'), bytes(4, 'é'), int(20, 3)),
      bytes(5, bytes(1, 'floats'), float(7, 1), float(7, -2), int(20, 6)),
      bytes(5, bytes(1, 'ints'), packedInts(8, [1, -1]), int(20, 7)),
      bytes(5, bytes(1, 'strings'), bytes(9, 'a'), bytes(9, 'b'), int(20, 8)),
      bytes(5, bytes(1, 'untyped'), int(8, 4), int(8, 5)),
      bytes(5, bytes(1, 'ref'), bytes(21, 'outer'), int(20, 2)),
      bytes(5, bytes(1, 'tensor'), bytes(5, tensorFields('', 6, [2], packedInts(5, [3, -3]))), int(20, 4)),
      bytes(5, bytes(1, 'type'), bytes(14, bytes(4, bytes(1, bytes(1, int(1, 8))))), int(20, 13)),
    );
    const model = await readModel(write(modelBytes([bytes(1, node)])));
    const attributes = model.graph.nodes[0]!.attributes;
    assert.deepEqual(attributes.get('f'), { kind: 'float', value: 1.5 });
    assert.deepEqual(attributes.get('i'), { kind: 'int', value: -2n });
    assert.deepEqual(attributes.get('s'), { kind: 'string', value: 'é' });
    assert.deepEqual(attributes.get('floats'), { kind: 'floats', value: [1, -2] });
    assert.deepEqual(attributes.get('ints'), { kind: 'ints', value: [1n, -1n] });
    assert.deepEqual(attributes.get('strings'), { kind: 'strings', value: ['a', 'b'] });
    assert.deepEqual(attributes.get('untyped'), { kind: 'ints', value: [4n, 5n] });
    assert.deepEqual(attributes.get('ref'), { kind: 'ref', name: 'outer', attributeType: 2 });
    const tensor = attributes.get('tensor');
    assert.ok(tensor?.kind === 'tensor');
    assert.deepEqual(inlineValue(tensor.value)!.data, Int32Array.of(3, -3));
    assert.deepEqual(attributes.get('type'), {
      kind: 'type',
      value: { kind: 'sequence', element: { kind: 'tensor', elementType: 'string', shape: null } },
    });
  });

  it('leaves large raw data and packed floats in the file, at their place', async () => {
    for (const field of [bytes(9, weightBytes), packedFloats(4, [...matMulWeight])]) {
      const content = modelBytes(matMulGraph(field));
      const model = await readModel(write(content));
      const tensor = model.graph.initializers.get('W')!;
      assert.deepEqual(tensor.source, {
        kind: 'file',
        path: join(folder(), 'model.onnx'),
        offset: content.indexOf(weightBytes),
        sizeBytes: 4096,
      });
      assert.equal(inlineValue(tensor), undefined);
      assert.deepEqual((await loadTensor(tensor)).data, matMulWeight);
    }
  });

  it('leaves large packed integers in the file and decodes them when asked', async () => {
    const values = Array.from({ length: 600 }, (_, i) => BigInt(i - 300) * 10_000_000_000n);
    const tensor = await readTensor(tensorFields('t', 7, [600], packedInts(7, values)));
    assert.equal(tensor.source.kind, 'varints');
    assert.deepEqual((await loadTensor(tensor)).data, BigInt64Array.from(values));
    const unsigned = await readTensor(
      tensorFields(
        'u',
        12,
        [600],
        packedInts(
          11,
          values.map((_, i) => 4_294_967_295 - i),
        ),
      ),
    );
    assert.deepEqual(
      (await loadTensor(unsigned)).data,
      Uint32Array.from(values, (_, i) => 4_294_967_295 - i),
    );
  });

  it('decodes small typed data of every field, packed or not', async () => {
    const half = await readTensor(tensorFields('h', 10, [2], packedInts(5, [0x3c00, 0xc000])));
    assert.deepEqual(inlineValue(half)!.data, Uint16Array.of(0x3c00, 0xc000));
    const bools = await readTensor(tensorFields('b', 9, [3], packedInts(5, [1, 0, 1])));
    assert.deepEqual(inlineValue(bools)!.data, Uint8Array.of(1, 0, 1));
    const bytesOfInts = await readTensor(tensorFields('i', 3, [2], int(5, -1), int(5, 127)));
    assert.deepEqual(inlineValue(bytesOfInts)!.data, Int8Array.of(-1, 127));
    const doubles = await readTensor(
      tensorFields('d', 11, [1], bytes(10, Buffer.from(Float64Array.of(0.1).buffer))),
    );
    assert.deepEqual(inlineValue(doubles)!.data, Float64Array.of(0.1));
    const strings = await readTensor(tensorFields('s', 8, [2], bytes(6, 'a'), bytes(6, 'ß')));
    assert.deepEqual(inlineValue(strings)!.data, ['a', 'ß']);
    const nibbles = await readTensor(tensorFields('n', 22, [3], bytes(9, Buffer.from([0xf1, 0x08]))));
    assert.deepEqual(inlineValue(nibbles)!.data, Int8Array.of(1, -1, -8));
    const many = Array.from({ length: 1024 }, (_, i) => i / 8);
    const unpacked = await readTensor(tensorFields('f', 1, [1024], ...many.map((value) => float(4, value))));
    assert.deepEqual(inlineValue(unpacked)!.data, Float32Array.from(many));
  });

  it('finds weights in Constant nodes and in the bodies of If, Loop and Scan', async () => {
    const constant = nodeFields(
      'Constant',
      [],
      ['W'],
      bytes(5, bytes(1, 'value'), bytes(5, tensorFields('', 1, [512, 2], bytes(9, weightBytes))), int(20, 4)),
    );
    const branch = [
      bytes(2, 'then'),
      bytes(1, constant),
      bytes(5, tensorFields('V', 1, [512, 2], bytes(9, weightBytes))),
    ];
    const node = nodeFields(
      'If',
      ['c'],
      ['y'],
      bytes(5, bytes(1, 'then_branch'), bytes(6, ...branch), int(20, 5)),
    );
    const model = await readModel(write(modelBytes([bytes(1, node)])));
    const [body] = bodiesOf(model.graph.nodes[0]!);
    assert.equal(body!.attribute, 'then_branch');
    const value = body!.graph.nodes[0]!.attributes.get('value');
    assert.ok(value?.kind === 'tensor');
    for (const tensor of [value.value, body!.graph.initializers.get('V')!]) {
      assert.equal(tensor.source.kind, 'file');
      assert.deepEqual((await loadTensor(tensor)).data, matMulWeight);
    }
  });

  it('joins a graph that is written in several pieces', async () => {
    const model = await readModel(
      write(
        modelBytes(
          [bytes(1, nodeFields('Relu', ['x'], ['h']))],
          bytes(7, bytes(1, nodeFields('Relu', ['h'], ['y'])), bytes(12, valueFields('y', 1, [1]))),
        ),
      ),
    );
    assert.deepEqual(
      model.graph.nodes.map(({ outputs }) => outputs),
      [['h'], ['y']],
    );
    assert.equal(model.graph.outputs.length, 1);
  });

  it('reads the weights of a file larger than 4 GiB, sparse on disk, without reading what is between', async () => {
    // The graph's length says where its end is; the hole stands in a weight of 4.5 GB.
    const holeBytes = 4_500_000_000;
    const [node, , input, output] = matMulGraph();
    const hole = tensorFields('hole', 2, [holeBytes]);
    const holeField = Buffer.concat([varint(9 * 8 + 2), varint(holeBytes)]);
    const head = Buffer.concat([
      bytes(2, 'g'),
      node!,
      input!,
      output!,
      bytes(5, tensorFields('W', 1, [512, 2], bytes(9, weightBytes))),
    ]);
    const holeHead = Buffer.concat([
      varint(5 * 8 + 2),
      varint(hole.length + holeField.length + holeBytes),
      hole,
      holeField,
    ]);
    const start = Buffer.concat([
      int(1, 8),
      bytes(8, bytes(1, ''), int(2, 17)),
      varint(7 * 8 + 2),
      varint(head.length + holeHead.length + holeBytes),
      head,
      holeHead,
    ]);
    const path = write(start);
    truncateSync(path, start.length + holeBytes);
    const startedAt = performance.now();
    const model = await readModel(path);
    assert.ok(performance.now() - startedAt < 500);
    assert.equal(model.file.sizeBytes, start.length + holeBytes);
    assert.deepEqual(model.graph.initializers.get('hole')!.source, {
      kind: 'file',
      path,
      offset: start.length,
      sizeBytes: holeBytes,
    });
    assert.deepEqual((await loadTensor(model.graph.initializers.get('W')!)).data, matMulWeight);
  });
});

describe('readModel with external data', () => {
  const folder = useTemporaryFolder();

  function external(location: string, offset = 0, length = 4096): Buffer {
    const entry = (key: string, value: string) => bytes(13, bytes(1, key), bytes(2, value));
    return modelBytes(
      matMulGraph(
        entry('location', location),
        entry('offset', String(offset)),
        entry('length', String(length)),
        int(14, 1),
      ),
    );
  }

  function put(name: string, content: Buffer): string {
    const path = join(folder(), name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  const withCode =
    (code: string, ...parts: string[]) =>
    (error: unknown) => {
      assert.ok(error instanceof Error && 'code' in error);
      assert.equal(error.code, code);
      for (const part of parts) assert.ok(error.message.includes(part), error.message);
      return true;
    };

  it('points into the data file and counts its bytes', async () => {
    const data = put('weights/data.bin', Buffer.concat([Buffer.alloc(100), weightBytes]));
    const content = external('weights/data.bin', 100);
    const model = await readModel(put('model.onnx', content));
    const tensor = model.graph.initializers.get('W')!;
    assert.deepEqual(tensor.source, { kind: 'file', path: data, offset: 100, sizeBytes: 4096 });
    assert.deepEqual((await loadTensor(tensor)).data, matMulWeight);
    assert.equal(model.file.sizeBytes, content.length + 4196);
    assert.deepEqual(model.file.externalPaths, [data]);
  });

  it('reads the structure when the data is missing or too short, and says so when the weights are needed', async () => {
    const missing = await readModel(put('model.onnx', external('gone.bin')));
    assert.match(missing.warnings.join(), /gone\.bin/);
    await assert.rejects(
      loadTensor(missing.graph.initializers.get('W')!),
      withCode('external-data-missing', 'gone.bin', 'W'),
    );
    put('short.bin', Buffer.alloc(4000));
    const short = await readModel(put('model.onnx', external('short.bin')));
    assert.match(short.warnings.join(), /W needs 4096 bytes/);
    await assert.rejects(
      loadTensor(short.graph.initializers.get('W')!),
      withCode('external-data-too-short', 'short.bin', 'W'),
    );
  });

  it('refuses locations outside the folder: absolute, upwards or through a link', async () => {
    const outside = put('private/data.bin', weightBytes);
    mkdirSync(join(folder(), 'here'));
    symlinkSync(outside, join(folder(), 'here', 'link.bin'));
    symlinkSync(join(folder(), 'private'), join(folder(), 'here', 'dir'));
    for (const location of [
      outside,
      '../private/data.bin',
      'x/../../private/data.bin',
      'link.bin',
      'dir/data.bin',
      'a\0b',
    ]) {
      await assert.rejects(
        readModel(put('here/model.onnx', external(location))),
        withCode('external-data-outside', location, 'W'),
      );
    }
  });

  it('follows the links of a hub cache, where model and data are blobs of one folder', async () => {
    put('blobs/aaaa', external('model.onnx_data'));
    const data = put('blobs/bbbb', weightBytes);
    mkdirSync(join(folder(), 'snapshots', 'rev', 'onnx'), { recursive: true });
    const path = join(folder(), 'snapshots', 'rev', 'onnx', 'model.onnx');
    symlinkSync('../../../blobs/aaaa', path);
    symlinkSync('../../../blobs/bbbb', `${path}_data`);
    const model = await readModel(path);
    assert.equal(model.file.path, path);
    assert.equal(model.file.realPath, join(folder(), 'blobs', 'aaaa'));
    assert.deepEqual(model.file.externalPaths, [data]);
    assert.deepEqual((await loadTensor(model.graph.initializers.get('W')!)).data, matMulWeight);
  });

  it('finds data beside the real file when only the model is linked', async () => {
    put('real/model.onnx', external('data.bin'));
    const data = put('real/data.bin', weightBytes);
    mkdirSync(join(folder(), 'elsewhere'));
    symlinkSync('../real/model.onnx', join(folder(), 'elsewhere', 'model.onnx'));
    const model = await readModel(join(folder(), 'elsewhere', 'model.onnx'));
    assert.deepEqual(model.file.externalPaths, [data]);
  });
});
