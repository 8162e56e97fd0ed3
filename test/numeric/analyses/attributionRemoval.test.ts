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
});
