import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { idxLabelsNameOf } from '../../../src/data/dataNames.js';
import { openIdx, writeIdx } from '../../../src/data/idx.js';
import { readArray } from '../../../src/data/namedArray.js';
import { writeNpy } from '../../../src/data/npy.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { float32Tensor, int64Tensor } from '../../../src/onnx/tensorValue.js';
import { dataModel, readAll } from '../../support/dataModel.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

describe('readers', () => {
  const folder = useTemporaryFolder();

  function plant(name: string, content: string | Uint8Array): string {
    const path = join(folder(), name);
    writeFileSync(path, content);
    return path;
  }

  // Three images of 2 × 2 and their classes, byte by byte from the format's description.
  const idxImages = Uint8Array.of(
    0,
    0,
    8,
    3,
    0,
    0,
    0,
    3,
    0,
    0,
    0,
    2,
    0,
    0,
    0,
    2,
    0,
    51,
    102,
    255,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
  );
  const idxLabels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 9, 0, 4);

  describe('idx', () => {
    it('reads images with the labels that stand beside them, packed or not', async () => {
      for (const gz of ['', '.gz']) {
        const pack = gz === '' ? (bytes: Uint8Array) => bytes : gzipSync;
        plant(`t10k-labels-idx1-ubyte${gz}`, pack(idxLabels));
        const path = plant(`t10k-images-idx3-ubyte${gz}`, pack(idxImages));
        const data = await openDataset(path, dataModel({ x: ['N', 1, 2, 2] }));
        assert.deepEqual([data.kind, data.sampleCount, data.hasLabels], ['idx', 3, true]);
        assert.match(data.warnings.join('\n'), /assumed pixel scale 0–1/);
        const [batch] = await readAll(data);
        assert.deepEqual(batch!.labels, [9, 0, 4]);
        assert.deepEqual(batch!.feeds['x']!.dims, [3, 1, 2, 2]);
        const expected = [0, 51, 102, 255].map((level) => Math.fround(level / 255));
        assert.deepEqual(batch!.feeds['x']!.values.slice(0, 4), expected);
      }
    });

    it('reads big-endian integers and floats, and writes what it reads', async () => {
      const path = plant('x.idx', Uint8Array.of(0, 0, 0x0b, 1, 0, 0, 0, 2, 1, 0, 0xff, 0xff));
      assert.deepEqual([...(await readArray(await openIdx(path, 'x')))], [256, -1]);
      const written = join(folder(), 'y.idx');
      await writeIdx(written, float32Tensor([1, -2], [1, 2]));
      assert.deepEqual(
        [...readFileSync(written)],
        [0, 0, 0x0d, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0],
      );
    });

    it('knows the names of label files', () => {
      assert.equal(idxLabelsNameOf('train-images-idx3-ubyte.gz'), 'train-labels-idx1-ubyte.gz');
      assert.equal(idxLabelsNameOf('t10k-images.idx3-ubyte'), 't10k-labels.idx1-ubyte');
      assert.equal(idxLabelsNameOf('photos.zip'), undefined);
    });

    it('rejects cut files, and as many labels as there are not images', async () => {
      const model = dataModel({ x: ['N', 1, 2, 2] });
      const cut = plant('a-images-idx3-ubyte', idxImages.subarray(0, 20));
      await assert.rejects(openDataset(cut, model), {
        code: 'data-malformed',
        message: /needs 12 bytes and 4/,
      });
      plant('b-labels-idx1-ubyte', Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 9, 0));
      const images = plant('b-images-idx3-ubyte', idxImages);
      await assert.rejects(openDataset(images, model), {
        code: 'data-labels',
        message: /3 samples and 2 labels/,
      });
    });
  });

  describe('csv', () => {
    const model = dataModel({ x: ['N', 2] }, { classCount: 3 });

    it('reads a header, quotes, text labels and Windows line ends', async () => {
      const path = plant(
        'a.csv',
        '\uFEFF"first, long",second,species\r\n"1.5",2,virginica\r\n\r\n-3,4e1,"set""osa"\r\n',
      );
      const data = await openDataset(path, model);
      assert.deepEqual([data.kind, data.sampleCount, data.labelNames], ['csv', 2, ['set"osa', 'virginica']]);
      const [batch] = await readAll(data);
      assert.deepEqual(batch, {
        ids: ['row 1', 'row 2'],
        firstIndex: 0,
        labels: [1, 0],
        feeds: { x: { dims: [2, 2], values: [1.5, 2, -3, 40] } },
      });
      assert.match(data.warnings.join('\n'), /column "species" holds the labels/);
      assert.match(data.warnings.join('\n'), /alphabetical order: set"osa, virginica/);
    });

    it('reads rows without header, semicolons and a line break inside quotes', async () => {
      const data = await openDataset(plant('b.csv', '"two\nlines";1;2\nx;3;4'), model);
      assert.equal(data.sampleCount, 2);
      assert.equal(data.columnNames, undefined);
      assert.deepEqual(data.labelNames, ['two\nlines', 'x']);
      assert.deepEqual((await readAll(data))[0]!.feeds['x']!.values, [1, 2, 3, 4]);
    });

    it('takes columns by name for several inputs', async () => {
      const two = dataModel({ a: ['N', 1], b: ['N', 2] });
      const data = await openDataset(plant('c.csv', 'b_0,a,b_1,label\n1,2,3,0\n4,5,6,2\n'), two);
      assert.deepEqual(data.columnNames, { a: ['a'], b: ['b_0', 'b_1'] });
      const [batch] = await readAll(data);
      assert.deepEqual(
        [batch!.feeds['a']!.values, batch!.feeds['b']!.values],
        [
          [2, 5],
          [1, 3, 4, 6],
        ],
      );
      assert.deepEqual(batch!.labels, [0, 2]);
    });

    it('streams a large file in the order it has, with every row once', async () => {
      const rows = Array.from({ length: 60_000 }, (_, i) => `${i},${i * 2},${i % 3}`);
      const data = await openDataset(plant('d.csv', `p,q,label\n${rows.join('\n')}\n`), model);
      assert.equal(data.sampleCount, 60_000);
      let next = 0;
      for await (const batch of data.batches({ batchSize: 999 })) {
        assert.equal(batch.firstIndex, next);
        for (let row = 0; row < batch.sampleCount; row++, next++) {
          assert.equal(Number(batch.feeds['x']!.data[row * 2]), next);
          assert.equal(batch.labels![row], next % 3);
        }
      }
      assert.equal(next, 60_000);
    });

    it('can be shuffled when it is small', async () => {
      const data = await openDataset(plant('e.csv', 'p,q\n1,2\n3,4\n5,6\n'), model);
      const [batch] = await readAll(data, { batchSize: 3, order: Uint32Array.of(2, 0, 1) });
      assert.deepEqual(batch!.feeds['x']!.values, [5, 6, 1, 2, 3, 4]);
      assert.deepEqual(batch!.ids, ['row 3', 'row 1', 'row 2']);
    });

    it('names line, column and value of what it cannot read', async () => {
      const text = await openDataset(plant('f.csv', 'p,q\n1,2\n3,four\n'), model).catch(
        (error: unknown) => error,
      );
      assert.match(String(text), /f\.csv, line 3: column q holds "four"/);
      await assert.rejects(openDataset(plant('g.csv', 'p,q\n1,2\n3\n'), model), {
        message: /line 3 has 1 cells/,
      });
      await assert.rejects(openDataset(plant('h.csv', 'p,q,r,s\n1,2,3,4\n'), model), { code: 'data-shape' });
      await assert.rejects(openDataset(plant('i.csv', '1,"2\n3,4\n'), model), {
        message: /quote that opens .* line 1/,
      });
      await assert.rejects(openDataset(plant('j.csv', 'p,q\n'), model), { code: 'data-empty' });
      await assert.rejects(openDataset(plant('k.csv', '\n\n'), model), { code: 'data-empty' });
    });
  });

  describe('parquet', () => {
    function planted(name: string): string {
      const buffer = parquetWriteBuffer({
        columnData: [
          { name: 'a', data: [1.5, 2.5, 3.5, 4.5, 5.5], type: 'DOUBLE' },
          { name: 'b', data: [10, 20, 30, 40, 50], type: 'INT32' },
          { name: 'label', data: [0n, 1n, 2n, 0n, 1n], type: 'INT64' },
        ],
        rowGroupSize: 2,
      });
      return plant(name, new Uint8Array(buffer));
    }

    it('reads numeric columns across row groups', async () => {
      const data = await openDataset(planted('t.parquet'), dataModel({ x: ['N', 2] }, { classCount: 3 }));
      assert.deepEqual([data.kind, data.sampleCount, data.hasLabels], ['parquet', 5, true]);
      assert.equal(data.columnNames?.['x']?.length, 2);
      const batches = await readAll(data, { batchSize: 3, limit: 4 });
      assert.deepEqual(
        batches.flatMap(({ labels }) => labels),
        [0, 1, 2, 0],
      );
      assert.deepEqual(
        batches.flatMap(({ feeds }) => feeds['x']!.values),
        [1.5, 10, 2.5, 20, 3.5, 30, 4.5, 40],
      );
    });

    it('reads list columns as one input', async () => {
      const rows = [
        [1, 2, 3],
        [4, 5, 6],
      ];
      const buffer = parquetWriteBuffer({
        columnData: [{ name: 'x', data: rows }],
        schema: [
          { name: 'root', num_children: 1 },
          { name: 'x', repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST' },
          { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
          { name: 'element', repetition_type: 'REQUIRED', type: 'DOUBLE' },
        ],
      });
      const data = await openDataset(plant('l.parquet', new Uint8Array(buffer)), dataModel({ x: ['N', 3] }));
      assert.deepEqual((await readAll(data))[0]!.feeds['x'], { dims: [2, 3], values: rows.flat() });
    });

    it('rejects damaged tables', async () => {
      const good = readFileSync(planted('u.parquet'));
      const bad = plant('v.parquet', good.subarray(0, good.length - 9));
      await assert.rejects(openDataset(bad, dataModel({ x: ['N', 2] })), { code: 'data-malformed' });
    });
  });

  describe('onnx test data', () => {
    // TensorProto by hand: 1 dims, 2 data_type (1 float32), 9 raw_data.
    function tensorProto(dims: readonly number[], values: readonly number[]): Uint8Array {
      const raw = new Uint8Array(Float32Array.from(values).buffer);
      return Uint8Array.from([...dims.flatMap((dim) => [0x08, dim]), 0x10, 1, 0x4a, raw.length, ...raw]);
    }

    it('reads every set of a folder, inputs by number', async () => {
      for (const [set, base] of [
        ['test_data_set_0', 0],
        ['test_data_set_1', 10],
      ] as const) {
        mkdirSync(join(folder(), set));
        plant(`${set}/input_0.pb`, tensorProto([2, 2], [base, base + 1, base + 2, base + 3]));
        plant(`${set}/input_1.pb`, tensorProto([2, 1], [base + 5, base + 6]));
        plant(`${set}/output_0.pb`, tensorProto([1], [0]));
      }
      const data = await openDataset(folder(), dataModel({ a: ['N', 2], b: ['N', 1] }));
      assert.deepEqual([data.kind, data.sampleCount], ['onnx-pb', 4]);
      const [batch] = await readAll(data);
      assert.deepEqual(batch!.feeds['a']!.values, [0, 1, 2, 3, 10, 11, 12, 13]);
      assert.deepEqual(batch!.feeds['b']!.values, [5, 6, 15, 16]);
      assert.equal(batch!.ids[2], 'test_data_set_1/0');
    });

    it('rejects files that are no tensors', async () => {
      const path = plant('input_0.pb', Uint8Array.of(0xff, 0xff, 0xff));
      await assert.rejects(openDataset(path, dataModel({ a: ['N', 2] })), { code: 'data-malformed' });
    });
  });

  describe('folders of npy', () => {
    it('feed each input from the file of its name', async () => {
      await writeNpy(join(folder(), 'a.npy'), float32Tensor([1, 2, 3, 4], [2, 2]));
      await writeNpy(join(folder(), 'ids.npy'), int64Tensor([5, 6], [2, 1]));
      await writeNpy(join(folder(), 'labels.npy'), int64Tensor([1, 0], [2]));
      const data = await openDataset(
        folder(),
        dataModel({ a: ['N', 2], ids: ['N', 1] }, { types: { ids: 'int64' } }),
      );
      const [batch] = await readAll(data);
      assert.deepEqual(
        [batch!.feeds['a']!.values, batch!.feeds['ids']!.values, batch!.labels],
        [
          [1, 2, 3, 4],
          [5, 6],
          [1, 0],
        ],
      );
    });
  });

  it('say what they do not read', async () => {
    const model = dataModel({ x: ['N', 2] });
    await assert.rejects(openDataset(join(folder(), 'nothing'), model), { code: 'data-not-found' });
    await assert.rejects(openDataset(plant('a.bin', 'what'), model), { code: 'data-unsupported' });
    await assert.rejects(openDataset(plant('b.csv', ''), model), { code: 'data-empty' });
    mkdirSync(join(folder(), 'empty'));
    await assert.rejects(openDataset(join(folder(), 'empty'), model), { code: 'data-empty' });
    mkdirSync(join(folder(), 'docs'));
    plant('docs/notes.md', 'x');
    await assert.rejects(openDataset(join(folder(), 'docs'), model), {
      code: 'data-unsupported',
      message: /notes\.md/,
    });
  });
});
