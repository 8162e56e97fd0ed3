import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeIdx } from '../../../src/data/idx.js';
import { inspectFileOf } from '../../../src/data/inspectFileOf.js';
import { writeNpz } from '../../../src/data/npz.js';
import { openDataset, prepareData } from '../../../src/data/openDataset.js';
import { readInspectFile } from '../../../src/data/readInspectFile.js';
import { float32Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import type { DataSpec } from '../../../src/protocol/inspectFile.js';
import { dataModel, readAll } from '../../support/dataModel.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

/** 0, 1, 2 … in a shape. */
function ramp(...dims: number[]): TensorValue {
  const count = dims.reduce((a, b) => a * b, 1);
  return float32Tensor(
    Float32Array.from({ length: count }, (_, i) => i),
    dims,
  );
}

describe('inspect files', () => {
  const folder = useTemporaryFolder();

  async function planted(arrays: Record<string, TensorValue>): Promise<string> {
    const path = join(folder(), 'data.npz');
    await writeNpz(path, arrays);
    return path;
  }

  function described(data: DataSpec): string {
    const path = join(folder(), 'data.inspect.json');
    writeFileSync(path, JSON.stringify({ version: 1, data }));
    return path;
  }

  it('are checked field by field', async () => {
    const model = dataModel({ x: ['N', 2] });
    await planted({ x: ramp(2, 2) });
    const rejects = async (content: unknown, message: RegExp) => {
      const path = join(folder(), 'bad.inspect.json');
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
      await assert.rejects(openDataset(path, model), { code: 'inspect-file-invalid', message });
    };
    await rejects('{ "version": 1, ', /is no JSON/);
    await rejects({ version: 2 }, /version is wrong/);
    await rejects({ version: 1 }, /describes no data/);
    await rejects({ version: 1, data: { path: 'data.npz' } }, /data\.inputs is wrong/);
    await rejects(
      { version: 1, data: { path: 'data.npz', inputs: { x: { layout: 'XY' } } } },
      /data\.inputs\.x\.layout .* found "XY"/,
    );
    await rejects(
      { version: 1, data: { path: 'data.npz', inputs: { z: { layout: 'NC' } } } },
      /the input "z", and the model has x/,
    );
    await assert.rejects(
      openDataset(described({ path: 'data.npz', inputs: { x: { layout: 'NCHW' } } }), model),
      {
        code: 'data-layout',
        message: /NCHW names 4 axes, and the model takes \[N, 2\]/,
      },
    );
    await assert.rejects(
      openDataset(described({ path: 'data.npz', inputs: { x: { layout: 'NC', dtype: 'int8' } } }), model),
      {
        code: 'data-dtype',
      },
    );
    await assert.rejects(openDataset(described({ path: 'gone.npz', inputs: {} }), model), {
      code: 'data-not-found',
    });
  });

  it('keep paths relative to themselves and fields of later versions', async () => {
    const path = join(folder(), 'm.inspect.json');
    writeFileSync(
      path,
      JSON.stringify({ version: 1, model: 'm.onnx', later: [1], data: { path: 'd', inputs: {} } }),
    );
    const loaded = await readInspectFile(path);
    assert.equal(loaded.modelPath, join(folder(), 'm.onnx'));
    assert.equal(loaded.dataPath, join(folder(), 'd'));
    assert.deepEqual((loaded.file as { later?: unknown }).later, [1]);
  });

  it('that were proposed open the same data without an assumption', async () => {
    const images = join(folder(), 'train-images-idx3-ubyte');
    const pixels = Uint8Array.from({ length: 3 * 16 }, (_, i) => (i * 37) % 256);
    await writeIdx(images, { dtype: 'uint8', dims: [3, 4, 4], data: pixels });
    await writeIdx(join(folder(), 'train-labels-idx1-ubyte'), {
      dtype: 'uint8',
      dims: [3],
      data: Uint8Array.of(2, 0, 1),
    });
    writeFileSync(join(folder(), 'rows.csv'), 'a,b,species\n1,2,setosa\n3,4,virginica\n');
    const cases = [
      { data: images, model: dataModel({ x: ['N', 1, 4, 4] }, { classCount: 3 }) },
      { data: join(folder(), 'rows.csv'), model: dataModel({ x: ['N', 2] }, { classCount: 2 }) },
      { data: await planted({ other: ramp(2, 2) }), model: dataModel({ x: ['N', 2] }) },
    ];
    for (const { data, model } of cases) {
      const bare = await openDataset(data, model);
      assert.match(bare.warnings.join('\n'), /[Aa]ssumed/);
      const prepared = await prepareData(data, model);
      assert.equal(prepared.isDescribed, false);
      const file = inspectFileOf(prepared, { modelPath: join(folder(), 'm.onnx'), dataPath: data });
      const path = join(folder(), 'proposed.inspect.json');
      writeFileSync(path, JSON.stringify(file));
      const described = await openDataset(path, model);
      assert.deepEqual(described.warnings, []);
      assert.deepEqual(await readAll(described), await readAll(bare));
      assert.deepEqual(described.labelNames, bare.labelNames);
    }
  });

  it('find labels in a file beside themselves or beside the data', async () => {
    mkdirSync(join(folder(), 'sub'));
    await writeNpz(join(folder(), 'sub', 'rows.npz'), { x: ramp(3, 2) });
    writeFileSync(join(folder(), 'near.txt'), 'cat\nn07 dog\n0\n');
    writeFileSync(join(folder(), 'sub', 'beside.idx1'), Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 1, 1, 0));
    const model = dataModel({ x: ['N', 2] }, { classCount: 2 });
    const labelsOf = async (from: string) => {
      const labels = { from, names: ['cat', 'n07 dog'] };
      const path = described({ path: 'sub/rows.npz', inputs: { x: { layout: 'NC' } }, labels });
      const data = await openDataset(path, model);
      assert.deepEqual(data.warnings, []);
      return (await readAll(data))[0]!.labels;
    };
    assert.deepEqual(await labelsOf('near.txt'), [0, 1, 0]);
    assert.deepEqual(await labelsOf('beside.idx1'), [1, 1, 0]);
    await assert.rejects(labelsOf('gone.txt'), { code: 'data-field-missing', message: /gone\.txt/ });
  });
});
