import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { writeNpz } from '../../../src/data/npz.js';
import { prepareData } from '../../../src/data/openDataset.js';
import { sampleCards } from '../../../src/data/sampleCards.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor } from '../../../src/onnx/tensorValue.js';
import type { DataSpec } from '../../../src/protocol/inspectFile.js';
import type { SampleCard } from '../../../src/protocol/units.js';
import { dataModel } from '../../support/dataModel.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { isCode } from '../../support/tensors.js';

interface Pixels {
  readonly dims: readonly number[];
  readonly levels: readonly number[];
}

/** Decodes a card's picture with another library than the one that made it. */
async function pixelsOf({ picture }: SampleCard): Promise<Pixels> {
  assert(picture !== undefined);
  const bytes = Buffer.from(picture.source.replace('data:image/png;base64,', ''), 'base64');
  const { channels } = await sharp(bytes).metadata();
  const { data, info } = await sharp(bytes)
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [picture.width, picture.height]);
  return { dims: [info.height, info.width, info.channels], levels: [...data] };
}

function ramp(count: number, from = 0): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => from + i);
}

describe('sample cards', () => {
  const folder = useTemporaryFolder();

  async function cardsOf(path: string, model: Model, indices: readonly number[], pictureSize = 64) {
    return sampleCards(await prepareData(path, model), indices, { pictureSize });
  }

  function described(data: DataSpec): string {
    const path = join(folder(), 'cards.inspect.json');
    writeFileSync(path, JSON.stringify({ version: 1, data }));
    return path;
  }

  function writeIdxImages(count: number, side: number): string {
    const head = Buffer.from([0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, side, 0, 0, 0, side]);
    const path = join(folder(), 'few-images-idx3-ubyte.gz');
    writeFileSync(path, gzipSync(Buffer.concat([head, ramp(count * side * side)])));
    writeFileSync(
      join(folder(), 'few-labels-idx1-ubyte.gz'),
      gzipSync(Buffer.concat([Buffer.from([0, 0, 8, 1, 0, 0, 0, count]), ramp(count)])),
    );
    return path;
  }

  it('show stored levels whatever the model is fed, with labels and their names', async () => {
    const path = writeIdxImages(3, 4);
    const spec = described({
      path,
      inputs: { x: { layout: 'NCHW', scale: 1 / 255, mean: 0.5, std: 0.25 } },
      labels: { from: 'few-labels-idx1-ubyte.gz', names: ['zero', 'one', 'two'] },
    });
    const model = dataModel({ x: ['N', 1, 4, 4] }, { classCount: 3 });
    const cards = await cardsOf(spec, model, [2, 0]);
    assert.deepEqual(
      cards.map(({ index, id, label, labelName }) => ({ index, id, label, labelName })),
      [
        { index: 2, id: '2', label: 2, labelName: 'two' },
        { index: 0, id: '0', label: 0, labelName: 'zero' },
      ],
    );
    assert.deepEqual((await pixelsOf(cards[0]!)).levels, [...ramp(16, 32)]);
    assert.deepEqual((await pixelsOf(cards[1]!)).levels, [...ramp(16)]);
  });

  it('show pictures that the model takes as a flat row', async () => {
    const [card] = await cardsOf(writeIdxImages(3, 4), dataModel({ x: ['N', 16] }), [1]);
    assert.deepEqual(await pixelsOf(card!), { dims: [4, 4, 1], levels: [...ramp(16, 16)] });
  });

  it('show floats from 0 to 1 in that range, and others stretched', async () => {
    const unit = Float32Array.from({ length: 25 }, (_, i) => (i % 5) / 10);
    const centred = unit.map((value) => (value - 0.2) / 0.1);
    const path = join(folder(), 'x.npz');
    await writeNpz(path, { x: float32Tensor(Float32Array.from([...unit, ...centred]), [2, 1, 5, 5]) });
    const [first, second] = await cardsOf(path, dataModel({ x: ['N', 1, 5, 5] }), [0, 1]);
    assert.deepEqual((await pixelsOf(first!)).levels.slice(0, 5), [0, 26, 51, 77, 102]);
    assert.deepEqual((await pixelsOf(second!)).levels.slice(0, 5), [0, 64, 128, 191, 255]);
  });

  it('turn what the model takes as BGR planes back to RGB, cut and resized as the model sees it', async () => {
    const path = join(folder(), 'a.png');
    // Left half red, right half blue; 8 × 4 is cut to its middle 4 × 4.
    const rows = Array.from({ length: 4 }, () => [
      ...Array.from({ length: 4 }, () => [200, 0, 0]),
      ...Array.from({ length: 4 }, () => [0, 0, 100]),
    ]);
    await sharp(Uint8Array.from(rows.flat(2)), { raw: { width: 8, height: 4, channels: 3 } }).toFile(path);
    const spec = described({
      path,
      inputs: {
        x: {
          layout: 'NCHW',
          color: 'bgr',
          resize: { width: 4, height: 4, fit: 'cover' },
          scale: 1 / 255,
          mean: [0.4, 0.5, 0.6],
        },
      },
    });
    const [card] = await cardsOf(spec, dataModel({ x: ['N', 3, 4, 4] }), [0]);
    const { dims, levels } = await pixelsOf(card!);
    assert.deepEqual(dims, [4, 4, 3]);
    assert.deepEqual(levels.slice(0, 12), [200, 0, 0, 200, 0, 0, 0, 0, 100, 0, 0, 100]);
  });

  it('shrink what is larger than asked for, keeping its shape', async () => {
    const path = join(folder(), 'wide.png');
    await sharp({ create: { width: 40, height: 20, channels: 3, background: '#336699' } }).toFile(path);
    const [card] = await cardsOf(path, dataModel({ x: ['N', 3, 'H', 'W'] }), [0], 10);
    const { dims, levels } = await pixelsOf(card!);
    assert.deepEqual(dims, [5, 10, 3]);
    assert.deepEqual(levels.slice(0, 3), [0x33, 0x66, 0x99]);
  });

  it('say the first values by name where nothing is a picture', async () => {
    const path = join(folder(), 'x.npz');
    const ids = int64Tensor(
      Array.from({ length: 24 }, (_, i) => 100 + i),
      [2, 12],
    );
    await writeNpz(path, { ids, size: float32Tensor([1.23456, -7, 0, NaN], [2, 2]) });
    const model = dataModel({ ids: ['N', 12], size: ['N', 2] }, { types: { ids: 'int64' } });
    const [card] = await cardsOf(path, model, [1]);
    assert.equal(card!.text, 'ids: 112, 113, 114, 115, 116, 117, 118, 119, … (12 values); size: 0, NaN');
    assert.equal(card!.picture, undefined);
  });

  it('name the columns of tables, read in file order and answered in the order asked', async () => {
    const path = join(folder(), 'rows.csv');
    writeFileSync(path, 'age,note,income,kind\n30,a,1000,1\n41,b,2507.55,0\n52,c,3,1\n');
    const spec = described({
      path: 'rows.csv',
      inputs: { x: { layout: 'NC', from: { columns: ['age', 'income'] } } },
      labels: { from: 'kind' },
    });
    const cards = await cardsOf(spec, dataModel({ x: ['N', 2] }, { classCount: 2 }), [2, 1]);
    assert.deepEqual(
      cards.map(({ id, text, label }) => [id, text, label]),
      [
        ['row 3', 'age 52, income 3', 1],
        ['row 2', 'age 41, income 2510', 0],
      ],
    );
  });

  it('refuse samples that are not there', async () => {
    const path = writeIdxImages(3, 4);
    const model = dataModel({ x: ['N', 16] });
    await assert.rejects(cardsOf(path, model, [0, 3]), isCode('sample-out-of-range'));
    await assert.rejects(cardsOf(path, model, [-1]), isCode('sample-out-of-range'));
    assert.deepEqual(await cardsOf(path, model, []), []);
  });

  it('name a damaged picture, and one that went away', async () => {
    const model = dataModel({ x: ['N', 3, 2, 2] });
    for (const name of ['a/1.png', 'b/2.png', 'b/3.png', 'b/4.png', 'b/5.png', 'b/6.png']) {
      const path = join(folder(), 'pictures', name);
      mkdirSync(dirname(path), { recursive: true });
      await sharp({ create: { width: 2, height: 2, channels: 3, background: '#fff' } }).toFile(path);
    }
    const data = await prepareData(join(folder(), 'pictures'), model);
    writeFileSync(join(folder(), 'pictures', 'b', '5.png'), 'no picture');
    rmSync(join(folder(), 'pictures', 'b', '6.png'));
    const options = { pictureSize: 8 };
    await assert.rejects(sampleCards(data, [4], options), /b[\\/]5\.png cannot be decoded\. Replace it/);
    await assert.rejects(sampleCards(data, [5], options), isCode('image-undecodable'));
    assert.equal((await sampleCards(data, [3], options))[0]?.id, 'b/4.png');
  });
});
