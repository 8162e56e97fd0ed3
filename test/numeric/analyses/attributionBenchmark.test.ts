import assert from 'node:assert/strict';
import { join } from 'node:path';
import { attributionBenchmark } from '../../../src/analyses/prediction/attribution-benchmark.js';
import { benchmark, type BenchmarkResult } from '../../../src/analyses/prediction/benchmark/benchmark.js';
import { type Candidate, candidatesOf } from '../../../src/analyses/prediction/benchmark/candidates.js';
import { failingSanity } from '../../../src/analyses/prediction/benchmark/findings.js';
import type { MeasureName } from '../../../src/analyses/prediction/benchmark/measureNames.js';
import {
  type BenchmarkSettings,
  benchmarkSettings,
} from '../../../src/analyses/prediction/benchmark/settings.js';
import { localScores } from '../../../src/analyses/prediction/attribution/localScores.js';
import { rowOf } from '../../../src/analyses/prediction/attribution/points.js';
import { writeNpz } from '../../../src/data/npz.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { imageModel } from '../../support/imageModel.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { runAnalysisOn } from '../../support/runAnalysisOn.js';
import { attributionContext, type RunOptions } from '../../support/runAttribution.js';
import { isCode, linearModel, range, sum } from '../../support/tensors.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

// Float32 sums of some ten terms of order one: relative rounding 1e-7 each.
const rounding = 5e-6;

/** Methods whose scores add up to f(x) − f(b), exactly so on a linear model. */
const additive = [
  'integrated-gradients',
  'expected-gradients',
  'deeplift-rescale',
  'deeplift-revealcancel',
  'deeplift-shap',
  'occlusion',
  'feature-ablation',
  'shapley-exact',
  'shapley-sampling',
  'kernel-shap',
];

const baseline = 0.25;

function settingsWith(changes: Readonly<Record<string, unknown>>): BenchmarkSettings {
  const defaults = Object.entries(benchmarkSettings).map(([key, setting]) => [key, setting.default]);
  return { ...Object.fromEntries(defaults), ...changes } as BenchmarkSettings;
}

/** What a benchmark found, in full. */
function resultOf(
  data: { readonly model: Model; readonly x: TensorValue },
  changes: Readonly<Record<string, unknown>>,
  options: RunOptions & { readonly candidates?: readonly Candidate[] } = {},
): Promise<BenchmarkResult> {
  const settings = settingsWith(changes);
  const context = attributionContext(data.model, { x: data.x }, options);
  const candidates = options.candidates ?? candidatesOf(settings);
  return benchmark(context, settings, { candidates, use: (result) => result });
}

function valuesOf(result: BenchmarkResult, measure: MeasureName, method: string): Float64Array {
  const index = result.entrants.findIndex(({ candidate }) => candidate.name === method);
  const standing = result.standings.get(measure)?.[index];
  assert.ok(standing !== undefined, `${measure} of ${method}`);
  return standing.values;
}

function assertAll(values: ArrayLike<number>, expected: (row: number) => number, tolerance = rounding): void {
  for (const [row, value] of Array.from(values).entries()) {
    const wanted = expected(row);
    assert.ok(Math.abs(value - wanted) <= tolerance, `row ${row}: ${value}, expected ${wanted}`);
  }
}

describe('attribution-benchmark', function () {
  this.timeout(120_000);
  const folder = useTemporaryFolder();
  const random = createRandom(21);
  const [rowCount, featureCount] = [6, 5];
  const weight = normalTensor(random, [featureCount, 3]);
  const x = normalTensor(random, [rowCount, featureCount]);
  const linear = { model: linearModel(weight), x };
  const w = (feature: number): number => weight.data[feature * 3 + 1] as number;
  /** w ⊙ (x − b) of the explained class 1. */
  const share = (row: number, feature: number): number =>
    ((x.data[row * featureCount + feature] as number) - baseline) * w(feature);
  const planted = {
    methods: ['gradient', ...additive].join(','),
    target: '1',
    baseline: String(baseline),
    score: 'value',
    points: featureCount,
  };

  itHolds(
    179,
    'gives w for the gradient and w ⊙ (x − b) for every exact additive method on a planted linear model, the same for the same seed',
    async () => {
      const result = await resultOf(linear, { ...planted, measures: 'sparseness' }, { seed: 7 });
      assert.deepEqual(result.leftOut, []);
      for (const { candidate, maps } of result.entrants) {
        const isGradient = candidate.name === 'gradient';
        for (const [i, shown] of maps.shown.entries()) {
          const [row, feature] = [Math.floor(i / featureCount), i % featureCount];
          const expected = isGradient ? w(feature) : share(row, feature);
          assert.ok(Math.abs(shown - expected) <= rounding, `${candidate.name}: ${shown}, ${expected}`);
        }
      }
      // At least nine methods, some that draw, on a network that is not linear.
      const data = { model: denseModel([6, 12, 3], 'Tanh', 4), feeds: { x: normalTensor(random, [5, 6]) } };
      const masks = join(folder(), 'anywhere.npz');
      await writeNpz(masks, {
        masks: float32Tensor(
          range(0, 30).map((i) => i % 2),
          [5, 6],
        ),
      });
      const settings = {
        methods: `${planted.methods},smoothgrad,rise,lime,input-x-gradient`,
        measures: 'insertion,deletion,pointing-game,sensitivity-n,infidelity,max-sensitivity,sparseness',
        masks,
        samples: 60,
        repeatedRows: 2,
      };
      // Shuffling weights takes a model for each method and stage: two methods show that it draws from the seed.
      const shuffled = { methods: 'gradient,rise', measures: 'randomisation', samples: 60 };
      for (const each of [settings, shuffled]) {
        const runs = [7, 7, 8].map((seed) => runAnalysisOn(attributionBenchmark, data, each, { seed }));
        const [one, two, three] = (await Promise.all(runs)).map(({ metrics, arrays }) =>
          JSON.stringify([
            metrics,
            Object.entries(arrays).map(([name, { value }]) => [name, [...toFloat64(value)]]),
          ]),
        );
        assert.equal(one, two);
        assert.notEqual(one, three);
      }
    },
  );

  it('meets the closed forms of insertion and deletion on a linear model', async () => {
    const result = await resultOf(linear, { ...planted, measures: 'insertion,deletion' });
    const atBaseline = sum(featureCount, (i) => baseline * w(i));
    // With every position a step of its own the area under the steps is a weighted sum of the shares in their order.
    const area = (row: number, order: readonly number[]): number =>
      sum(featureCount, (place) => share(row, order[place]!) * ((featureCount - place - 0.5) / featureCount));
    const whole = (row: number): number => sum(featureCount, (i) => share(row, i));
    for (const { candidate } of result.entrants) {
      const orderOf = (row: number): number[] =>
        range(0, featureCount).sort((a, b) =>
          candidate.name === 'gradient' ? Math.abs(w(b)) - Math.abs(w(a)) : share(row, b) - share(row, a),
        );
      const insertion = valuesOf(result, 'insertion', candidate.name);
      assertAll(insertion, (row) => atBaseline + area(row, orderOf(row)));
      const deletion = valuesOf(result, 'deletion', candidate.name);
      assertAll(deletion, (row) => atBaseline + whole(row) - area(row, orderOf(row)));
    }
  });

  it('finds that exact shares explain every hidden set, and that a constant gradient never moves', async () => {
    const result = await resultOf(linear, {
      ...planted,
      measures: 'sensitivity-n,infidelity,max-sensitivity',
    });
    for (const { candidate } of result.entrants) {
      assertAll(valuesOf(result, 'sensitivity-n', candidate.name), () => 1);
      assertAll(valuesOf(result, 'infidelity', candidate.name), () => 0);
    }
    assertAll(valuesOf(result, 'max-sensitivity', 'gradient'), () => 0, 0);
  });

  it('finds the change of w ⊙ x when x moves: within its bound, and twice as large for twice the radius', async () => {
    const settings = { ...planted, methods: 'input-x-gradient', measures: 'max-sensitivity' };
    const [narrow, wide] = await Promise.all(
      [0.01, 0.02].map(async (radius) =>
        valuesOf(await resultOf(linear, { ...settings, radius }), 'max-sensitivity', 'input-x-gradient'),
      ),
    );
    for (const row of range(0, rowCount)) {
      const values = [...(x.data.slice(row * featureCount, (row + 1) * featureCount) as Float32Array)];
      const reach = 0.01 * (Math.max(...values) - Math.min(...values));
      const size = Math.hypot(...values.map((value, i) => value * w(i)));
      const most = (reach * Math.hypot(...range(0, featureCount).map(w))) / size;
      assert.ok(narrow![row]! > 0 && narrow![row]! <= most * (1 + 1e-4));
      assert.ok(Math.abs(wide![row]! / narrow![row]! - 2) < 1e-3);
    }
  });

  it('draws the same for a method, whoever else takes part', async () => {
    const shownOf = async (methods: string): Promise<readonly number[]> => {
      const { entrants } = await resultOf(linear, { ...planted, methods, measures: 'sparseness' });
      return [...entrants.find(({ candidate }) => candidate.name === 'rise')!.maps.shown];
    };
    assert.deepEqual(await shownOf('rise'), await shownOf('lime,smoothgrad,rise'));
  });

  describe('the sanity check', () => {
    const dense = { model: denseModel([100, 32, 4], 'Relu', 3), x: normalTensor(random, [8, 100]) };
    const settings = { methods: 'gradient,integrated-gradients', measures: 'randomisation' };

    it('is failed by scores that come from the input alone, with a correlation of 1', async () => {
      const [gradient] = candidatesOf(settingsWith(settings));
      const blind: Candidate = {
        ...gradient!,
        name: 'blind',
        method: {
          ...gradient!.method,
          title: 'Blind',
          attribute: async (problem) => {
            const found = await localScores(problem);
            const scores = found.scores.map((each) => {
              const data = new Float64Array(each.data.length);
              for (const row of range(0, problem.rows.count)) {
                data.set(rowOf(problem.inputs[0]!, row), row * 100);
              }
              return { ...each, data };
            });
            return { scores, isComplete: false };
          },
        },
      };
      const candidates = [...candidatesOf(settingsWith(settings)), blind];
      const result = await resultOf(dense, settings, { candidates });
      assertAll(valuesOf(result, 'randomisation', 'blind'), () => 1);
      assert.deepEqual(failingSanity(result), [2]);
      assert.deepEqual(
        result.repeated.stages.map(({ downTo, layerCount }) => [downTo, layerCount]),
        [
          ['fc2', 1],
          ['fc1', 2],
        ],
      );
    });

    it('is passed by scores that come from the weights', async () => {
      const result = await resultOf(dense, settings);
      for (const { mean } of result.standings.get('randomisation')!) {
        // Of 100 positions unrelated orders have a deviation of 0.1 in a row; rows share the weights.
        assert.ok(Math.abs(mean) < 0.3, String(mean));
      }
      assert.deepEqual(failingSanity(result), []);
    });

    it('is not made on a model without weights, and says so', async () => {
      const builder = new GraphBuilder(emptyModel());
      builder.addOutput(builder.node('Relu', [builder.addInput('x', floatType('N', 4))], { outputs: ['y'] }));
      const bare = { model: builder.build(), x: normalTensor(random, [3, 4]) };
      const result = await resultOf(bare, { ...settings, measures: 'randomisation,sparseness' });
      assert.match(result.notMeasured.get('randomisation') ?? '', /no layer whose weights/);
      assert.deepEqual([...result.standings.keys()], ['sparseness']);
    });
  });

  describe('the pointing game', () => {
    const settings = {
      ...planted,
      methods: 'integrated-gradients,gradient',
      measures: 'pointing-game,sparseness',
    };
    const best = (row: number): number =>
      range(0, featureCount).sort((a, b) => share(row, b) - share(row, a))[0]!;

    it('is won by who points into the masks', async () => {
      const inside = float32Tensor(
        range(0, rowCount * featureCount).map((i) =>
          Number(i % featureCount === best(Math.floor(i / featureCount))),
        ),
        [rowCount, featureCount],
      );
      const path = join(folder(), 'masks.npz');
      await writeNpz(path, { masks: inside });
      const result = await resultOf(linear, { ...settings, masks: path });
      assertAll(valuesOf(result, 'pointing-game', 'integrated-gradients'), () => 1, 0);
      const steepest = range(0, featureCount).sort((a, b) => Math.abs(w(b)) - Math.abs(w(a)))[0];
      assertAll(valuesOf(result, 'pointing-game', 'gradient'), (row) => Number(best(row) === steepest), 0);
      assert.equal(result.chance, 1 / featureCount);
    });

    it('is left out with a reason where there are no masks, and refused where nothing else is asked for', async () => {
      const data = { model: linear.model, feeds: { x } };
      const draft = await runAnalysisOn(attributionBenchmark, data, settings);
      assert.match(draft.evidence['bestPointingGame']?.how ?? '', /masks/);
      assert.ok('sparseness' in draft.arrays);
      const alone = { ...settings, measures: 'pointing-game' };
      await assert.rejects(runAnalysisOn(attributionBenchmark, data, alone), isCode('masks-not-given'));
    });

    it('refuses masks of another shape or name', async () => {
      const path = join(folder(), 'masks.npz');
      await writeNpz(path, { masks: float32Tensor([0, 1], [1, 2]) });
      await assert.rejects(resultOf(linear, { ...settings, masks: path }), isCode('masks-shape'));
      await writeNpz(path, { mask: float32Tensor([0, 1], [1, 2]) });
      await assert.rejects(resultOf(linear, { ...settings, masks: path }), isCode('masks-missing'));
      await assert.rejects(resultOf(linear, { ...settings, masks: 'none.npy' }), isCode('masks-unreadable'));
    });
  });

  it('compares on images, over which the maps of layers are enlarged', async () => {
    const data = { model: imageModel(), feeds: { x: normalTensor(random, [3, 3, 8, 8]) } };
    const draft = await runAnalysisOn(attributionBenchmark, data, { points: 8 });
    assert.equal(draft.metrics['methodCount'], 12);
    assert.deepEqual(draft.arrays['scores']?.value.dims, [12, 64]);
    const overlay = draft.blocks.find(({ type }) => type === 'overlay');
    assert.ok(overlay?.type === 'overlay' && overlay.items.length === 12);
    assert.match(draft.summary, /^Of 12 methods on 3 samples, .* is best by /);
  });

  it('names methods that do not fit, and refuses a choice of which none does', async () => {
    const data = { model: denseModel([6, 8, 3], 'Relu', 2), feeds: { x: normalTensor(random, [1, 6]) } };
    const draft = await runAnalysisOn(attributionBenchmark, data, { methods: 'gradient,grad-cam,cam' });
    assert.equal(draft.metrics['leftOutCount'], 2);
    const table = draft.blocks.find((block) => block.type === 'table' && block.title === 'Left out');
    assert.ok(table?.type === 'table');
    assert.match(String(table.rows[0]?.['reason']), /no layer with spatial positions/);
    const none = runAnalysisOn(attributionBenchmark, data, { methods: 'grad-cam' });
    await assert.rejects(none, isCode('no-method-fits'));
    const unknown = runAnalysisOn(attributionBenchmark, data, { methods: 'grad-cas' });
    await assert.rejects(unknown, isCode('unknown-name'));
  });
});
