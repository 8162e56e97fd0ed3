import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { resampler } from '../../../src/data/audio/resample.js';
import { openWav, readFrames } from '../../../src/data/audio/wav.js';
import { drawWaveform } from '../../../src/data/audio/waveform.js';
import { memorySource } from '../../../src/data/byteSource.js';
import { inspectFileOf } from '../../../src/data/inspectFileOf.js';
import { openDataset, prepareData } from '../../../src/data/openDataset.js';
import { sampleCards } from '../../../src/data/sampleCards.js';
import type { DataSpec, InputSpec } from '../../../src/protocol/inspectFile.js';
import { dataModel, readAll } from '../../support/dataModel.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { wavBytes, type WavOptions } from '../../support/wavBytes.js';

/** Reads all frames of a file in memory, channel after channel. */
async function framesOf(bytes: Buffer): Promise<number[]> {
  const wav = await openWav(memorySource('sound.wav', bytes));
  const reader = await wav.bytes.open();
  return [...(await readFrames(wav, reader, { start: 0, end: wav.frameCount }))];
}

describe('WAV files', () => {
  it('are read in every width, silence at 0 and the lowest level at −1', async () => {
    const cases: [WavOptions, number[], number[]][] = [
      [{ bits: 8 }, [128, 0, 255, 64], [0, -1, 127 / 128, -0.5]],
      [{ bits: 16 }, [0, -32768, 32767, 1], [0, -1, 32767 / 32768, 2 ** -15]],
      [{ bits: 24 }, [0, -8388608, 8388607, -1], [0, -1, 8388607 / 8388608, -(2 ** -23)]],
      [{ bits: 32 }, [0, -2147483648, 2147483647, 1], [0, -1, 2147483647 / 2147483648, 2 ** -31]],
      [{ encoding: 'float', bits: 32 }, [0, -1.5, 0.25, 1], [0, -1.5, 0.25, 1]],
      [{ encoding: 'float', bits: 64 }, [0, 0.1, -3, 1e-12], [0, 0.1, -3, 1e-12]],
    ];
    for (const [options, levels, expected] of cases) {
      for (const isExtensible of [false, true]) {
        assert.deepEqual(await framesOf(wavBytes([levels], { ...options, isExtensible })), expected);
      }
    }
  });

  it('give their channels one after the other, and silence outside', async () => {
    const bytes = wavBytes([
      [1, 2, 3],
      [-1, -2, -3],
    ]);
    const wav = await openWav(memorySource('stereo.wav', bytes));
    const frames = await readFrames(wav, await wav.bytes.open(), { start: -1, end: 4 });
    assert.deepEqual(
      [...frames].map((level) => level * 32768),
      [0, 1, 2, 3, 0, 0, -1, -2, -3, 0],
    );
  });

  it('may hold other chunks of odd size, and samples of a size that was not known', async () => {
    const before = [['LIST', Uint8Array.of(1, 2, 3)]] as const;
    assert.deepEqual(await framesOf(wavBytes([[16384]], { before })), [0.5]);
    for (const dataSize of [0, 0xffffffff]) {
      assert.deepEqual(await framesOf(wavBytes([[16384, -16384]], { dataSize })), [0.5, -0.5]);
    }
  });

  it('of 4 GB and more tell their size elsewhere (RF64)', async () => {
    const ds64 = Buffer.alloc(28);
    ds64.writeBigUInt64LE(4n, 8);
    const bytes = wavBytes([[16384, -16384, 3]], { before: [['ds64', ds64]], dataSize: 0xffffffff });
    bytes.write('RF64', 0, 'latin1');
    assert.deepEqual(await framesOf(bytes), [0.5, -0.5]);
  });

  it('that are damaged or compressed are refused with the reason', async () => {
    const sound = wavBytes([[1, 2, 3]]);
    const compressed = Buffer.from(sound);
    compressed.writeUInt16LE(6, 20);
    const noChannels = Buffer.from(sound);
    noChannels.writeUInt16LE(0, 22);
    const cases: [Buffer, RegExp][] = [
      [sound.subarray(0, 8), /shorter than the header/],
      [sound.subarray(0, 36), /no samples/],
      [sound.subarray(0, sound.length - 3), /tells of 6 bytes of samples and 3 follow/],
      [Buffer.from('this is no sound, but text'), /does not begin as a WAV file/],
      [Buffer.concat([Buffer.from('RIFX'), sound.subarray(4)]), /big-endian/],
      [compressed, /A-law.*pcm_s16le/],
      [noChannels, /0 channels/],
    ];
    for (const [bytes, message] of cases) {
      await assert.rejects(openWav(memorySource('bad.wav', bytes)), { message });
    }
  });
});

describe('resampling', () => {
  it('gives a tone at the new rate, whatever the window', () => {
    // 4,000 and more away from both ends, where silence begins.
    for (const [from, to] of [
      [44_100, 16_000],
      [8_000, 22_050],
    ] as const) {
      const change = resampler(from, to);
      const tone = (rate: number, index: number): number => Math.sin((2 * Math.PI * 440 * index) / rate);
      const frameCount = 30_000;
      const window = { start: 4_001, end: 4_301 };
      const { start, end } = change.sourceOf(window);
      const source = Float64Array.from({ length: end - start }, (_, at) => tone(from, start + at));
      const expected = Array.from({ length: 300 }, (_, at) => tone(to, window.start + at));
      const found = change.resample(source, window);
      // The kernel is 32 zero crossings wide: what it lets through beside the tone is below 1e-4.
      for (const [at, level] of found.entries()) assert.ok(Math.abs(level - expected[at]!) < 1e-4);
      assert.equal(change.lengthOf(frameCount), Math.ceil((frameCount * to) / from));
    }
  });

  it('removes what the new rate cannot hold, and keeps a constant', () => {
    const change = resampler(16_000, 8_000);
    const window = { start: 500, end: 600 };
    const { start, end } = change.sourceOf(window);
    const high = Float64Array.from({ length: end - start }, (_, at) =>
      Math.sin((2 * Math.PI * 6_000 * (start + at)) / 16_000),
    );
    assert.ok(change.resample(high, window).every((level) => Math.abs(level) < 1e-3));
    const constant = change.resample(new Float64Array(end - start).fill(0.5), window);
    assert.ok(constant.every((level) => Math.abs(level - 0.5) < 1e-12));
  });
});

describe('sounds as data', () => {
  const folder = useTemporaryFolder();

  function write(name: string, channels: readonly (readonly number[])[], options?: WavOptions): string {
    const path = join(folder(), name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, wavBytes(channels, options));
    return path;
  }

  function described(input: InputSpec, data: Partial<DataSpec> = {}): string {
    const path = join(folder(), 'sound.inspect.json');
    writeFileSync(
      path,
      JSON.stringify({ version: 1, data: { path: 'sound.wav', inputs: { x: input }, ...data } }),
    );
    return path;
  }

  /** Levels of 16 bits. */
  const levels = (values: readonly number[]): number[] => values.map((value) => value * 32768);

  it('feed [N, 1, T] in windows of the model, the last padded with silence, and say so', async () => {
    const path = write('sound.wav', [[1, 2, 3, 4, 5]], { sampleRate: 10 });
    const data = await openDataset(path, dataModel({ x: ['N', 1, 2] }));
    assert.equal(data.kind, 'audio');
    assert.deepEqual(data.sampleRates, { x: 10 });
    const [batch] = await readAll(data);
    assert.deepEqual(batch!.feeds['x']!.dims, [3, 1, 2]);
    assert.deepEqual(levels(batch!.feeds['x']!.values), [1, 2, 3, 4, 5, 0]);
    assert.deepEqual(batch!.ids, [
      'sound.wav 0.000–0.200 s',
      'sound.wav 0.200–0.400 s',
      'sound.wav 0.400–0.600 s',
    ]);
    assert.match(data.warnings.join('\n'), /1 of 3 samples end in silence/);
    assert.match(
      data.warnings.join('\n'),
      /assumed layout NCT, 10 frames a second, as the files have, windows of 2 frames/,
    );
  });

  it('overlap by a hop, drop what fills no window, and scale', async () => {
    write('sound.wav', [[1, 2, 3, 4, 5, 6]], { sampleRate: 10 });
    const audio = { sampleRate: 10, hop: 2, rest: 'drop' } as const;
    const data = await openDataset(
      described({ layout: 'NT', audio, scale: 32768 }),
      dataModel({ x: ['N', 3] }),
    );
    const [batch] = await readAll(data);
    assert.deepEqual(batch!.feeds['x']!.values, [1, 2, 3, 3, 4, 5]);
    assert.deepEqual(data.warnings, []);
  });

  it('are one sample each where the model leaves the length open', async () => {
    write('a/one.wav', [[1, 2, 3]]);
    write('b/two.wav', [[4, 5]]);
    const data = await openDataset(folder(), dataModel({ x: ['N', 'T'] }, { classCount: 2 }));
    const batches = await readAll(data);
    assert.deepEqual(
      batches.map(({ feeds, labels, ids }) => [levels(feeds['x']!.values), labels, ids]),
      [
        [[1, 2, 3], [0], ['a/one.wav']],
        [[4, 5], [1], ['b/two.wav']],
      ],
    );
    assert.deepEqual(data.labelNames, ['a', 'b']);
  });

  it('of two channels are mixed, taken apart, or fed as they are', async () => {
    write('sound.wav', [
      [2, 4],
      [6, 8],
    ]);
    const mono = dataModel({ x: ['N', 1, 'T'] });
    const valuesOf = async (input: InputSpec, model = mono): Promise<number[]> => {
      const [batch] = await readAll(await openDataset(described(input), model));
      return levels(batch!.feeds['x']!.values);
    };
    assert.deepEqual(await valuesOf({ layout: 'NCT' }), [4, 6]);
    assert.deepEqual(await valuesOf({ layout: 'NCT', audio: { channels: 'first' } }), [2, 4]);
    assert.deepEqual(await valuesOf({ layout: 'NTC' }, dataModel({ x: ['N', 'T', 2] })), [2, 6, 4, 8]);
    await assert.rejects(openDataset(described({ layout: 'NCT', audio: { channels: 'all' } }), mono), {
      code: 'data-shape',
      message: /takes 1 channel\(s\), and sound\.wav has 2.*"mix" or "first"/,
    });
  });

  it('of another rate are resampled only when asked, and the report says so', async () => {
    write('sound.wav', [new Array<number>(100).fill(8192)], { sampleRate: 20 });
    const model = dataModel({ x: ['N', 'T'] });
    await assert.rejects(openDataset(described({ layout: 'NT', audio: { sampleRate: 10 } }), model), {
      code: 'data-shape',
      message: /sound\.wav has 20 frames a second.*says 10.*"resample": true/,
    });
    const audio = { sampleRate: 10, resample: true };
    const data = await openDataset(described({ layout: 'NT', audio }), model);
    const [batch] = await readAll(data);
    assert.deepEqual(batch!.feeds['x']!.dims, [1, 50]);
    assert.match(data.warnings.join(), /1 of 1 files were resampled from 20 to 10 frames a second/);
  });

  it('of several rates need one written down', async () => {
    write('one.wav', [[1]], { sampleRate: 10 });
    write('two.wav', [[1]], { sampleRate: 20 });
    await assert.rejects(openDataset(folder(), dataModel({ x: ['N', 'T'] })), {
      code: 'data-shape',
      message: /two\.wav has 20 frames a second, and one\.wav has 10.*trained on/,
    });
  });

  it('that fit no input of the model are refused with the shape', async () => {
    const path = write('sound.wav', [[1, 2]]);
    await assert.rejects(openDataset(path, dataModel({ x: ['N', 3, 8, 8] })), {
      code: 'data-layout',
      message: /takes \[N, 3, 8, 8\], and sounds feed \[N, T\]/,
    });
    await assert.rejects(openDataset(path, dataModel({ x: ['N', 2], y: ['N', 2] })), {
      code: 'data-shape',
    });
    const audio = { length: 3 };
    await assert.rejects(openDataset(described({ layout: 'NT', audio }), dataModel({ x: ['N', 2] })), {
      message: /takes 2 frames.*"length": 3/,
    });
    const empty = write('empty.wav', [[]]);
    await assert.rejects(openDataset(empty, dataModel({ x: ['N', 'T'] })), { code: 'data-empty' });
  });

  it('can be described so that nothing is assumed any more', async () => {
    const dataPath = write('sound.wav', [[1, 2, 3, 4]], { sampleRate: 10 });
    const model = dataModel({ x: ['N', 1, 2] });
    const prepared = await prepareData(dataPath, model);
    const file = inspectFileOf(prepared, { modelPath: join(folder(), 'model.onnx'), dataPath });
    assert.deepEqual(file.data, {
      path: 'sound.wav',
      kind: 'audio',
      inputs: {
        x: { layout: 'NCT', audio: { sampleRate: 10, channels: 'mix', length: 2, hop: 2, rest: 'pad' } },
      },
    });
    const path = join(folder(), 'written.inspect.json');
    writeFileSync(path, JSON.stringify(file));
    assert.deepEqual((await openDataset(path, model)).warnings, []);
  });

  it('are shown as waveforms', async () => {
    const path = write('sound.wav', [[0, 100, -100, 0]]);
    const prepared = await prepareData(path, dataModel({ x: ['N', 'T'] }));
    const [card] = await sampleCards(prepared, [0], { pictureSize: 48 });
    assert.equal(card!.picture!.alt, 'Waveform of sound.wav');
    assert.equal(card!.picture!.width, 4);
    const drawn = drawWaveform(Float64Array.of(0, 1, -1, NaN), 15);
    const column = (x: number): number[] =>
      Array.from({ length: drawn.height }, (_, y) => drawn.values[y * drawn.width + x]!);
    assert.deepEqual([0, 1, 2, 3].map(column), [
      [255, 255, 0, 255, 255],
      [0, 255, 255, 255, 255],
      [255, 255, 255, 255, 0],
      [255, 255, 255, 255, 255],
    ]);
  });
});
