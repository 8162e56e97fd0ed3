import assert from 'node:assert/strict';
import { join } from 'node:path';
import { attribution } from '../../../src/analyses/prediction/attribution.js';
import { attentionMaps } from '../../../src/analyses/representation/attention-maps.js';
import { createRandom } from '../../../src/base/random.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { layersOf } from '../../../src/onnx/layers/layerTable.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { itHolds } from '../../support/papers.js';
import { historyLength, interestModel, itemCount, topicOf } from '../../support/plantedInterest.js';
import { samplesDir } from '../../support/paths.js';
import { runAnalysisOn, runAnalysisOnSample } from '../../support/runAnalysisOn.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';

const rowCount = 20;
const random = createRandom(35);
const histories = Array.from({ length: rowCount * historyLength }, () => random.integer(itemCount));
const candidates = Array.from({ length: rowCount }, () => random.integer(itemCount));
const feeds = {
  history: int64Tensor(histories, [rowCount, historyLength]),
  candidate: int64Tensor(candidates, [rowCount, 1]),
};

function isRelevant(index: number): boolean {
  const candidate = candidates[Math.floor(index / historyLength)] ?? 0;
  return topicOf(histories[index] ?? 0) === topicOf(candidate);
}

/** The first rows of the sample's data. */
async function sampleRows(count: number): Promise<{ history: Float64Array; candidate: Float64Array }> {
  const folder = join(samplesDir, 'interest-network');
  const model = await readModel(join(folder, 'interest-network.onnx'));
  const data = await openDataset(join(folder, 'interest-network.inspect.json'), model);
  for await (const { feeds: rows } of data.batches({ batchSize: count, limit: count })) {
    return { history: toFloat64(rows['history']!), candidate: toFloat64(rows['candidate']!) };
  }
  throw new Error('The sample has no rows.');
}

/** p(s) s + (1 − p(s)) s / 10 at s = 2 where the topics are the same, at −2 elsewhere. */
function weightByHand(index: number): number {
  const s = isRelevant(index) ? 2 : -2;
  const p = 1 / (1 + Math.exp(-s));
  return p * s + (1 - p) * 0.1 * s;
}

describe('a planted interest model', () => {
  itHolds(35, 'has its unit and Dice recognised, and relevant behaviours get the top weights', async () => {
    const model = interestModel();
    const kinds = layersOf(model).blocks.map(({ kind }) => kind);
    assert.deepEqual(kinds.filter((kind) => kind === 'dice' || kind === 'local-activation-unit').sort(), [
      'dice',
      'local-activation-unit',
    ]);
    const draft = await runAnalysisOn(
      attentionMaps,
      { model, feeds },
      { shown: rowCount },
      { limit: rowCount },
    );
    const [name = ''] = Object.keys(draft.arrays).filter((key) => key.endsWith('.attention'));
    const weights = toFloat64(arrayOf(draft, name));
    assert.equal(weights.length, histories.length);
    for (const [index, weight] of weights.entries()) {
      // Float32: seven digits of numbers of size 1.
      assert.ok(Math.abs(weight - weightByHand(index)) < 1e-5, String(index));
    }
    // They need not sum to 1, so there is no error of a sum.
    assert.equal(draft.metrics['maxSumError'], undefined);
    assert.equal(draft.evidence['maxSumError']?.kind, 'not-captured');
    // No irrelevant behaviour of a row outweighs a relevant one.
    for (let row = 0; row < rowCount; row++) {
      const places = Array.from({ length: historyLength }, (_, place) => row * historyLength + place);
      const relevant = places.filter(isRelevant).map((place) => weights[place] ?? NaN);
      const others = places.filter((place) => !isRelevant(place)).map((place) => weights[place] ?? NaN);
      assert.ok(Math.min(...relevant, Infinity) > Math.max(...others, -Infinity));
    }
  });

  itHolds(
    35,
    'of which a trained one weighs and credits relevant behaviours above all others, too',
    async () => {
      // interest-network: 64 rows of 8 behaviours, item mod 6 is the topic; rows with relevant and other behaviours count.
      const count = 64;
      const limits = { limit: count };
      const maps = await runAnalysisOnSample(attentionMaps, 'interest-network', { shown: count }, limits);
      const settings = { method: 'integrated-gradients', target: '1' };
      const shares = await runAnalysisOnSample(attribution, 'interest-network', settings, limits);
      const [weights, elements] = ['unit.attention', 'attribution.history'].map((name) =>
        toFloat64(arrayOf(name in maps.arrays ? maps : shares, name)),
      );
      const scores = Float64Array.from({ length: count * 8 }, (_, place) =>
        elements!.subarray(place * 8, place * 8 + 8).reduce((sum, score) => sum + score, 0),
      );
      const { history, candidate } = await sampleRows(count);
      let [mixed, tops] = [0, 0];
      for (let row = 0; row < count; row++) {
        const places = Array.from({ length: 8 }, (_, place) => row * 8 + place);
        const relevant = places.filter((place) => history[place]! % 6 === candidate[row]! % 6);
        const others = places.filter((place) => !relevant.includes(place));
        if (relevant.length === 0 || others.length === 0) continue;
        mixed++;
        for (const found of [weights!, scores]) {
          const [low, high] = [relevant, others].map((group) => group.map((place) => found[place]!));
          if (Math.min(...low!) > Math.max(...high!)) tops++;
        }
      }
      assert.ok(mixed > 40, String(mixed));
      // The last bits of training differ between machines: one row in fifty may.
      assert.ok(tops / (2 * mixed) >= 0.98, `${tops} of ${2 * mixed}`);
    },
  );

  itHolds(35, 'is explained field by field: only relevant behaviours and the candidate speak', async () => {
    const settings = { method: 'integrated-gradients', output: 'logit', steps: 200 };
    const draft = await runAttribution(interestModel(), feeds, settings, { limit: rowCount });
    const ofHistory = arrayOf(draft, 'attribution.history');
    const width = ofHistory.data.length / (rowCount * historyLength);
    const scores = toFloat64(ofHistory);
    const scoreOf = (index: number): number =>
      scores.subarray(index * width, (index + 1) * width).reduce((sum, score) => sum + score, 0);
    for (let index = 0; index < rowCount * historyLength; index++) {
      // What stands at an irrelevant behaviour is of another topic: its product with the candidate is 0 along the whole path.
      if (isRelevant(index)) assert.ok(scoreOf(index) > 0.3, String(index));
      else assert.ok(Math.abs(scoreOf(index)) < 1e-5, String(index));
    }
    assert.ok('attribution.candidate' in draft.arrays);
    assert.ok((draft.metrics['maxCompletenessError'] ?? 1) < 1e-2);
  });
});
