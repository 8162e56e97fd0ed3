import assert from 'node:assert/strict';
import { join } from 'node:path';
import { attribution } from '../../../src/analyses/prediction/attribution.js';
import { spectrumOf } from '../../../src/analyses/prediction/attribution/report/spectrum.js';
import { encodeWav } from '../../../src/base/wav.js';
import { createRandom } from '../../../src/base/random.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor } from '../../../src/onnx/tensorValue.js';
import type { Block } from '../../../src/protocol/blocks.js';
import { firstProblem } from '../../../src/protocol/report.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { makeReport } from '../../support/makeReport.js';
import { attributionContext, attributionSettingsWith } from '../../support/runAttribution.js';
import { samplesDir } from '../../support/paths.js';
import { linearModel, range, sum } from '../../support/tensors.js';

type Facts = Partial<Pick<Dataset, 'columnNames' | 'sampleRates' | 'layouts'>>;

async function blocksOf(
  model: Model,
  feeds: Feeds,
  { facts = {}, settings = {} }: { readonly facts?: Facts; readonly settings?: Record<string, unknown> } = {},
): Promise<readonly Block[]> {
  const context = { ...attributionContext(model, feeds), data: { ...memoryDataset(feeds), ...facts } };
  const { blocks } = await attribution.run(context, attributionSettingsWith(settings));
  assert.equal(firstProblem(makeReport({ blocks: [...blocks] })), undefined);
  return blocks;
}

function charts(blocks: readonly Block[], title: RegExp): Extract<Block, { type: 'chart' }>[] {
  return blocks.filter((block) => block.type === 'chart').filter((block) => title.test(block.title ?? ''));
}

describe('the views of an attribution', function () {
  this.timeout(60_000);

  describe('of tables', () => {
    const weight = normalTensor(createRandom(3), [15, 1]);
    const x = normalTensor(createRandom(4), [9, 15]);
    const columnNames = { x: range(0, 15).map((i) => `c${i}`) };

    it('draw how a row comes from the baseline to its value: every bar begins where the one before ends', async () => {
      const blocks = await blocksOf(
        linearModel(weight),
        { x },
        { facts: { columnNames }, settings: { baseline: '0.5' } },
      );
      const falls = charts(blocks, /^How /);
      assert.equal(falls.length, 3);
      const { rows } = falls[0]!.table;
      const w = (i: number): number => weight.data[i] as number;
      assert.ok(Math.abs(Number(rows[0]!['from']) - sum(15, (i) => 0.5 * w(i))) < 1e-5);
      assert.ok(Math.abs(Number(rows.at(-1)!['to']) - sum(15, (i) => (x.data[i] as number) * w(i))) < 1e-5);
      for (const [index, row] of rows.entries()) {
        if (index > 0) assert.equal(row['from'], rows[index - 1]!['to']);
        assert.ok(Math.abs(Number(row['to']) - Number(row['from']) - Number(row['share'])) < 1e-12);
      }
      const shares = range(0, 15).map((i) => ({ i, share: ((x.data[i] as number) - 0.5) * w(i) }));
      shares.sort((a, b) => Math.abs(b.share) - Math.abs(a.share));
      const value = Number((x.data[shares[0]!.i] as number).toPrecision(4));
      assert.equal(rows[0]!['feature'], `c${shares[0]!.i} = ${value}`);
      assert.equal(rows.at(-1)!['feature'], 'the other 3');
    });

    it('draw a point for each row and feature, coloured by the third that the value is in', async () => {
      const blocks = await blocksOf(linearModel(weight), { x }, { facts: { columnNames } });
      const [swarm] = charts(blocks, /row by row/);
      const { rows } = swarm!.table;
      assert.equal(rows.length, 9 * 10);
      const [{ feature }] = rows as [{ feature: string }];
      const own = rows.filter((row) => row['feature'] === feature);
      const sorted = own.sort((a, b) => Number(a['value']) - Number(b['value'])).map((row) => row['third']);
      const thirds = ['lower third', 'middle third', 'upper third'];
      assert.deepEqual(
        sorted,
        thirds.flatMap((third) => [third, third, third]),
      );
      const column = Number(feature.slice(1));
      for (const row of own) {
        const score = Number(row['score']);
        assert.ok(Math.abs(score - Number(row['value']) * (weight.data[column] as number)) < 2e-3);
      }
    });

    it('draw no waterfall where scores do not add up', async () => {
      const blocks = await blocksOf(linearModel(weight), { x }, { settings: { method: 'gradient' } });
      assert.equal(charts(blocks, /^How /).length, 0);
    });
  });

  describe('of series', () => {
    it('draw channels over time and the score of each step, summed over channels', async () => {
      const kernel = float32Tensor([1, 2], [1, 2, 1]);
      const builder = new GraphBuilder(emptyModel());
      const input = builder.addInput('x', floatType('N', 2, 40));
      const mixed = builder.node('Conv', [input, builder.constant(kernel)]);
      const total = builder.reduce('ReduceSum', mixed, [1, 2], false);
      builder.addOutput(builder.node('Reshape', [total, builder.int64s([-1, 1])]));
      const x = normalTensor(createRandom(5), [2, 2, 40]);
      const [first, second] = charts(await blocksOf(builder.build(), { x }), /over time/);
      assert.ok(second !== undefined);
      const at = (channel: number, step: number): number => x.data[channel * 40 + step] as number;
      for (const [step, row] of first!.table.rows.entries()) {
        assert.equal(row['step'], step);
        assert.ok(Math.abs(Number(row['c1']) - at(1, step)) < 1e-6);
        assert.ok(Math.abs(Number(row['score']) - (at(0, step) + 2 * at(1, step))) < 1e-5);
      }
    });

    it('are told by the axes of the inspect file where a row is flat; long ones in pieces that keep the sum', async () => {
      const weight = normalTensor(createRandom(6), [1000, 1]);
      const x = normalTensor(createRandom(7), [1, 1000]);
      const blocks = await blocksOf(linearModel(weight), { x }, { facts: { layouts: { x: 'NT' } } });
      const [chart] = charts(blocks, /over time/);
      assert.equal(chart!.table.rows.length, 400);
      const total = chart!.table.rows.reduce((all, row) => all + Number(row['score']), 0);
      assert.ok(
        Math.abs(total - sum(1000, (i) => (x.data[i] as number) * (weight.data[i] as number))) < 1e-3,
      );
      assert.equal(charts(await blocksOf(linearModel(weight), { x }), /over time/).length, 0);
    });
  });

  describe('of sounds', () => {
    const tone = Float64Array.from(
      { length: 4000 },
      (_, i) => 0.5 * Math.sin((2 * Math.PI * 1000 * i) / 8000),
    );

    it('hold the sound as the model is fed, and the sum of the scores in pieces', async () => {
      const weight = normalTensor(createRandom(8), [4000, 1]);
      const x = float32Tensor(Float32Array.from(tone), [1, 4000]);
      const blocks = await blocksOf(linearModel(weight), { x }, { facts: { sampleRates: { x: 8000 } } });
      const [block] = blocks.filter(({ type }) => type === 'audio');
      assert.ok(block?.type === 'audio');
      const [item] = block.items;
      assert.equal(item?.durationSeconds, 0.5);
      const total = item.values.reduce<number>((all, value) => all + Number(value), 0);
      const expected = sum(4000, (i) => tone[i]! * (weight.data[i] as number));
      assert.ok(Math.abs(total - expected) < 1e-2, `${total} for ${expected}`);
      const bytes = Buffer.from(item.source.split(',')[1]!, 'base64');
      assert.equal(bytes.length, 44 + 2 * 4000);
      assert.ok(Math.abs(bytes.readInt16LE(44 + 2 * 1) / 32_767 - tone[1]!) < 1e-4);
      assert.ok(Math.max(...item.highs) <= 0.5 && Math.min(...item.lows) >= -0.5);
    });

    it('have their loudest frequency where the tone is', () => {
      const { spectrum, frequencyCount } = spectrumOf(tone);
      // 64 bands up to 4,000 Hz: 1,000 Hz is where the sixteenth ends and the seventeenth begins.
      for (let start = 0; start < spectrum.length; start += frequencyCount) {
        const window = spectrum.slice(start, start + frequencyCount);
        const loudest = window.indexOf(Math.max(...window));
        assert.ok(loudest === 15 || loudest === 16, `band ${loudest}`);
      }
      assert.deepEqual(spectrumOf(new Float64Array(10)).spectrum, []);
    });

    it('are written as WAV files that say their rate', () => {
      const view = new DataView(encodeWav(Float64Array.from([1, -1, 2]), 16_000).buffer);
      assert.equal(view.getUint32(24, true), 16_000);
      assert.deepEqual(
        [44, 46, 48].map((at) => view.getInt16(at, true)),
        [32_767, -32_767, 32_767],
      );
    });
  });

  it('of text name tokens by what they stand for, which together are the text', async () => {
    const folder = join(samplesDir, 'story-lm');
    const model = await readModel(join(folder, 'story-lm.onnx'));
    const data = await openDataset(join(folder, 'story-lm.inspect.json'), model);
    const context = { ...attributionContext(model, {}), data };
    const settings = attributionSettingsWith({ method: 'input-x-gradient', rows: '3' });
    const { blocks } = await attribution.run(context, settings);
    const [block] = blocks.filter(({ type }) => type === 'tokens');
    assert.ok(block?.type === 'tokens');
    const text = block.tokens.map((token) => token.text).join('');
    assert.match(text, /[a-z]{3,} [a-z]{2,} [a-z]{2,}/);
    assert.doesNotMatch(text, /#\d+ |Ġ/);
  });
});
