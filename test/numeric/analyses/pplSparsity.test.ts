import assert from 'node:assert/strict';
import { join } from 'node:path';
import { activationSparsity } from '../../../src/analyses/health/activation-sparsity.js';
import { truncate } from '../../../src/analyses/health/sparsity/cett.js';
import { feedForwardsOf } from '../../../src/analyses/health/sparsity/feedForward.js';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { createRandom } from '../../../src/base/random.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { openDataset } from '../../../src/data/openDataset.js';
import type { Tokenizer } from '../../../src/data/text/tokenizer.js';
import { fitCurve } from '../../../src/engine/numeric/curves/fitCurve.js';
import { tap } from '../../../src/engine/rewrites/tap.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import { layersOf } from '../../../src/onnx/layers/layerTable.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import { type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { samplesDir } from '../../support/paths.js';
import { arrayOf, runOn } from '../../support/runHealth.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { memoryMaskId, memoryModel, memoryRows } from '../../support/plantedMemory.js';
import { lossByHand, tinyLanguageModel } from '../../support/tinyLanguageModel.js';

const memoryTokenizer: Tokenizer = {
  ...{ vocabularySize: 7, prefix: [], suffix: [], endIds: [], padId: undefined, maskId: memoryMaskId },
  encode: () => Int32Array.of(0),
  decode: (ids) => ids.join(' '),
  textOf: String,
};

const windows = 4;
const [unitCount, width, blockCount] = [320, 80, 4];

async function outputsOf(model: Model, feeds: Feeds): Promise<Readonly<Record<string, TensorValue>>> {
  const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(model);
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

describe('PPL-p % sparsity', function () {
  this.timeout(20_000);
  const folder = useTemporaryFolder();
  let model: Model;
  let data: Dataset;
  let draft: ReportDraft;
  let feeds: Feeds;

  before(async () => {
    const dir = join(samplesDir, 'story-lm');
    model = await readModel(join(dir, 'story-lm.onnx'));
    data = await openDataset(join(dir, 'story-lm.inspect.json'), model);
    for await (const batch of data.batches({ batchSize: windows, limit: windows })) feeds = batch.feeds;
    draft = await runOn(activationSparsity, model, data, {
      settings: { method: 'ppl', perplexityRise: 1, perplexitySamples: windows, histogramBins: 0 },
      limit: windows,
    });
  });

  /** Of each block: threshold, error and activation ratio. */
  const found = (): number[][] =>
    Array.from({ length: blockCount }, (_, block) =>
      arrayOf(draft, `blocks.${String(block)}.mlp.truncation`),
    );

  itHolds(
    231,
    'raises the perplexity of story-lm by p % within 0.1 points, rerun with the thresholds',
    async () => {
      const { blocks } = await feedForwardsOf(layersOf(model), 'story-lm');
      const thresholds = found().map(([threshold = NaN]) => threshold);
      const perplexities: number[] = [];
      for (const variant of [model, truncate(model, blocks, thresholds)]) {
        const { logits } = await outputsOf(variant, feeds);
        assert(logits !== undefined && feeds['tokens'] !== undefined);
        const { sum, count } = lossByHand(logits, feeds['tokens']);
        perplexities.push(Math.exp(sum / count));
      }
      const [untouched = NaN, truncated = NaN] = perplexities;
      const rise = truncated / untouched - 1;
      assert.ok(Math.abs(100 * rise - 1) < 0.1, String(100 * rise));
      assert.ok(Math.abs(draft.metrics['perplexityRise']! - rise) < 1e-5);
      assert.ok(Math.abs(draft.metrics['untouchedPerplexity']! / untouched - 1) < 1e-5);
    },
  );

  itHolds(
    231,
    'has the same error and the counted activation ratio in every block by plain loops',
    async () => {
      const { blocks } = await feedForwardsOf(layersOf(model), 'story-lm');
      const hidden = blocks.map((block) => block.hidden);
      const tapped = await outputsOf(tap(model, hidden).model, feeds);
      for (const [at, [threshold = NaN, cett = NaN, activeShare = NaN]] of found().entries()) {
        const weight = toFloat64(blocks[at]!.weight);
        const values = toFloat64(tapped[hidden[at]!]!);
        const norms = Array.from({ length: unitCount }, (_, unit) =>
          Math.hypot(...weight.subarray(unit * width, (unit + 1) * width)),
        );
        let [error, active] = [0, 0];
        const tokenCount = values.length / unitCount;
        for (let token = 0; token < tokenCount; token++) {
          const [whole, tail] = [new Float64Array(width), new Float64Array(width)];
          for (let unit = 0; unit < unitCount; unit++) {
            const value = values[token * unitCount + unit]!;
            const isActive = Math.abs(value) * norms[unit]! > threshold;
            if (isActive) active++;
            for (let i = 0; i < width; i++) {
              const written = value * weight[unit * width + i]!;
              whole[i]! += written;
              if (!isActive) tail[i]! += written;
            }
          }
          error += Math.hypot(...tail) / Math.hypot(...whole) / tokenCount;
        }
        assert.ok(
          Math.abs(error - cett) < 1e-5,
          `block ${String(at)}: ${String(error)}, not ${String(cett)}`,
        );
        assert.ok(Math.abs(error / draft.metrics['cett']! - 1) < 2e-3);
        // An element within float32 of the threshold may fall on either side.
        assert.ok(Math.abs(active - activeShare * values.length) <= 2);
      }
      const overall = found().reduce((sum, [, , share = NaN]) => sum + share / blockCount, 0);
      assert.ok(Math.abs(draft.metrics['activationRatio']! - overall) < 1e-12);
      assert.ok(overall > 0.02 && overall < 0.98);
    },
  );

  itHolds(
    231,
    'measures checkpoints like single models and fits both laws through their ratios',
    async () => {
      const rows = memoryDataset({ input_ids: memoryRows(16, 12) });
      const steps = [100, 200, 400, 800, 1600];
      const settings = { method: 'ppl', perplexityRise: 5, histogramBins: 0 } as const;
      const modelAt = (step: number): Model => memoryModel(40 / step);
      for (const step of steps) {
        await writeModel(modelAt(step), join(folder(), `step-${String(step)}.onnx`));
      }
      const course = await runOn(activationSparsity, modelAt(200), rows, {
        settings: { ...settings, checkpoints: folder() },
      });
      const points = arrayOf(course, 'ratioByStep');
      assert.deepEqual(
        points.filter((_, i) => i % 2 === 0),
        steps,
      );
      const ratios = points.filter((_, i) => i % 2 === 1);
      assert.equal(ratios[1], course.metrics['activationRatio']);
      // The less noise, the fewer units are needed.
      assert.ok(ratios[0]! > 2 * ratios.at(-1)!, ratios.join());
      const fits = (['power', 'log-power'] as const).map((law) => fitCurve(law, steps, ratios));
      const rSquared = fits.flatMap((fit) => (typeof fit === 'string' ? [] : [fit.rSquared]));
      assert.equal(course.metrics['fitRSquared'], Math.max(...rSquared));
      assert.equal(draft.evidence['limitRatio']?.how, 'no checkpoints were given');
    },
  );

  it('truncates the neurons of the first block and no others', async () => {
    const { blocks } = await feedForwardsOf(layersOf(model), 'story-lm');
    const { hidden, norms } = blocks[0]!;
    const threshold = Math.fround(0.05);
    const [before, after] = await Promise.all(
      [model, truncate(model, blocks.slice(0, 1), [threshold])].map(async (variant) =>
        toFloat64((await outputsOf(tap(variant, [hidden]).model, feeds))[hidden]!),
      ),
    );
    const sizes = toFloat64(norms);
    const expected = before!.map((value, i) =>
      Math.fround(Math.abs(value) * sizes[i % unitCount]!) > threshold ? value : 0,
    );
    assert.deepEqual(after, expected);
    assert.ok(expected.includes(0));
  });

  it('asks a masked model for hidden tokens, and none that cannot hide them', async () => {
    const masked = memoryModel(0.1, true);
    const ids = memoryRows(6, 8);
    const settings = { method: 'ppl', histogramBins: 0 } as const;
    const rows = memoryDataset({ input_ids: ids });
    const blind = runOn(activationSparsity, masked, rows, { settings });
    await assert.rejects(blind, { code: 'no-mask-token', message: /tokenizer\.json/ });
    const tokens = { input: 'input_ids', tokenizer: memoryTokenizer, path: '/test/tokenizer.json' };
    const told = await runOn(activationSparsity, masked, { ...rows, tokens }, { settings });
    // What it says at a place does not depend on the token there, so that none needs to be hidden for this.
    const { logits } = await outputsOf(masked, { input_ids: ids });
    const scores = toFloat64(logits!);
    let [sum, count] = [0, 0];
    for (const [at, token] of toFloat64(ids).entries()) {
      if (token === memoryMaskId) continue;
      const own = scores.subarray(at * 7, (at + 1) * 7);
      sum += Math.log(own.reduce((all, score) => all + Math.exp(score), 0)) - own[token]!;
      count++;
    }
    const untouched = told.metrics['untouchedPerplexity']!;
    assert.ok(Math.abs(untouched / Math.exp(sum / count) - 1) < 1e-5, `${untouched} for ${count} tokens`);
    assert.match(JSON.stringify(told.blocks), /Untouched pseudo-perplexity/);
  });

  it('says what it needs: tokens, and feed-forward blocks', async () => {
    const settings = { method: 'ppl' } as const;
    const x = normalTensor(createRandom(1), [4, 3]);
    await assert.rejects(
      runOn(activationSparsity, denseModel([3, 4, 2]), memoryDataset({ x }), { settings }),
      {
        code: 'no-language-model',
      },
    );
    await assert.rejects(feedForwardsOf(layersOf(tinyLanguageModel()), 'tiny.onnx'), {
      code: 'no-feed-forward',
      message: /tiny\.onnx/,
    });
  });
});
