import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { candidates } from '../../../src/engine/runtime/providers.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { DataType } from '../../../src/onnx/dataTypes.js';
import type { Model, ValueType } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';
import { itWithShared, rootDir } from '../../support/paths.js';
import {
  bytes,
  int,
  matMulGraph,
  matMulWeight,
  modelBytes,
  nodeFields,
  tensorFields,
  valueFields,
} from '../../support/protoBytes.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });
const weightBytes = Buffer.from(matMulWeight.buffer);

/** x = ones: every product is a column's sum, exact in float32. */
const onesFeed = { x: float32Tensor(new Float32Array(512).fill(1), [1, 512]) };
const columnSums = [0, 1].map((column) =>
  matMulWeight.reduce((sum, value, i) => (i % 2 === column ? sum + value : sum), 0),
);

async function runOnce(model: Model, feeds: Feeds, purpose: 'sweep' | 'probe' = 'sweep') {
  const session = await runtime.open(model, { purpose });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

function tensorType(elementType: DataType, ...shape: number[]): ValueType {
  return { kind: 'tensor', elementType, shape };
}

describe('the runtime', () => {
  const folder = useTemporaryFolder();

  function write(content: Buffer, name = 'model.onnx'): string {
    const path = join(folder(), name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  it('runs a model on weights that stay in its file, for both purposes', async () => {
    const model = await readModel(write(modelBytes(matMulGraph(bytes(9, weightBytes)))));
    for (const purpose of ['sweep', 'probe'] as const) {
      const { y } = await runOnce(model, onesFeed, purpose);
      assert.deepEqual(y, { dtype: 'float32', dims: [1, 2], data: Float32Array.from(columnSums) });
    }
    assert.equal(runtime.provider, 'cpu');
    assert.match(runtime.version, /^\d+\.\d+\.\d+/);
  });

  it('runs on weights in Constant nodes and in bodies of If', async () => {
    const constant = nodeFields(
      'Constant',
      [],
      ['C'],
      bytes(5, bytes(1, 'value'), bytes(5, tensorFields('', 1, [512, 2], bytes(9, weightBytes))), int(20, 4)),
    );
    const branch = (name: string, ...fields: Buffer[]) =>
      bytes(
        5,
        bytes(1, name),
        bytes(6, bytes(2, name), ...fields, bytes(12, valueFields(`${name}_y`, 1, [1, 2]))),
        int(20, 5),
      );
    const node = nodeFields(
      'If',
      ['c'],
      ['y'],
      branch(
        'then_branch',
        bytes(1, constant),
        bytes(1, nodeFields('MatMul', ['x', 'C'], ['then_branch_y'])),
      ),
      branch(
        'else_branch',
        bytes(5, tensorFields('V', 1, [512, 2], bytes(9, weightBytes))),
        bytes(1, nodeFields('MatMul', ['x', 'V'], ['else_branch_y'])),
      ),
    );
    const model = await readModel(
      write(
        modelBytes([
          bytes(1, node),
          bytes(11, valueFields('x', 1, [1, 512])),
          bytes(11, valueFields('c', 9, [])),
          bytes(12, valueFields('y', 1, [1, 2])),
        ]),
      ),
    );
    for (const condition of [0, 1]) {
      const c: TensorValue = { dtype: 'bool', dims: [], data: Uint8Array.of(condition) };
      const { y } = await runOnce(model, { ...onesFeed, c });
      assert.deepEqual(y!.data, Float32Array.from(columnSums));
    }
  });

  it('runs a model and its data through the links of a hub cache', async () => {
    const entry = (key: string, value: string) => bytes(13, bytes(1, key), bytes(2, value));
    write(modelBytes(matMulGraph(entry('location', 'model.onnx_data'), int(14, 1))), 'blobs/aaaa');
    write(weightBytes, 'blobs/bbbb');
    mkdirSync(join(folder(), 'snapshots'));
    symlinkSync('../blobs/aaaa', join(folder(), 'snapshots', 'model.onnx'));
    symlinkSync('../blobs/bbbb', join(folder(), 'snapshots', 'model.onnx_data'));
    const model = await readModel(join(folder(), 'snapshots', 'model.onnx'));
    assert.deepEqual((await runOnce(model, onesFeed))['y']!.data, Float32Array.from(columnSums));
  });

  it('passes every element type through unchanged, float16 as bits', async () => {
    const values: readonly TensorValue[] = [
      float32Tensor([1.5, NaN, -Infinity], [3]),
      { dtype: 'float64', dims: [1, 1], data: Float64Array.of(0.1) },
      { dtype: 'float16', dims: [2], data: Uint16Array.of(0x3c01, 0xfc00) },
      { dtype: 'int8', dims: [2], data: Int8Array.of(-128, 127) },
      { dtype: 'uint8', dims: [1], data: Uint8Array.of(255) },
      { dtype: 'int16', dims: [1], data: Int16Array.of(-32768) },
      { dtype: 'uint16', dims: [1], data: Uint16Array.of(65535) },
      { dtype: 'int32', dims: [1], data: Int32Array.of(-(2 ** 31)) },
      { dtype: 'uint32', dims: [1], data: Uint32Array.of(2 ** 32 - 1) },
      int64Tensor([-(2n ** 63n), 2n ** 63n - 1n], [2]),
      { dtype: 'uint64', dims: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
      { dtype: 'bool', dims: [], data: Uint8Array.of(1) },
      { dtype: 'string', dims: [2], data: ['a', 'é'] },
      float32Tensor([], [0, 4]),
    ];
    for (const value of values) {
      const builder = new GraphBuilder(emptyModel());
      builder.addInput('x', tensorType(value.dtype, ...value.dims));
      builder.addOutput(
        builder.node('Identity', ['x'], { outputs: ['y'] }),
        tensorType(value.dtype, ...value.dims),
      );
      const { y } = await runOnce(builder.build(), { x: value });
      assert.deepEqual({ ...y, data: y!.data }, value, value.dtype);
    }
  });

  it('returns outputs of types that it cannot hand over as the nearest it can', async () => {
    const cases = [
      ['int4', 'int8', Int8Array.of(-8, 7, 1)],
      ['uint4', 'uint8', Uint8Array.of(8, 7, 1)],
      ['bfloat16', 'float32', Float32Array.of(-8, 7, 1)],
      ['float8e4m3fn', 'float32', Float32Array.of(-8, 7, 1)],
    ] as const;
    const codes = { int4: 22, uint4: 21, bfloat16: 16, float8e4m3fn: 17 };
    for (const [type, returned, data] of cases) {
      const builder = new GraphBuilder({ ...emptyModel(21), irVersion: 10 });
      builder.addInput('x', floatType(3));
      const input = type === 'uint4' ? [8, 7, 1] : [-8, 7, 1];
      builder.addOutput(
        builder.node('Cast', ['x'], { attributes: { to: codes[type] }, outputs: ['y'] }),
        tensorType(type, 3),
      );
      builder.addOutput(builder.node('Neg', ['x'], { outputs: ['plain'] }), floatType(3));
      const session = await runtime.open(builder.build());
      assert.deepEqual(session.outputNames, ['y', 'plain']);
      const result = await session.run({ x: float32Tensor(input, [3]) });
      assert.deepEqual(result['y'], { dtype: returned, dims: [3], data });
      assert.deepEqual(
        result['plain']!.data,
        Float32Array.from(input, (value) => -value),
      );
      assert.deepEqual(Object.keys(await session.run({ x: float32Tensor(input, [3]) }, ['y'])), ['y']);
      await session.close();
    }
  });

  it('says what is wrong with feeds', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('n', 3));
    builder.addOutput(
      builder.node('Reshape', ['x', builder.int64s([2, 3])], { outputs: ['y'], name: 'fold' }),
      floatType(2, 3),
    );
    const session = await runtime.open(builder.build());
    const fails = (feeds: Feeds, ...parts: string[]) =>
      assert.rejects(session.run(feeds), (error) => {
        assert.ok(error instanceof Error && 'code' in error && 'kind' in error);
        assert.equal(error.code, 'run-failed');
        assert.equal(error.kind, 'input');
        for (const part of parts) assert.ok(error.message.includes(part), error.message);
        assert.ok(error.message.length < 800 && !error.message.includes('onnxruntime_src'), error.message);
        return true;
      });
    await fails({ z: float32Tensor([1], [1]) }, 'x', 'z');
    await fails({ x: int64Tensor([1, 2, 3], [1, 3]) }, 'x', 'float32', 'int64');
    await fails({ x: { dtype: 'bfloat16', dims: [1], data: Uint16Array.of(1) } }, 'bfloat16');
    await fails({ x: float32Tensor([1, 2], [1, 2]) }, 'x', 'Expected: 3');
    await fails({ x: float32Tensor([1, 2], [1, 3]) });
    await fails({ x: float32Tensor([1, 2, 3], [1, 3]) }, 'fold', 'requested shape');
    await session.close();
  });

  it('names what it does not know in a model it cannot open', async () => {
    const odd = (opset: number, domain: string) => {
      const builder = new GraphBuilder({
        ...emptyModel(opset),
        opsets: new Map([['', opset], ...(domain === '' ? [] : [[domain, 3] as const])]),
      });
      builder.addInput('x', floatType(3));
      builder.addOutput(
        builder.node(domain === '' ? 'Relu' : 'Gizmo', ['x'], { domain, name: 'n1' }),
        floatType(3),
      );
      return builder.build();
    };
    await assert.rejects(runtime.open(odd(17, 'com.acme')), {
      code: 'model-rejected',
      kind: 'input',
      message: /com\.acme:Gizmo.*opset 3.*n1/,
    });
    await assert.rejects(runtime.open(odd(999, '')), { code: 'model-rejected', message: /opset 999/ });
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType(3));
    builder.addOutput(builder.node('Relu', ['nowhere'], { name: 'n1' }), floatType(3));
    await assert.rejects(runtime.open(builder.build()), { code: 'model-rejected', message: /nowhere/ });
  });

  it('refuses weights that are missing, too short or changed since the model was read', async () => {
    const entry = (key: string, value: string) => bytes(13, bytes(1, key), bytes(2, value));
    const path = write(modelBytes(matMulGraph(entry('location', 'w.bin'), int(14, 1))));
    await assert.rejects(runtime.open(await readModel(path)), {
      code: 'external-data-missing',
      message: /w\.bin.*W/,
    });
    const data = write(weightBytes.subarray(1), 'w.bin');
    await assert.rejects(runtime.open(await readModel(path)), {
      code: 'external-data-too-short',
      message: /w\.bin.*W/,
    });
    write(weightBytes, 'w.bin');
    const model = await readModel(path);
    await runOnce(model, onesFeed);
    utimesSync(data, 1, 1);
    await assert.rejects(runtime.open(model), { code: 'model-changed' });
    rmSync(data);
    await assert.rejects(runtime.open(model), { code: 'external-data-missing' });
  });

  it('notices before a run that a weight file changed after the session was opened', async () => {
    const path = write(modelBytes(matMulGraph(bytes(9, weightBytes))));
    const session = await runtime.open(await readModel(path));
    await session.run(onesFeed);
    utimesSync(path, 1, 1);
    await assert.rejects(session.run(onesFeed), { code: 'model-changed', message: /model\.onnx/ });
    await session.close();
  });

  it('says which input cannot be fed', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', tensorType('bfloat16', 2));
    builder.addOutput(builder.cast('x', 1), floatType(2));
    await assert.rejects(runtime.open(builder.build()), {
      code: 'model-rejected',
      message: /input x is of type bfloat16/,
    });
  });

  it('says that a provider is missing, and that auto finds one that works', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType(2));
    builder.addOutput(builder.node('Relu', ['x'], { outputs: ['y'] }), floatType(2));
    const missing = process.platform === 'linux' ? 'dml' : 'cuda';
    const absent = createRuntime({ provider: missing });
    await assert.rejects(absent.open(builder.build()), {
      code: 'provider-unavailable',
      kind: 'environment',
      message: new RegExp(missing),
    });
    assert.equal(absent.provider, undefined);
    const auto = createRuntime({ provider: 'auto' });
    const session = await auto.open(builder.build());
    assert.equal(session.provider, auto.provider);
    assert.deepEqual(
      (await session.run({ x: float32Tensor([-1, 2], [2]) }))['y']!.data,
      Float32Array.of(0, 2),
    );
  });

  it('never takes a software GPU by itself', function () {
    const before = process.env['VK_DRIVER_FILES'];
    process.env['VK_DRIVER_FILES'] = '/usr/lib/chromium/vk_swiftshader_icd.json';
    try {
      if (process.platform === 'linux') assert.deepEqual(candidates('auto', ['cpu', 'webgpu']), ['cpu']);
      assert.deepEqual(candidates('webgpu', ['cpu', 'webgpu']), ['webgpu']);
      assert.equal(candidates('auto', ['cpu']).at(-1), 'cpu');
    } finally {
      if (before === undefined) delete process.env['VK_DRIVER_FILES'];
      else process.env['VK_DRIVER_FILES'] = before;
    }
  });

  it('loads native code with the first session, not with the module', () => {
    const script = `
      import { createRuntime } from './src/engine/runtime/ortRuntime.ts';
      createRuntime({ provider: 'cpu' });
      console.log(process.report.getReport().sharedObjects.filter((name) => name.includes('onnxruntime')).length);`;
    const printed = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: rootDir,
      encoding: 'utf8',
    });
    assert.equal(printed.trim(), '0');
  });

  itWithShared(
    'gives the same bits as the plain file on every real model, read, and written to stand alone',
    async (shared) => {
      const files = readdirSync(join(shared, 'models'), { recursive: true, encoding: 'utf8' }).filter(
        (name) => name.endsWith('.onnx'),
      );
      assert.ok(files.length >= 15);
      for (const [i, file] of files.entries()) {
        const path = join(shared, 'models', file);
        const model = await readModel(path);
        const feeds = randomFeeds(model, i);
        const expected = await plainRun(path, feeds);
        const copy = join(folder(), 'copy.onnx');
        await writeModel(model, copy);
        for (const variant of [model, await readModel(copy)]) {
          const actual = await runOnce(variant, feeds);
          assert.ok(Object.keys(actual).length > 0);
          for (const [name, value] of Object.entries(actual)) {
            assert.deepEqual(bits(value.data), bits(expected[name]!.data), `${file} ${name}`);
          }
        }
      }
    },
  );
});

function bits(data: TensorValue['data']): unknown {
  return Array.isArray(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function randomFeeds(model: Model, seed: number): Feeds {
  const random = createRandom(seed);
  const feeds: Record<string, TensorValue> = {};
  for (const { name, type } of model.graph.inputs) {
    if (model.graph.initializers.has(name)) continue;
    assert.ok(type.kind === 'tensor');
    const dims = (type.shape ?? []).map((dim) => (typeof dim === 'number' && dim > 0 ? dim : 2));
    const count = dims.reduce((product, dim) => product * dim, 1);
    const values = Array.from({ length: count }, () => random.integer(200));
    if (type.elementType === 'int64') feeds[name] = int64Tensor(values, dims);
    else if (type.elementType === 'int32') {
      feeds[name] = { dtype: 'int32', dims, data: Int32Array.from(values) };
    } else {
      feeds[name] = float32Tensor(
        values.map((value) => value / 100 - 1),
        dims,
      );
    }
  }
  return feeds;
}

/** The runtime's own reading of the file, without ours. */
async function plainRun(path: string, feeds: Feeds): Promise<ort.InferenceSession.ReturnType> {
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const tensors = Object.entries(feeds).map(([name, { dtype, data, dims }]) => [
    name,
    new ort.Tensor(dtype as 'float32', data as Float32Array, dims),
  ]);
  const outputs = session.outputMetadata.filter(({ isTensor }) => isTensor).map(({ name }) => name);
  const result = await session.run(Object.fromEntries(tensors) as Record<string, ort.Tensor>, outputs);
  await session.release();
  return result;
}
