import assert from 'node:assert/strict';
import { join } from 'node:path';
import { nearestExamples } from '../../../src/analyses/prediction/nearest-examples.js';
import { interpolate } from '../../../src/analyses/prediction/neighbours/measure.js';
import { voteOf } from '../../../src/analyses/prediction/neighbours/votes.js';
import { createRandom } from '../../../src/base/random.js';
import { writeNpz } from '../../../src/data/npz.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { runAnalysisOn, runAnalysisOnSample } from '../../support/runAnalysisOn.js';
import { arrayOf } from '../../support/runAttribution.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { isCode, range, sum } from '../../support/tensors.js';

/** Features of two units that are the input itself, then logits of three classes. */
function planarModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 2));
  const same = builder.constant(float32Tensor([1, 0, 0, 1], [2, 2]), 'features.weight');
  const features = builder.node('MatMul', [x, same], { name: '/features/MatMul' });
  const weight = builder.constant(float32Tensor([1, 0, -1, 0, 1, -1], [2, 3]), 'head.weight');
  builder.addOutput(
    builder.node('MatMul', [features, weight], { outputs: ['logits'], name: '/head/MatMul' }),
    floatType('N', 3),
  );
  return builder.build();
}

describe('nearest-examples', function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder();
  const random = createRandom(51);
  const [queryCount, supportCount] = [20, 30];
  const queries = normalTensor(random, [queryCount, 2]);
  const support = normalTensor(random, [supportCount, 2]);
  const draw = (count: number): number[] => range(0, count).map(() => random.integer(3));
  const [queryLabels, supportLabels] = [draw(queryCount), draw(supportCount)];
  const environments = range(0, supportCount).map((row) => row % 2);
  const data = { model: planarModel(), feeds: { x: queries } };

  async function supportFile(): Promise<string> {
    const path = join(folder(), 'support.npz');
    await writeNpz(path, {
      x: support,
      labels: int64Tensor(supportLabels, [supportCount]),
      room: int64Tensor(environments, [supportCount]),
    });
    return path;
  }

  const distance = (query: number, row: number): number =>
    Math.hypot(
      ...[0, 1].map((i) => (queries.data[2 * query + i] as number) - (support.data[2 * row + i] as number)),
    );

  itHolds(
    47,
    'equals brute-force k-NN: neighbours and votes of 20 queries among 30 rows, k = 1, 3 and 7 (seed 51)',
    async () => {
      for (const k of [1, 3, 7]) {
        const settings = { support: await supportFile(), layer: 'features', k };
        const draft = await runAnalysisOn(nearestExamples, data, settings, { labels: queryLabels });
        const [vote, nearest] = ['vote', 'nearest'].map((name) => toFloat64(arrayOf(draft, name)));
        for (const query of range(0, queryCount)) {
          const order = range(0, supportCount)
            .sort((a, b) => distance(query, a) - distance(query, b))
            .slice(0, k);
          assert.deepEqual([...nearest!.subarray(query * k, query * k + k)], order);
          for (const label of range(0, 3)) {
            const share = order.filter((row) => supportLabels[row] === label).length / k;
            assert.ok(Math.abs(vote![query * 3 + label]! - share) < 1e-12);
          }
        }
      }
    },
  );

  itHolds(
    47,
    'accuracy of each layer is drawn, beside the model’s own, with easy and hard rows and the best λ',
    async () => {
      const draft = await runAnalysisOnSample(
        nearestExamples,
        'digits-cnn',
        { k: 5 },
        { limit: 200, seed: 3 },
      );
      const accuracy = toFloat64(arrayOf(draft, 'layerAccuracy'));
      const chart = draft.blocks.find(({ title }) => title === 'Accuracy by layer');
      assert.ok(
        chart?.type === 'chart' && chart.table.rows.length === accuracy.length && accuracy.length >= 4,
      );
      // Towards the answer the digits come apart.
      assert.ok(accuracy.at(-1)! > 0.85 && accuracy.at(-1)! > accuracy[0]!, [...accuracy].join());
      assert.ok(draft.blocks.some(({ type }) => type === 'image-grid'));
      assert.match(draft.findings[0]!.message, /easy rows/u);
      const votes = arrayOf(draft, 'vote');
      assert.deepEqual(votes.dims, [50, 10]);
    },
  );

  itHolds(
    47,
    'the best λ of a planted pair: the vote knows what the model does not, half of each is right',
    () => {
      // Two rows each of which one side alone gets wrong; at λ = ½ both are right.
      const votes = [Float64Array.of(0.9, 0.1), Float64Array.of(0.6, 0.4)];
      const model = [Float64Array.of(0.4, 0.6), Float64Array.of(0.2, 0.8)];
      const { mixtures, best } = interpolate(votes, model, [0, 1]);
      const brute = range(0, 21).map((i) => {
        const lambda = i / 20;
        const mixed = (row: number, c: number): number =>
          lambda * votes[row]![c]! + (1 - lambda) * model[row]![c]!;
        return (Number(mixed(0, 0) >= mixed(0, 1)) + Number(mixed(1, 1) > mixed(1, 0))) / 2;
      });
      assert.deepEqual(
        mixtures.map(({ accuracy }) => accuracy),
        brute,
      );
      assert.equal(best, brute.indexOf(1) / 20);
      assert.equal(mixtures[0]!.accuracy, 0.5);
      assert.equal(mixtures.at(-1)!.accuracy, 0.5);
    },
  );

  itHolds(
    39,
    'closed form on planted 2-D features: weights are the softmax of −distance / τ over the support set, within 1e-6',
    async () => {
      for (const temperature of [0.3, 2]) {
        const settings = { method: 'nw-head', support: await supportFile(), layer: 'features', temperature };
        const draft = await runAnalysisOn(nearestExamples, data, settings, { labels: queryLabels });
        const [vote, nearest, weights] = ['vote', 'nearest', 'weights'].map((name) =>
          toFloat64(arrayOf(draft, name)),
        );
        for (const query of range(0, queryCount)) {
          const raw = range(0, supportCount).map((row) => Math.exp(-distance(query, row) / temperature));
          const total = sum(supportCount, (row) => raw[row]!);
          for (const i of range(0, supportCount)) {
            const at = query * supportCount + i;
            assert.ok(Math.abs(weights![at]! - raw[nearest![at]!]! / total) < 1e-6);
          }
          for (const label of range(0, 3)) {
            const share = sum(supportCount, (row) => (supportLabels[row] === label ? raw[row]! : 0)) / total;
            assert.ok(Math.abs(vote![query * 3 + label]! - share) < 1e-6);
          }
        }
      }
    },
  );

  itHolds(
    39,
    'supports per environment: the vote of each room alone, and how often it changes the class',
    async () => {
      const settings = {
        method: 'nw-head',
        support: await supportFile(),
        layer: 'features',
        environments: 'room',
        temperature: 0.5,
      };
      const draft = await runAnalysisOn(nearestExamples, data, settings, { labels: queryLabels });
      const table = draft.blocks.find(({ title }) => title === 'Vote by environment');
      assert.ok(table?.type === 'table' && table.rows.length === 2);
      const classOf = (query: number, rows: readonly number[]): number => {
        const totals = range(0, 3).map((label) =>
          rows.reduce(
            (all, row) => all + (supportLabels[row] === label ? Math.exp(-distance(query, row) / 0.5) : 0),
            0,
          ),
        );
        return totals.indexOf(Math.max(...totals));
      };
      const all = range(0, supportCount);
      for (const [room, row] of table.rows.entries()) {
        const own = all.filter((support) => environments[support] === room);
        const changed = range(0, queryCount).filter(
          (query) => classOf(query, own) !== classOf(query, all),
        ).length;
        const right = range(0, queryCount).filter(
          (query) => classOf(query, own) === queryLabels[query],
        ).length;
        assert.equal(row['changed'], changed / queryCount);
        assert.equal(row['accuracy'], right / queryCount);
        assert.equal(row['rows'], 15);
      }
    },
  );

  it('votes alike however far a query is, and takes ties in the order of the support set', () => {
    const rows = [Float64Array.of(1, 0), Float64Array.of(0, 1), Float64Array.of(5, 5)];
    const voting = {
      labels: [0, 1, 1],
      classCount: 2,
      distance: 'euclidean',
      k: undefined,
      temperature: 1e-3,
    } as const;
    const far = voteOf(Float64Array.of(1e4, 1e4), rows, voting);
    assert.deepEqual([...far.probabilities], [0, 1]);
    const tied = voteOf(Float64Array.of(0, 0), rows, { ...voting, k: 1, temperature: undefined });
    assert.equal(tied.neighbours[0]!.support, 0);
    const turned = voteOf(Float64Array.of(2, 0), rows, {
      ...voting,
      distance: 'cosine',
      k: 1,
      temperature: undefined,
    });
    assert.ok(turned.neighbours[0]!.distance < 1e-12);
  });

  it('says what does not fit', async () => {
    const path = await supportFile();
    const run = (settings: object, options: object = { labels: queryLabels }) =>
      runAnalysisOn(nearestExamples, data, settings as Record<string, unknown>, options);
    await assert.rejects(run({ layer: 'fc9' }), isCode('unknown-layer'));
    await assert.rejects(run({ support: path, environments: 'city' }), isCode('environments-missing'));
    await assert.rejects(run({}, {}), isCode('labels-missing'));
    await assert.rejects(run({}, { labels: queryLabels, limit: 1 }), isCode('too-few-rows'));
  });
});
