import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { deadNeurons } from '../../../src/analyses/health/dead-neurons.js';
import { positionalNeurons } from '../../../src/analyses/health/positional-neurons.js';
import { tokenNeurons } from '../../../src/analyses/health/token-neurons.js';
import { createRandom } from '../../../src/base/random.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { tap } from '../../../src/engine/rewrites/tap.js';
import { loadTensor } from '../../../src/onnx/loadTensor.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import type { TableBlock } from '../../../src/protocol/blocks.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { samplesDir } from '../../support/paths.js';
import {
  placeCount,
  type PlantedLayer,
  plantedTokenDecoder,
  streamWidth,
  tokenCount,
} from '../../support/plantedTokenDecoder.js';
import { arrayOf, runOn, statesOf } from '../../support/runHealth.js';
import { tinyLanguageModel, tinyRows } from '../../support/tinyLanguageModel.js';

const sequenceCount = 300;
const gainRandom = createRandom(17);
const gain = Array.from({ length: streamWidth }, () => 0.5 + gainRandom.next());

/** What a unit writes: −2 for the tokens it suppresses, 1 for the one it promotes. */
function writing(suppressed: readonly number[], promoted: number): number[] {
  return Array.from({ length: tokenCount }, (_, token) => {
    if (suppressed.includes(token)) return -2;
    return token === promoted ? 1 : 0;
  });
}

const everyToken = Array.from({ length: tokenCount }, (_, token) => token);

/** Dead; a token; three tokens; six; a bigram; a trigram; a range of positions; always on. */
const planted: PlantedLayer = {
  units: [
    { token: everyToken, bias: -3 },
    { token: [3], bias: -0.5 },
    { token: [1, 5, 9], bias: -0.5 },
    { token: [0, 1, 2, 3, 4, 5], bias: -0.5 },
    { token: [8], before: [7], bias: -1.5 },
    { token: [6], before: [4], beforeThat: [2], bias: -2.5 },
    { place: [0, 1, 2], bias: -0.5 },
    { token: everyToken, bias: 0 },
  ],
  writes: [
    writing([0], 1),
    writing([3], 7),
    writing([11], 5),
    writing([1], 2),
    writing([8], 0),
    writing([1], 6),
    writing([2], 3),
    writing([4], 5),
  ],
  gain,
};

/** Rows of seeded tokens, a trigram and a bigram planted in every fifth; the last places of a row are masked where it says so. */
function plantedData(maskedCount = 0): ReturnType<typeof memoryDataset> {
  const random = createRandom(18);
  const ids = Array.from({ length: sequenceCount * placeCount }, () => random.integer(tokenCount));
  for (let row = 0; row < sequenceCount; row += 5) {
    for (const [at, token] of [2, 4, 6].entries()) ids[row * placeCount + (row % 7) + at] = token;
    for (const [at, token] of [7, 8].entries()) ids[(row + 1) * placeCount + (row % 11) + at] = token;
  }
  const mask = ids.map((_, at) => (at % placeCount < placeCount - maskedCount ? 1 : 0));
  const dims = [sequenceCount, placeCount];
  return memoryDataset({ input_ids: int64Tensor(ids, dims), attention_mask: int64Tensor(mask, dims) });
}

function tableOf(draft: ReportDraft): TableBlock['rows'] {
  const table = draft.blocks.find((block) => block.type === 'table');
  assert(table?.type === 'table');
  return table.rows;
}

function rowOf(draft: ReportDraft, unit: number): TableBlock['rows'][number] {
  const row = tableOf(draft).find(({ neuron }) => neuron === `mlp.hidden[${String(unit)}]`);
  assert(row !== undefined, String(unit));
  return row;
}

/** γ ⊙ (w − mean w) as the unembedding of the planted decoder reads it. */
function effectsOf(write: readonly number[]): number[] {
  const mean = write.reduce((sum, element) => sum + element, 0) / streamWidth;
  return write.map((element, token) => (element - mean) * (gain[token] ?? NaN));
}

function deviationsOf(effects: readonly number[], tokens: readonly number[]): number {
  const mean = effects.reduce((sum, effect) => sum + effect, 0) / effects.length;
  const spread = Math.sqrt(effects.reduce((sum, effect) => sum + (effect - mean) ** 2, 0) / effects.length);
  return (tokens.reduce((sum, token) => sum + (effects[token] ?? NaN), 0) / tokens.length - mean) / spread;
}

describe('token neurons', function () {
  this.timeout(20_000);

  describe('of a constructed decoder', () => {
    let draft: ReportDraft;

    before(async () => {
      draft = await runOn(tokenNeurons, plantedTokenDecoder(planted), plantedData());
    });

    itHolds(
      17,
      'finds the planted token, bigram and trigram units and no others; dead and position units are others',
      async () => {
        assert.deepEqual(arrayOf(draft, 'mlp.hidden.ngramSize'), [0, 1, 1, 0, 2, 3, 0, 0]);
        assert.deepEqual(arrayOf(draft, 'mlp.hidden.ngramCount'), [0, 1, 3, 0, 1, 1, 0, 0]);
        const { metrics } = draft;
        assert.deepEqual([metrics['tokenCount'], metrics['bigramCount'], metrics['trigramCount']], [2, 1, 1]);
        assert.deepEqual([metrics['judgedCount'], metrics['undecidedCount']], [7, 0]);
        // Written by hand, each fires on all of its n-grams and on nothing else.
        for (const row of tableOf(draft)) assert.deepEqual([row['covered'], row['fires']], [1, 1]);
        assert.equal(rowOf(draft, 1)['ngrams'], '#3');
        assert.equal(rowOf(draft, 4)['ngrams'], '#7 #8');
        assert.equal(rowOf(draft, 5)['ngrams'], '#2 #4 #6');
        const dead = await runOn(deadNeurons, plantedTokenDecoder(planted), plantedData(), {
          settings: { histogramBins: 0 },
        });
        assert.deepEqual(
          statesOf(dead, 'mlp.act').map((state) => state === 'dead'),
          planted.units.map((_, unit) => unit === 0),
        );
        const positions = await runOn(positionalNeurons, plantedTokenDecoder(planted), plantedData());
        const information = arrayOf(positions, 'mlp.act.information');
        assert.deepEqual(
          [...information.keys()].filter((unit) => (information[unit] ?? 0) > 0.05),
          [6],
        );
        const depth = draft.blocks.find((block) => block.type === 'chart');
        assert(depth?.type === 'chart');
        assert.deepEqual(depth.table.rows, [{ layer: 'mlp.hidden', token: 2, bigram: 1, trigram: 1 }]);
      },
    );

    itHolds(
      17,
      'projects rows on the vocabulary as the closed form does, and sees who suppresses its triggers',
      () => {
        for (const [unit, tokens] of [
          [1, [3]],
          [4, [8]],
          [5, [6]],
        ] as const) {
          const effects = effectsOf(planted.writes[unit] ?? []);
          const row = rowOf(draft, unit);
          const order = [...effects.keys()].sort((a, b) => (effects[b] ?? 0) - (effects[a] ?? 0));
          assert.equal(
            row['promoted'],
            order
              .slice(0, 5)
              .map((id) => `#${String(id)}`)
              .join(' '),
          );
          assert.equal(
            row['suppressed'],
            order
              .reverse()
              .slice(0, 5)
              .map((id) => `#${String(id)}`)
              .join(' '),
          );
          assert.ok(Math.abs(Number(row['own']) - deviationsOf(effects, tokens)) < 1e-5, String(unit));
        }
        assert.equal(draft.metrics['suppressingCount'], 2);
        assert.match(
          draft.summary,
          /^2 token neurons, 1 bigram neuron, 1 trigram neuron among 7 .*; 2 of them/,
        );
      },
    );
  });

  itHolds(
    17,
    'finds them in gated and folded layers, where the product fires and the gate alone does not tell',
    async () => {
      const gated: PlantedLayer = {
        // SiLU(−30) is 0 to float32; the first gate is open everywhere, its up is 0 but on token 3.
        units: [
          { token: everyToken, bias: 0, weight: 4 },
          { token: [5], bias: -0.5, weight: 60 },
        ],
        ups: [
          { token: [3], bias: 0 },
          { token: everyToken, bias: 0, weight: -1 },
        ],
        writes: [writing([3], 7), writing([5], 0)],
        gain,
      };
      for (const isFolded of [false, true]) {
        const model = plantedTokenDecoder({ ...gated, isFolded });
        const draft = await runOn(tokenNeurons, model, plantedData(4));
        assert.deepEqual(arrayOf(draft, 'mlp.hidden.ngramSize'), [1, 1]);
        assert.deepEqual([rowOf(draft, 0)['ngrams'], rowOf(draft, 1)['ngrams']], ['#3', '#5']);
        // Masked places count neither as activations nor as places where the n-gram stands.
        assert.equal(rowOf(draft, 0)['fires'], 1);
        // The second is negative where it is active: it raises what its row lowers.
        assert.ok(Number(rowOf(draft, 0)['own']) < -1);
        assert.ok(Number(rowOf(draft, 1)['own']) > 1);
      }
    },
  );

  itHolds(17, 'counts on story-lm what a brute-force recount gives', async () => {
    const dir = join(samplesDir, 'story-lm');
    const model = await readModel(join(dir, 'story-lm.onnx'));
    const data = await openDataset(join(dir, 'story-lm.inspect.json'), model);
    const [epsilon, least, windowCount, unitCount] = [2.5, 6, 8, 320];
    const draft = await runOn(tokenNeurons, model, data, {
      settings: { epsilon, activations: least },
      limit: windowCount,
      batchSize: 5,
    });
    const value = '/blocks.1/mlp/act/Mul_output_0_1';
    const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(tap(model, [value]).model);
    const active = Array.from({ length: unitCount }, () => [] as string[][]);
    for await (const { feeds } of data.batches({ batchSize: windowCount, limit: windowCount })) {
      const elements = toFloat64((await session.run(feeds))[value]!);
      const ids = toFloat64(feeds[data.tokens?.input ?? '']!);
      const rms = Math.sqrt(elements.reduce((sum, element) => sum + element ** 2, 0) / elements.length);
      for (const [at, element] of elements.entries()) {
        if (Math.abs(element) <= epsilon * rms) continue;
        const place = Math.floor(at / unitCount);
        const tokens = [2, 1, 0].map((back) => (place % 64 < back ? '^' : String(ids[place - back])));
        active[at % unitCount]!.push(tokens);
      }
    }
    await session.close();
    const expected = active.map((ngrams) => (ngrams.length < least ? [0, 0] : coverByHand(ngrams)));
    assert.deepEqual(
      arrayOf(draft, 'blocks.1.mlp.hidden.activeCount'),
      active.map(({ length }) => length),
    );
    assert.deepEqual(
      arrayOf(draft, 'blocks.1.mlp.hidden.ngramSize'),
      expected.map(([size]) => size),
    );
    assert.deepEqual(
      arrayOf(draft, 'blocks.1.mlp.hidden.coveredCount'),
      expected.map(([, count]) => count),
    );
    assert.ok(expected.filter(([size]) => size !== 0).length > 0);
    assert.ok(Number.isFinite(draft.metrics['suppressingCount']));
    // Whatever they fire on, they are positive above 2.5 × RMS: what their row promotes, they promote.
    const { initializers } = model.graph;
    const [down, gains, head] = await Promise.all(
      ['blocks.1.mlp.fc2.weight', 'norm.weight', 'head.weight'].map(async (name) =>
        toFloat64(await loadTensor(initializers.get(name)!)),
      ),
    );
    const width = gains!.length;
    const unit = expected.findIndex(([size]) => size !== 0);
    const row = down!.subarray(unit * width, (unit + 1) * width);
    const mean = row.reduce((sum, element) => sum + element, 0) / width;
    const vocabularySize = head!.length / width;
    const effects = Array.from({ length: vocabularySize }, (_, token) =>
      row.reduce((sum, element, at) => {
        return sum + (element - mean) * gains![at]! * head![at * vocabularySize + token]!;
      }, 0),
    );
    const order = [...effects.keys()].sort((a, b) => effects[b]! - effects[a]!);
    const texts = order.slice(0, 5).map((id) => JSON.stringify(data.tokens?.tokenizer.textOf(id)));
    const listed = tableOf(draft).find(({ neuron }) => neuron === `blocks.1.mlp.hidden[${String(unit)}]`);
    assert.equal(listed?.['promoted'], texts.join(' '));
  });

  it('refuses a model without tokens, and one without feed-forward layers', async () => {
    const data = memoryDataset({ x: normalTensor(createRandom(1), [4, 3]) });
    await assert.rejects(runOn(tokenNeurons, denseModel([3, 4, 2]), data), { code: 'no-tokens' });
    const rows = memoryDataset({ input_ids: tinyRows(4, 5) });
    await assert.rejects(runOn(tokenNeurons, tinyLanguageModel(), rows), { code: 'no-feed-forward' });
  });
});

/** The largest n of which at most five n-grams cover 95 %, and how many activations the fewest such cover. */
function coverByHand(ngrams: readonly (readonly string[])[]): readonly [number, number] {
  for (const size of [3, 2, 1]) {
    const counts = new Map<string, number>();
    for (const tokens of ngrams) {
      const ngram = tokens.slice(3 - size).join(' ');
      counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
    }
    let covered = 0;
    for (const count of [...counts.values()].sort((a, b) => b - a).slice(0, 5)) {
      covered += count;
      if (100 * covered >= 95 * ngrams.length) return [size, covered];
    }
  }
  return [0, 0];
}
