import assert from 'node:assert/strict';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { createRandom } from '../../../src/base/random.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { samplesDir } from '../../support/paths.js';
import { runAnalysisOnSample } from '../../support/runAnalysisOn.js';
import {
  arrayOf,
  attributionContext,
  attributionSettingsWith,
  runAttribution,
} from '../../support/runAttribution.js';
import { linearModel } from '../../support/tensors.js';
import { attribution } from '../../../src/analyses/prediction/attribution.js';
import type { ReportDraft } from '../../../src/analyses/analysis.js';

const removedShares = [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1];

describe('the removal curve of an attribution', function () {
  this.timeout(60_000);
  const random = createRandom(5);
  const weight = normalTensor(random, [20, 3]);
  const x = normalTensor(random, [4, 20]);

  it('of a linear model is what the smaller terms add up to', async () => {
    const draft = await runAttribution(
      linearModel(weight),
      { x },
      {
        method: 'input-x-gradient',
        target: '1',
        removal: true,
      },
    );
    const curve = toFloat64(arrayOf(draft, 'removalCurve'));
    for (let row = 0; row < 4; row++) {
      const terms = Array.from(
        { length: 20 },
        (_, i) => Number(x.data[row * 20 + i]) * Number(weight.data[i * 3 + 1]),
      );
      terms.sort((a, b) => b - a);
      for (const [at, share] of removedShares.entries()) {
        const left = terms.slice(Math.round(share * 20)).reduce((sum, term) => sum + term, 0);
        // Float32 rounding of a sum of twenty terms of order one.
        assert.ok(Math.abs(curve[row * removedShares.length + at]! - left) < 1e-5);
      }
    }
    // No order makes the value fall faster, and both begin and end at the same values.
    const anyOrder = toFloat64(arrayOf(draft, 'randomRemovalCurve'));
    for (const [at, value] of anyOrder.entries()) assert.ok(value >= curve[at]! - 1e-5);
    assert.ok(draft.metrics['removalGap']! > 0);
  });

  it('is not drawn for scores of a layer, and the report says so', async () => {
    const model = denseModel([20, 6, 3], 'Relu', 4);
    const settings = { method: 'input-x-gradient', layer: 'fc1', removal: true };
    const draft = await runAttribution(model, { x }, settings);
    assert.equal(draft.metrics['removalGap'], undefined);
    assert.equal(draft.evidence['removalGap']!.kind, 'not-captured');
    assert.match(JSON.stringify(draft.blocks), /No removal curve/);
  });

  it('costs what it says: twenty passes a row', () => {
    const workload = {
      model: linearModel(weight),
      sampleCount: 4,
      limit: undefined,
      sampleShapes: { x: [20] },
    };
    const passes = (removal: boolean): number =>
      attribution.cost!(attributionSettingsWith({ removal }), workload).passCount;
    assert.equal(passes(true) - passes(false), 4 * 20);
  });
});

describe('attribution of sounds', function () {
  this.timeout(60_000);
  const folder = join(samplesDir, 'tone-cnn');

  /** Explains the 32 committed sounds, ids by path. */
  async function explain(
    settings: Readonly<Record<string, unknown>>,
  ): Promise<{ draft: ReportDraft; ids: string[] }> {
    const model = await readModel(join(folder, 'tone-cnn.onnx'));
    const data = await openDataset(join(folder, 'tone-cnn.inspect.json'), model);
    const context = { ...attributionContext(model, {}), data, limit: 32 };
    const ids: string[] = [];
    for await (const batch of data.batches({ batchSize: 32 })) ids.push(...batch.ids);
    return { draft: await attribution.run(context, attributionSettingsWith(settings)), ids };
  }

  itHolds(
    77,
    'conserves the score of a trained network without biases on waveforms, to 1e-3 of it',
    async () => {
      for (const method of ['lrp-zero', 'lrp-gamma', 'lrp-alpha-beta']) {
        const { draft } = await explain({ method });
        const output = toFloat64(arrayOf(draft, 'output'));
        const error = toFloat64(arrayOf(draft, 'conservationError'));
        assert.equal(output.length, 32);
        for (const [row, value] of output.entries()) {
          assert.ok(Math.abs(error[row]! / value) < 1e-3, `${method} ${row}`);
        }
      }
    },
  );

  itHolds(77, 'finds the tone in the noise, and its removal takes the score away', async () => {
    const { bursts } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
      bursts: Record<string, [number, number]>;
    };
    const { draft, ids } = await explain({ method: 'lrp-epsilon', removal: true });
    const scores = toFloat64(arrayOf(draft, 'attribution'));
    const size = 2000;
    for (const [row, id] of ids.entries()) {
      const [start, end] = bursts[id]!;
      const own = scores.subarray(row * size, (row + 1) * size);
      const sumOf = (part: Float64Array): number => part.reduce((sum, score) => sum + score, 0);
      // A filter of 32 frames also reads a little before and behind the tone. What noise gets cancels out.
      const share = sumOf(own.subarray(start - 32, end + 32)) / sumOf(own);
      assert.ok(share > 0.9 && share < 1.2, `${id}: ${share}`);
    }
    const curve = toFloat64(arrayOf(draft, 'removalCurve'));
    const anyOrder = toFloat64(arrayOf(draft, 'randomRemovalCurve'));
    for (let row = 0; row < 32; row++) {
      const at = row * removedShares.length + removedShares.indexOf(0.1);
      const whole = curve[row * removedShares.length]!;
      // The tone is a fifth of the sound: half of it carries all of the score, of which a random tenth takes little.
      assert.ok(curve[at]! < 0, `${ids[row]!}: ${curve[at]! / whole}`);
      assert.ok(anyOrder[at]! > 0.75 * whole, `${ids[row]!}: ${anyOrder[at]! / whole}`);
    }
  });

  itHolds(
    77,
    'finds the tone in time and frequency on a spectrogram, and conserves the score to 1e-3',
    async () => {
      // tone-spectrogram: 16 sounds, 33 bins of 125 Hz, 61 columns of 64 frames every 32; class c is a tone of 400 · 2ᶜ Hz.
      const [binCount, columnCount, count] = [33, 61, 16];
      const manifest = readFileSync(join(samplesDir, 'tone-spectrogram', 'manifest.json'), 'utf8');
      const { bursts } = JSON.parse(manifest) as { bursts: [number, number][] };
      const explained = (method: string): Promise<ReportDraft> =>
        runAnalysisOnSample(attribution, 'tone-spectrogram', { method }, { limit: count });
      const scores = toFloat64(arrayOf(await explained('lrp-epsilon'), 'attribution'));
      for (const [row, [start, end]] of bursts.entries()) {
        const bin = (400 * 2 ** (row % 4)) / 125;
        // Windows that hold a frame of the tone, and the bins around it that a Hann window of its own reaches.
        const isTone = (at: number): boolean => {
          const frame = (at % columnCount) * 32;
          return Math.abs(Math.floor(at / columnCount) - bin) < 3 && frame + 64 > start && frame < end;
        };
        const size = binCount * columnCount;
        const own = scores.subarray(row * size, (row + 1) * size);
        assert.ok(isTone(own.indexOf(Math.max(...own))), `row ${row}`);
        let [inside, all, area] = [0, 0, 0];
        for (const [at, score] of own.entries()) {
          if (isTone(at)) area += 1 / size;
          if (isTone(at)) inside += Math.max(0, score);
          all += Math.max(0, score);
        }
        assert.ok(inside / all > 4 * area, `row ${row}: ${inside / all} on ${area}`);
      }
      const zero = await explained('lrp-zero');
      const [output, error] = ['output', 'conservationError'].map((name) => toFloat64(arrayOf(zero, name)));
      for (const [row, value] of output!.entries()) assert.ok(Math.abs(error![row]! / value) < 1e-3);
    },
  );
});
