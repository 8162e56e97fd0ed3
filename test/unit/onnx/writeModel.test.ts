import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { loadTensor } from '../../../src/onnx/loadTensor.js';
import type { Attribute, Graph, Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { forEachTensor, serializeModel, weightsFolder } from '../../../src/onnx/serializeModel.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';
import { sharedDir, itWithShared } from '../../support/paths.js';
import {
  bytes,
  matMulGraph,
  matMulWeight,
  modelBytes,
  packedInts,
  tensorFields,
} from '../../support/protoBytes.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

const weightBytes = Buffer.from(matMulWeight.buffer);

/** A model as plain data without its places on disk: every tensor with its elements. */
async function contentOf(model: Model): Promise<unknown> {
  const tensors: unknown[] = [];
  const pending: Promise<void>[] = [];
  forEachTensor(model, (tensor) => {
    const slot = tensors.push(undefined) - 1;
    pending.push(loadTensor(tensor).then((value) => void (tensors[slot] = { name: tensor.name, value })));
  });
  await Promise.all(pending);
  const text = JSON.stringify(model, (key, value: unknown) => {
    if (key === 'source' || key === 'file' || key === 'warnings') return undefined;
    if (value instanceof Map) return { map: [...value] };
    return typeof value === 'bigint' ? `${value.toString()}n` : value;
  });
  return { structure: JSON.parse(text) as unknown, tensors };
}

/** A model that uses every kind of attribute, a body, a function, sparse and string tensors, and metadata. */
function richModel(): Model {
  const inline = (name: string) =>
    ({
      name,
      elementType: 'float32',
      dims: [2],
      source: { kind: 'inline', bytes: new Uint8Array(Float32Array.of(1, -2).buffer) },
    }) as const;
  const empty = emptyModel().graph;
  const body: Graph = { ...empty, name: 'body', initializers: new Map([['inner', inline('inner')]]) };
  const strings = {
    name: 's',
    elementType: 'string',
    dims: [1],
    source: { kind: 'strings', values: ['é'] },
  } as const;
  const sparse = {
    values: inline('sv'),
    indices: { ...inline('si'), elementType: 'int64', dims: [1] } as const,
    dims: [4],
  };
  const attributes: Record<string, Attribute> = {
    f: { kind: 'float', value: 0.5 },
    i: { kind: 'int', value: -(2n ** 40n) },
    zero: { kind: 'int', value: 0n },
    s: { kind: 'string', value: 'ü' },
    none: { kind: 'ints', value: [] },
    t: { kind: 'tensor', value: inline('') },
    g: { kind: 'graph', value: body },
    floats: { kind: 'floats', value: [1, 2] },
    strings: { kind: 'strings', value: ['a', ''] },
    tensors: { kind: 'tensors', value: [inline('a'), strings] },
    graphs: { kind: 'graphs', value: [body] },
    sparse: { kind: 'sparse-tensor', value: sparse },
    type: {
      kind: 'type',
      value: { kind: 'optional', element: { kind: 'map', keyType: 'int64', value: floatType(1) } },
    },
    types: { kind: 'types', value: [{ kind: 'sparse-tensor', elementType: 'int8', shape: [null, 'n'] }] },
  };
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('n', 3));
  builder.initializer(strings);
  builder.addOutput(builder.node('Odd', ['x', ''], { domain: 'local', name: 'odd', attributes }));
  const model = builder.build();
  const node = { ...model.graph.nodes[0]!, overload: 'v2', metadata: new Map([['k', 'v']]) };
  return {
    ...model,
    metadata: new Map([['author', 'me']]),
    opsets: new Map([
      ['', 17],
      ['local', 2],
    ]),
    graph: {
      ...model.graph,
      nodes: [node],
      sparseInitializers: [sparse],
      valueInfo: new Map([['h', model.graph.inputs[0]!]]),
    },
    functions: [
      {
        name: 'Odd',
        domain: 'local',
        overload: 'v2',
        inputs: ['a'],
        outputs: ['b'],
        attributeNames: ['alpha'],
        attributeDefaults: new Map([['beta', { kind: 'float', value: 2 }]]),
        nodes: [
          { ...node, attributes: new Map([['alpha', { kind: 'ref', name: 'alpha', attributeType: 1 }]]) },
        ],
        opsets: new Map([['', 17]]),
        valueInfo: new Map(),
        metadata: new Map(),
      },
    ],
  };
}

describe('writeModel and serializeModel', () => {
  const folder = useTemporaryFolder();

  it('keep every part of a model', async () => {
    const model = richModel();
    const path = join(folder(), 'a.onnx');
    writeFileSync(path, serializeModel(model));
    const expected = await contentOf({
      ...model,
      graph: { ...model.graph, valueInfo: new Map([['x', model.graph.inputs[0]!]]) },
    });
    assert.deepEqual(await contentOf(await readModel(path)), expected);
    await writeModel(model, path);
    assert.deepEqual(await contentOf(await readModel(path)), expected);
  });

  it('refers to weights where they are instead of copying them, and decodes varints', async () => {
    const path = join(folder(), 'model.onnx');
    const integers = Array.from({ length: 700 }, (_, i) => i - 350);
    const graph = [
      ...matMulGraph(bytes(9, weightBytes)),
      bytes(5, tensorFields('t', 7, [700], packedInts(7, integers))),
    ];
    writeFileSync(path, modelBytes(graph));
    const model = await readModel(path);
    assert.equal(weightsFolder(model), folder());
    const copy = join(folder(), 'copy.onnx');
    writeFileSync(copy, serializeModel(model));
    assert.ok(!readFileSync(copy).includes(weightBytes));
    const again = await readModel(copy);
    assert.deepEqual(again.graph.initializers.get('W'), model.graph.initializers.get('W'));
    assert.deepEqual(
      (await loadTensor(again.graph.initializers.get('t')!)).data,
      BigInt64Array.from(integers, BigInt),
    );
  });

  it('names weights of several folders from the folder that holds them all', () => {
    const tensor = (path: string) =>
      ({
        name: path,
        elementType: 'uint8',
        dims: [1],
        source: { kind: 'file', path, offset: 0, sizeBytes: 1 },
      }) as const;
    const model = (...paths: string[]): Model => ({
      ...emptyModel(),
      graph: { ...emptyModel().graph, initializers: new Map(paths.map((path) => [path, tensor(path)])) },
    });
    assert.equal(weightsFolder(model()), undefined);
    assert.equal(weightsFolder(model('/a/b/c.onnx')), '/a/b');
    assert.equal(weightsFolder(model('/a/b/c.onnx', '/a/b/d/e.bin')), '/a/b');
    assert.equal(weightsFolder(model('/a/b/c.onnx', '/a/bb/e.bin')), '/a');
    assert.equal(weightsFolder(model('/a/b', '/c/d')), '/');
    assert.match(Buffer.from(serializeModel(model('/a/b/c', '/a/d/e'))).toString('latin1'), /b\/c[^]*d\/e/);
  });

  it('embeds weights from other files, and puts them beside when they are too many', async () => {
    const source = join(folder(), 'source.onnx');
    writeFileSync(source, modelBytes(matMulGraph(bytes(9, weightBytes))));
    const model = await readModel(source);
    const alone = join(folder(), 'alone.onnx');
    await writeModel(model, alone);
    assert.equal(readdirSync(folder()).length, 2);
    assert.deepEqual(await contentOf(await readModel(alone)), await contentOf(model));
    assert.deepEqual((await readModel(alone)).file.externalPaths, []);

    const large = join(folder(), 'large.onnx');
    await writeModel(model, large, { maxEmbeddedBytes: 4095 });
    const read = await readModel(large);
    assert.deepEqual(read.file.externalPaths, [`${large}.data`]);
    assert.deepEqual(await contentOf(read), await contentOf(model));
    assert.ok(statSync(large).size < 1000);
    // Over its own file, too.
    await writeModel(read, large);
    assert.deepEqual(await contentOf(await readModel(large)), await contentOf(model));
  });

  it('leaves the old file and no other when writing fails', async () => {
    const source = join(folder(), 'source.onnx');
    writeFileSync(source, modelBytes(matMulGraph(bytes(9, weightBytes))));
    const model = await readModel(source);
    await assert.rejects(writeModel(model, join(folder(), 'none', 'm.onnx')), {
      code: 'write-failed',
      kind: 'environment',
    });
    await assert.rejects(writeModel(model, folder()), { code: 'write-failed' });
    if (existsSync('/dev/full') && process.getuid?.() !== 0) {
      chmodSync(folder(), 0o500);
      await assert.rejects(writeModel(model, join(folder(), 'm.onnx')), { code: 'write-failed' });
      chmodSync(folder(), 0o700);
    }
    assert.deepEqual(readdirSync(folder()), ['source.onnx']);
  });

  itWithShared('keep every part of the real models', async (shared) => {
    assert.equal(shared, sharedDir);
    for (const path of onnxFilesBelow(join(shared, 'models'))) {
      const model = await readModel(path);
      assert.deepEqual(model.warnings, [], path);
      const copy = join(folder(), 'copy.onnx');
      await writeModel(model, copy);
      assert.deepEqual(await contentOf(await readModel(copy)), await contentOf(model), path);
    }
  });
});

function onnxFilesBelow(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => join(dir, name));
}
