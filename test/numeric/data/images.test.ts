import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import sharp from 'sharp';
import { openDataset } from '../../../src/data/openDataset.js';
import type { InputSpec } from '../../../src/protocol/inspectFile.js';
import { dataModel, readAll } from '../../support/dataModel.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

type Pixel = readonly [number, number, number];
const red: Pixel = [255, 0, 0];
const green: Pixel = [0, 255, 0];
const blue: Pixel = [0, 0, 255];
const white: Pixel = [255, 255, 255];

describe('images', () => {
  const folder = useTemporaryFolder();

  /** Writes a lossless image, rows from the top. */
  async function plant(name: string, rows: readonly (readonly Pixel[])[]): Promise<string> {
    const path = join(folder(), name);
    mkdirSync(dirname(path), { recursive: true });
    const raw = { width: rows[0]!.length, height: rows.length, channels: 3 as const };
    await sharp(Uint8Array.from(rows.flat(2)), { raw }).toFile(path);
    return path;
  }

  function described(path: string, spec: InputSpec): string {
    const file = join(folder(), 'images.inspect.json');
    writeFileSync(file, JSON.stringify({ version: 1, data: { path, inputs: { x: spec } } }));
    return file;
  }

  async function valuesOf(path: string, shape: (number | string)[]): Promise<readonly number[]> {
    const [batch] = await readAll(await openDataset(path, dataModel({ x: shape })));
    return batch!.feeds['x']!.values;
  }

  it('come as RGB planes or pixels, as the model takes them, scaled to 0–1 by assumption', async () => {
    const path = await plant('a.png', [
      [red, green],
      [blue, white],
    ]);
    const data = await openDataset(path, dataModel({ x: ['N', 3, 2, 2] }));
    assert.deepEqual([data.kind, data.sampleCount, data.hasLabels], ['image', 1, false]);
    assert.deepEqual(data.warnings, [
      'Input "x": assumed layout NCHW, colour rgb, pixel scale 0–1 (level / 255). Write it down in an .inspect.json.',
    ]);
    assert.deepEqual(await valuesOf(path, ['N', 3, 2, 2]), [1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1]);
    assert.deepEqual(await valuesOf(path, ['N', 2, 2, 3]), [1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1]);
  });

  it('turn grey by BT.601 and swap to BGR', async () => {
    const path = await plant('a.png', [
      [red, green],
      [blue, white],
    ]);
    const gray = described(path, { layout: 'NCHW', color: 'gray', scale: 1 });
    // 255 × (0.299, 0.587, 0.114), rounded to levels.
    assert.deepEqual(await valuesOf(gray, ['N', 1, 2, 2]), [76, 150, 29, 255]);
    const bgr = described(path, { layout: 'NHWC', color: 'bgr', scale: 1 });
    assert.deepEqual(await valuesOf(bgr, ['N', 2, 2, 3]), [0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 255]);
  });

  it('drop alpha and read grey files', async () => {
    const alpha = join(folder(), 'alpha.png');
    const raw = { width: 1, height: 1, channels: 4 as const };
    await sharp(Uint8Array.of(10, 20, 30, 128), { raw })
      .png()
      .toFile(alpha);
    const spec: InputSpec = { layout: 'NCHW', color: 'rgb', scale: 1 };
    assert.deepEqual(await valuesOf(described(alpha, spec), ['N', 3, 1, 1]), [10, 20, 30]);
    const gray = join(folder(), 'gray.png');
    await sharp(Uint8Array.of(40, 90), { raw: { width: 2, height: 1, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toFile(gray);
    assert.deepEqual(await valuesOf(described(gray, { ...spec, color: 'gray' }), ['N', 1, 1, 2]), [40, 90]);
    assert.deepEqual(await valuesOf(described(gray, spec), ['N', 3, 1, 2]), [40, 90, 40, 90, 40, 90]);
  });

  it('are resized: stretched, padded, cut, cropped', async () => {
    const path = await plant('wide.png', [
      [red, red, blue, blue],
      [red, red, blue, blue],
    ]);
    const spec: InputSpec = { layout: 'NHWC', color: 'rgb', scale: 1 };
    const nearest = described(path, { ...spec, resize: { width: 2, height: 2, method: 'nearest' } });
    assert.deepEqual(await valuesOf(nearest, ['N', 2, 2, 3]), [...red, ...blue, ...red, ...blue]);
    const contained = described(path, {
      ...spec,
      resize: { width: 4, height: 4, fit: 'contain', method: 'nearest' },
    });
    const black = [0, 0, 0];
    const values = await valuesOf(contained, ['N', 4, 4, 3]);
    assert.deepEqual(values.slice(0, 12), [...black, ...black, ...black, ...black]);
    assert.deepEqual(values.slice(12, 24), [...red, ...red, ...blue, ...blue]);
    const cropped = described(path, {
      ...spec,
      resize: { width: 2, height: 2, fit: 'outside', crop: [2, 2], method: 'nearest' },
    });
    assert.deepEqual(await valuesOf(cropped, ['N', 2, 2, 3]), [...red, ...blue, ...red, ...blue]);
    const assumed = await openDataset(path, dataModel({ x: ['N', 3, 8, 8] }));
    assert.match(assumed.warnings.join(), /resize to 8 × 8 \(height × width, stretched\)/);
  });

  it('average where they shrink', async () => {
    const level = (value: number): Pixel => [value, value, value];
    const path = await plant('ramp.png', [[0, 40, 80, 120, 160, 200, 240, 250].map(level)]);
    const spec: InputSpec = { layout: 'NCHW', color: 'gray', scale: 1, resize: [1, 1] };
    const [mean] = await valuesOf(described(path, spec), ['N', 1, 1, 1]);
    // A triangle filter over the row: somewhere about the middle, never one pixel's own level.
    assert.ok(Math.abs(mean! - 136) <= 8, String(mean));
  });

  it('in sub-folders are labelled by them', async () => {
    await plant('set/cat/1.png', [[red]]);
    await plant('set/cat/2.webp', [[green]]);
    await plant('set/ant/x.png', [[blue]]);
    writeFileSync(join(folder(), 'set', 'notes.txt'), 'x');
    const path = join(folder(), 'set');
    const data = await openDataset(path, dataModel({ x: ['N', 3, 1, 1] }, { classCount: 3 }));
    assert.deepEqual([data.kind, data.sampleCount, data.labelNames], ['images', 3, ['ant', 'cat']]);
    const [batch] = await readAll(data);
    assert.deepEqual(batch!.ids, ['ant/x.png', 'cat/1.png', 'cat/2.webp']);
    assert.deepEqual(batch!.labels, [0, 1, 1]);
    const text = data.warnings.join('\n');
    assert.match(text, /1 files .* no images/);
    assert.match(text, /folders in alphabetical order: ant, cat/);
    assert.match(text, /2 folders and the model has 3 classes/);
    const file = join(folder(), 'named.inspect.json');
    const named = {
      path: 'set',
      inputs: { x: { layout: 'NCHW', color: 'rgb', scale: 1 } },
      labels: { from: 'folder', names: ['dog', 'cat', 'ant'] },
    };
    writeFileSync(file, JSON.stringify({ version: 1, data: named }));
    const [again] = await readAll(
      await openDataset(file, dataModel({ x: ['N', 3, 1, 1] }, { classCount: 3 })),
    );
    assert.deepEqual(again!.labels, [2, 1, 1]);
  });

  it('of several sizes go in batches of one size, or are refused by name', async () => {
    await plant('mixed/a.png', [[red]]);
    await plant('mixed/b.png', [[red, green]]);
    const path = join(folder(), 'mixed');
    const batches = await readAll(await openDataset(path, dataModel({ x: ['N', 3, 'H', 'W'] })));
    assert.deepEqual(
      batches.map(({ feeds }) => feeds['x']!.dims),
      [
        [1, 3, 1, 1],
        [1, 3, 1, 2],
      ],
    );
    await assert.rejects(openDataset(path, dataModel({ x: ['N', 3, 1, 1] })), {
      code: 'data-shape',
      message: /takes \[3, 1, 1\].*"resize"/,
    });
  });

  it('that cannot be decoded are named', async () => {
    await plant('some/a.png', [[red, green]]);
    const whole = readFileSync(
      await plant(
        'whole.png',
        Array.from({ length: 40 }, () => Array.from({ length: 40 }, (_, i): Pixel => [i, (i * 7) % 256, 3])),
      ),
    );
    writeFileSync(join(folder(), 'some', 'b.png'), whole.subarray(0, whole.length / 2));
    const model = dataModel({ x: ['N', 3, 1, 2] });
    await assert.rejects(openDataset(join(folder(), 'some'), model), {
      code: 'image-undecodable',
      message: /b\.png/,
    });
    const text = join(folder(), 'text.jpg');
    writeFileSync(text, 'not an image');
    await assert.rejects(openDataset(text, model), { code: 'image-undecodable', message: /text\.jpg/ });
  });

  it('feed one input with 1 or 3 channels only', async () => {
    const path = await plant('a.png', [[red]]);
    await assert.rejects(openDataset(path, dataModel({ a: ['N', 3, 1, 1], b: ['N', 1] })), {
      code: 'data-shape',
      message: /takes 2 \(a, b\)/,
    });
    await assert.rejects(openDataset(path, dataModel({ x: ['N', 5, 7, 7] })), {
      code: 'data-shape',
      message: /1 or 3 channels/,
    });
  });

  it('stay levels for inputs of bytes', async () => {
    const path = await plant('a.png', [
      [red, white],
      [blue, green],
    ]);
    const data = await openDataset(path, dataModel({ x: ['N', 2, 2, 3] }, { types: { x: 'uint8' } }));
    assert.deepEqual((await readAll(data))[0]!.feeds['x']!.values, [...red, ...white, ...blue, ...green]);
    assert.doesNotMatch(data.warnings.join(), /scale/);
  });

  it('are read out of Parquet columns', async () => {
    const bytes = new Uint8Array(readFileSync(await plant('a.png', [[red, blue]])));
    const buffer = parquetWriteBuffer({
      columnData: [
        { name: 'image', data: [bytes, bytes], type: 'BYTE_ARRAY' },
        { name: 'label', data: [1, 0], type: 'INT32' },
      ],
    });
    const path = join(folder(), 'images.parquet');
    writeFileSync(path, new Uint8Array(buffer));
    const data = await openDataset(path, dataModel({ x: ['N', 3, 1, 2] }));
    const [batch] = await readAll(data);
    assert.deepEqual(batch!.labels, [1, 0]);
    assert.deepEqual(batch!.feeds['x']!.values.slice(0, 6), [1, 0, 0, 0, 0, 1]);
  });
});
