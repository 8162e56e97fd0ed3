import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { fileSource, memorySource } from '../../../src/data/byteSource.js';
import { readArray } from '../../../src/data/namedArray.js';
import { encodeNpy, writeNpy } from '../../../src/data/npy.js';
import { openNpz, writeNpz } from '../../../src/data/npz.js';
import { openNpy } from '../../../src/data/openNpy.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

function npy(header: string, elements: Uint8Array): Uint8Array {
  const text = `${header.padEnd(117)}\n`;
  const prefix = [0x93, ...Buffer.from('NUMPY'), 1, 0, text.length, 0];
  return Buffer.concat([Uint8Array.from(prefix), Buffer.from(text), elements]);
}

async function read(bytes: Uint8Array): Promise<{ dtype: string; dims: readonly number[]; data: unknown[] }> {
  const array = await openNpy(memorySource('planted', bytes), 'x');
  return { dtype: array.dtype, dims: array.dims, data: [...(await readArray(array))] };
}

const hasNumpy = (() => {
  try {
    execFileSync('python3', ['-c', 'import numpy'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('npy', () => {
  const folder = useTemporaryFolder();

  it('writes the bytes that the format describes', () => {
    const bytes = encodeNpy(float32Tensor([1, -2], [2]));
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    assert.equal(bytes.length, 128 + 8);
    assert.deepEqual([...bytes.subarray(0, 10)], [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
    assert.equal(Buffer.from(bytes.subarray(10, 128)).toString(), `${header.padEnd(117)}\n`);
    // IEEE 754: 1 is 3f800000 and −2 is c0000000, little endian.
    assert.deepEqual([...bytes.subarray(128)], [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  });

  it('writes types that numpy lacks as the contract says', async () => {
    const half: TensorValue = { dtype: 'float16', dims: [3], data: Uint16Array.of(0x3c00, 0xc000, 0x7bff) };
    assert.deepEqual(await read(encodeNpy(half)), { dtype: 'float32', dims: [3], data: [1, -2, 65504] });
    const brain: TensorValue = { dtype: 'bfloat16', dims: [1], data: Uint16Array.of(0x4049) };
    assert.deepEqual((await read(encodeNpy(brain))).data, [3.140625]);
    const flags: TensorValue = { dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) };
    assert.deepEqual(await read(encodeNpy(flags)), { dtype: 'uint8', dims: [2], data: [1, 0] });
    const nibbles: TensorValue = { dtype: 'int4', dims: [2], data: Int8Array.of(-8, 7) };
    assert.deepEqual(await read(encodeNpy(nibbles)), { dtype: 'int8', dims: [2], data: [-8, 7] });
    assert.throws(() => encodeNpy({ dtype: 'string', dims: [1], data: ['a'] }), /cannot be written/);
  });

  it('reads hand-made Fortran order, big endian and scalars', async () => {
    // [[1, 2, 3], [4, 5, 6]] column by column.
    const columns = Uint8Array.of(1, 4, 2, 5, 3, 6);
    const fortran = npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", columns);
    assert.deepEqual(await read(fortran), { dtype: 'uint8', dims: [2, 3], data: [1, 2, 3, 4, 5, 6] });
    const big = npy(
      "{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }",
      Uint8Array.of(1, 0, 0xff, 0xfe),
    );
    assert.deepEqual((await read(big)).data, [256, -2]);
    const scalar = npy(
      "{'descr': '<i8', 'fortran_order': False, 'shape': (), }",
      Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0),
    );
    assert.deepEqual(await read(scalar), { dtype: 'int64', dims: [], data: [5n] });
  });

  it('names what is wrong with files that are no arrays', async () => {
    await assert.rejects(read(Buffer.from('hello, this is text')), { code: 'not-npy' });
    await assert.rejects(read(new Uint8Array(3)), { code: 'not-npy' });
    const short = encodeNpy(float32Tensor(new Float32Array(100), [100])).subarray(0, 300);
    await assert.rejects(read(short), {
      code: 'data-malformed',
      message: /needs 400 bytes and 172 are there/,
    });
    const text = npy("{'descr': '<U3', 'fortran_order': False, 'shape': (1,), }", new Uint8Array(12));
    await assert.rejects(read(text), { code: 'npy-type', message: /<U3/ });
    const huge = npy(
      "{'descr': '<f8', 'fortran_order': True, 'shape': (99999999999, 9), }",
      new Uint8Array(8),
    );
    await assert.rejects(read(huge), { code: 'data-malformed' });
  });

  it('gives back every array that it wrote', async () => {
    const numbers = fc.oneof(
      fc.float32Array({ maxLength: 60 }).map((data) => ({ dtype: 'float32' as const, data })),
      fc.float64Array({ maxLength: 60 }).map((data) => ({ dtype: 'float64' as const, data })),
      fc.int16Array({ maxLength: 60 }).map((data) => ({ dtype: 'int16' as const, data })),
      fc.bigInt64Array({ maxLength: 60 }).map((data) => ({ dtype: 'int64' as const, data })),
      fc.uint8Array({ maxLength: 60 }).map((data) => ({ dtype: 'uint8' as const, data })),
    );
    await fc.assert(
      fc.asyncProperty(numbers, async ({ dtype, data }) => {
        const value: TensorValue = { dtype, dims: [1, data.length], data };
        assert.deepEqual(await read(encodeNpy(value)), { dtype, dims: [1, data.length], data: [...data] });
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  const withNumpy = hasNumpy ? it : it.skip;
  withNumpy('agrees with numpy on both files and archives (skipped without numpy)', async function () {
    const path = join(folder(), 'ours.npz');
    await writeNpz(path, {
      a: float32Tensor([1.5, -2, 3, 4, 5, 6], [2, 3]),
      labels: int64Tensor([7, 8], [2]),
    });
    await writeNpy(join(folder(), 'ours.npy'), float32Tensor([0.25], []));
    const theirs = join(folder(), 'theirs.npz');
    const script = [
      'import numpy as np, sys, json',
      'f = np.load(sys.argv[1] + "/ours.npz")',
      'z = np.load(sys.argv[1] + "/ours.npy")',
      'np.savez_compressed(sys.argv[1] + "/theirs.npz", x=np.asfortranarray(np.arange(24, dtype="<f2").reshape(2, 3, 4)), y=np.array([True, False]))',
      'print(json.dumps([f["a"].tolist(), str(f["a"].dtype), f["labels"].tolist(), z.tolist(), z.shape == ()]))',
    ].join('\n');
    const answer = JSON.parse(
      execFileSync('python3', ['-c', script, folder()], { encoding: 'utf8' }),
    ) as unknown;
    assert.deepEqual(answer, [
      [
        [1.5, -2, 3],
        [4, 5, 6],
      ],
      'float32',
      [7, 8],
      0.25,
      true,
    ]);
    const [x, y] = await openNpz(await fileSource(theirs));
    assert.deepEqual([x!.name, x!.dtype, x!.dims], ['x', 'float16', [2, 3, 4]]);
    const halves = [...(await readArray(x!))].slice(0, 3);
    assert.deepEqual(halves, [0, 0x3c00, 0x4000]);
    assert.deepEqual([y!.dtype, [...(await readArray(y!))]], ['bool', [1, 0]]);
  });
});

describe('npz', () => {
  const folder = useTemporaryFolder();

  it('reads stored and deflated members alike', async () => {
    const values = float32Tensor(
      Float32Array.from({ length: 1000 }, (_, i) => i % 7),
      [10, 100],
    );
    const stored = join(folder(), 'stored.npz');
    await writeNpz(stored, { x: values });
    const deflated = join(folder(), 'deflated.npz');
    writeFileSync(
      deflated,
      zipSync({ 'x.npy': encodeNpy(values), 'readme.txt': new Uint8Array(4) }, { level: 9 }),
    );
    for (const path of [stored, deflated]) {
      const arrays = await openNpz(await fileSource(path));
      assert.deepEqual(
        arrays.map(({ name, dims }) => [name, dims]),
        [['x', [10, 100]]],
      );
      assert.deepEqual([...(await readArray(arrays[0]!))], [...values.data]);
    }
  });

  it('rejects truncated and damaged archives', async () => {
    const path = join(folder(), 'x.npz');
    await writeNpz(path, { x: float32Tensor(new Float32Array(64), [64]) });
    const bytes = readFileSync(path);
    for (const part of [bytes.subarray(0, bytes.length - 30), bytes.subarray(0, 40), Buffer.from('PK')]) {
      await assert.rejects(openNpz(memorySource('cut', part)), { code: 'data-malformed' });
    }
    const bad = Buffer.from(
      zipSync({ 'x.npy': encodeNpy(float32Tensor(new Float32Array(999), [999])) }, { level: 9 }),
    );
    bad.fill(0xff, 40, 60);
    await assert.rejects(openNpz(memorySource('bad', bad)), { code: 'data-malformed' });
  });
});
