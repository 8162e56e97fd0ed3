import assert from 'node:assert/strict';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { functionExplorer } from '../../../src/analyses/prediction/function-explorer.js';
import { createRandom } from '../../../src/base/random.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { inContextModel, piecewiseModel, polynomialModel } from '../../support/plantedFunctions.js';
import { runAnalysisOn, runAnalysisOnSample } from '../../support/runAnalysisOn.js';
import { arrayOf } from '../../support/runAttribution.js';
import { isCode, range, sum } from '../../support/tensors.js';

function values(draft: ReportDraft, name: string): Float64Array {
  return toFloat64(arrayOf(draft, name));
}

describe('function-explorer: slices', function () {
  this.timeout(60_000);
  const random = createRandom(11);
  const x = normalTensor(random, [12, 3]);
  const at = (row: number, column: number): number => x.data[row * 3 + column] as number;
  /** The planted function in float32. */
  const planted = (a: number, b: number, c: number): number =>
    Math.fround((a > 0.5 ? Math.fround(2 * b) : -b) + (c >= 0 ? 1 : 0));

  itHolds(
    113,
    'a planted piecewise function is drawn exactly at the grid points, for each of 12 rows and their mean',
    async () => {
      const settings = { sweep: '0, 1, 2', plane: '0, 1', gridSize: 37 };
      const draft = await runAnalysisOn(
        functionExplorer,
        { model: piecewiseModel(), feeds: { x } },
        settings,
      );
      for (const feature of [0, 1, 2]) {
        const grid = values(draft, `feature${feature}.grid`);
        assert.equal(grid.length, 37);
        const column = range(0, 12).map((row) => at(row, feature));
        assert.equal(grid[0], Math.min(...column));
        assert.equal(grid.at(-1), Math.max(...column));
        const own = range(0, 12).flatMap((row) =>
          Array.from(grid, (value) =>
            planted(
              ...([0, 1, 2].map((i) => (i === feature ? value : at(row, i))) as [number, number, number]),
            ),
          ),
        );
        // Not one bit may differ: the tolerance is 0.
        assert.deepEqual([...values(draft, `feature${feature}.individual`)], own);
        const mean = Array.from(grid, (_, i) => sum(12, (row) => own[row * 37 + i]!) / 12);
        assert.deepEqual([...values(draft, `feature${feature}.partialDependence`)], mean);
      }
      const [first, second] = [values(draft, 'plane.first'), values(draft, 'plane.second')];
      const plane = values(draft, 'plane.values');
      for (const [i, a] of first.entries()) {
        for (const [j, b] of second.entries()) {
          const mean = sum(12, (row) => planted(a, b, at(row, 2))) / 12;
          assert.ok(Math.abs(plane[i * second.length + j]! - mean) < 1e-12);
        }
      }
    },
  );

  it('cuts a plane through one row when asked to', async () => {
    const settings = { sweep: '0', plane: '1, 2', row: 4, gridSize: 9 };
    const draft = await runAnalysisOn(functionExplorer, { model: piecewiseModel(), feeds: { x } }, settings);
    const [first, second] = [values(draft, 'plane.first'), values(draft, 'plane.second')];
    const expected = [...first].flatMap((b) => [...second].map((c) => planted(at(4, 0), b, c)));
    assert.deepEqual([...values(draft, 'plane.values')], expected);
  });

  it('chooses the features that move the output most, and sees whether rows agree on them', async () => {
    // Column 1 adds in every row alike; columns 3 and 4 only multiply each other; 0, 2 and 5 are not read.
    const model = polynomialModel(6, [
      [3, 1],
      [2, 3, 4],
    ]);
    const draft = await runAnalysisOn(functionExplorer, {
      model,
      feeds: { x: normalTensor(random, [20, 6]) },
    });
    const swept = Object.keys(draft.arrays).flatMap((name) => /^feature(\d+)\.grid$/u.exec(name)?.[1] ?? []);
    assert.deepEqual(swept.slice(0, 3).sort(), ['1', '3', '4']);
    const table = draft.blocks.find((block) => block.type === 'table');
    assert.ok(table?.type === 'table');
    const heterogeneity = new Map(table.rows.map((row) => [row['name'], Number(row['heterogeneity'])]));
    assert.ok(heterogeneity.get('x[1]')! < 1e-6);
    assert.ok(heterogeneity.get('x[3]')! > 0.8 && heterogeneity.get('x[4]')! > 0.8);
    assert.match(draft.findings[0]!.message, /x\[3\]|x\[4\]/u);
  });

  it('sweeps a category over its own values, and a feature of several elements by what it is multiplied by', async () => {
    const model = polynomialModel(3, [
      [1, 0],
      [5, 1],
      [2, 2],
    ]);
    const flags = float32Tensor([0, 1, 7, 1, 2, 7, 0, 3, 7], [3, 3]);
    const data = { model, feeds: { x: flags }, columnNames: ['flag', 'size', 'constant'] };
    const draft = await runAnalysisOn(functionExplorer, data, {
      sweep: 'flag, pair',
      groups: 'pair: size, constant',
    });
    assert.deepEqual([...values(draft, 'feature1.grid')], [0, 1]);
    const factors = values(draft, 'feature0.grid');
    assert.deepEqual([factors[0], factors.at(-1)], [0, 2]);
    const first = values(draft, 'feature0.individual').subarray(0, factors.length);
    for (const [i, factor] of factors.entries()) assert.ok(Math.abs(first[i]! - factor * (5 + 14)) < 1e-5);
    // One that does not vary is swept by one to either side.
    const lone = await runAnalysisOn(functionExplorer, data, {
      sweep: 'constant',
      plane: 'none',
      gridSize: 3,
    });
    assert.deepEqual([...values(lone, 'feature2.grid')], [6, 7, 8]);
  });

  it('looks at one class in all rows: the one that most are predicted as', async () => {
    const model = denseModel([4, 8, 3]);
    const rows = normalTensor(createRandom(2), [30, 4]);
    const draft = await runAnalysisOn(
      functionExplorer,
      { model, feeds: { x: rows } },
      { sweep: '0', plane: 'none' },
    );
    assert.match(draft.summary, /class [0-2] of output "logits"/u);
    const other = await runAnalysisOn(
      functionExplorer,
      { model, feeds: { x: rows } },
      { sweep: '0', plane: 'none', target: '1' },
    );
    assert.match(other.summary, /class 1 of output "logits"/u);
  });

  it('says what does not fit', async () => {
    const data = { model: piecewiseModel(), feeds: { x } };
    const run = (settings: object, feeds = data.feeds) =>
      runAnalysisOn(functionExplorer, { ...data, feeds }, settings as Record<string, unknown>);
    await assert.rejects(run({ sweep: 'age' }), isCode('unknown-feature'));
    await assert.rejects(run({ plane: '1' }), isCode('plane-needs-two'));
    await assert.rejects(run({ row: 12 }), isCode('no-such-row'));
    await assert.rejects(run({ from: 2, to: 1 }), isCode('empty-sweep'));
    await assert.rejects(run({ view: 'training-size' }), isCode('query-missing'));
    await assert.rejects(run({ query: 'rows' }), isCode('unknown-input'));
    await assert.rejects(run({ query: 'x' }), isCode('query-is-no-table'));
    await assert.rejects(run({ view: 'response-curves' }), isCode('no-channels'));
    await assert.rejects(run({}, { x: float32Tensor([], [0, 3]) }), isCode('no-rows'));
    const nan = float32Tensor(new Float32Array(6).fill(NaN), [2, 3]);
    await assert.rejects(run({}, { x: nan }), isCode('no-finite-value'));
    assert.equal((await run({}, { x: float32Tensor([1, 2, 3], [1, 3]) })).metrics['sweptCount'], 3);
  });
});

describe('function-explorer: models that learn in context', function () {
  this.timeout(60_000);
  const random = createRandom(21);
  const [trainCount, queryCount] = [12, 7];
  const rows = normalTensor(random, [2, trainCount, 2]);
  const labels = range(0, 2 * trainCount).map(() => random.integer(2));
  const queries = normalTensor(random, [2, queryCount, 2]);
  const feeds = {
    x_train: rows,
    y_train: float32Tensor(
      labels.flatMap((label) => [1 - label, label]),
      [2, trainCount, 2],
    ),
    x_query: queries,
  };

  /** The planted answer in float64, from some of the training rows of a table. */
  function planted(table: number, query: readonly number[], trainRows: readonly number[]): number[] {
    const weights = trainRows.map((row) => {
      const from = (table * trainCount + row) * 2;
      return Math.exp(
        2 * (query[0]! * (rows.data[from] as number) + query[1]! * (rows.data[from + 1] as number)),
      );
    });
    const total = sum(weights.length, (i) => weights[i]!);
    const second =
      sum(weights.length, (i) => weights[i]! * labels[table * trainCount + trainRows[i]!]!) / total;
    return [1 - second, second];
  }

  itHolds(
    113,
    'in-context models: the training set is held while the query rows sweep, within 1e-5 of the planted kernel',
    async () => {
      const settings = { query: 'x_query', table: 1, target: '1', gridSize: 15 };
      const draft = await runAnalysisOn(functionExplorer, { model: inContextModel(), feeds }, settings, {
        batchSize: 4,
      });
      for (const feature of [0, 1]) {
        const grid = values(draft, `feature${feature}.grid`);
        const individual = values(draft, `feature${feature}.individual`);
        assert.deepEqual(arrayOf(draft, `feature${feature}.individual`).dims, [queryCount, grid.length]);
        for (const row of range(0, queryCount)) {
          for (const [i, value] of grid.entries()) {
            const query = [0, 1].map((column) => queries.data[(queryCount + row) * 2 + column] as number);
            query[feature] = value;
            const [, expected = NaN] = planted(1, query, range(0, trainCount));
            assert.ok(Math.abs(individual[row * grid.length + i]! - expected) < 1e-5);
          }
        }
      }
    },
  );

  itHolds(
    113,
    'a sweep of training set size draws the function that each subset gives (12 rows, seed 5, within 1e-5)',
    async () => {
      const settings = {
        view: 'training-size',
        query: 'x_query',
        target: '1',
        sweep: '1',
        sizes: '3,12',
        repeats: 4,
        gridSize: 9,
      };
      const draft = await runAnalysisOn(functionExplorer, { model: inContextModel(), feeds }, settings, {
        seed: 5,
      });
      const grid = values(draft, 'grid');
      const again = createRandom(5);
      const meanFor = (subset: readonly number[]): number[] =>
        Array.from(
          grid,
          (value) =>
            sum(queryCount, (row) => planted(0, [queries.data[row * 2] as number, value], subset)[1]!) /
            queryCount,
        );
      const three = range(0, 4).map(() => meanFor([...again.permutation(trainCount)].slice(0, 3)));
      const bySize = values(draft, 'bySize');
      const whole = meanFor(range(0, trainCount));
      for (const i of grid.keys()) {
        assert.ok(Math.abs(bySize[i]! - sum(4, (r) => three[r]![i]!) / 4) < 1e-5);
        assert.ok(Math.abs(bySize[grid.length + i]! - whole[i]!) < 1e-5);
      }
      const squares = sum(4, (r) => sum(grid.length, (i) => (three[r]![i]! - whole[i]!) ** 2));
      const distance = values(draft, 'distance');
      assert.ok(Math.abs(distance[0]! - Math.sqrt(squares / 4 / grid.length)) < 1e-5);
      assert.ok(distance[1]! < 1e-6);
    },
  );

  it('answers rows one by one where they see each other, and says so', async () => {
    const settings = { query: 'x_query', sweep: '0', plane: 'none', target: '0', gridSize: 5 };
    const draft = await runAnalysisOn(
      functionExplorer,
      { model: inContextModel({ seesQueries: true }), feeds },
      settings,
    );
    assert.ok(draft.warnings.some((warning) => warning.includes('see each other')));
    const grid = values(draft, 'feature0.grid');
    const individual = values(draft, 'feature0.individual');
    const query = [grid[2]!, queries.data[1] as number];
    const expected = planted(0, query, range(0, trainCount))[0]! + grid[2]!;
    assert.ok(Math.abs(individual[2]! - expected) < 1e-5);
  });

  it('measures how well the rows left out are answered, on the trained sample', async () => {
    const settings = { view: 'training-size', query: 'x_query', repeats: 3, gridSize: 5, sizes: '5,20,40' };
    const draft = await runAnalysisOnSample(functionExplorer, 'in-context', settings, { limit: 6 });
    const accuracy = values(draft, 'accuracy');
    assert.ok(
      accuracy.subarray(0, 2).every((share) => share > 0.5 && share <= 1),
      [...accuracy].join(),
    );
    // All of the 40 rows leave none out.
    assert.ok(Number.isNaN(accuracy[2]));
    assert.equal(draft.metrics['leftOutAccuracy'], accuracy[1]);
    assert.doesNotMatch(JSON.stringify([draft.summary, draft.blocks]), /NaN/u);
  });

  it('says what does not fit', async () => {
    const run = (settings: object) =>
      runAnalysisOn(functionExplorer, { model: inContextModel(), feeds }, { query: 'x_query', ...settings });
    await assert.rejects(run({ table: 2 }), isCode('no-such-sample'));
    await assert.rejects(run({ target: '2' }), isCode('unknown-target'));
    await assert.rejects(run({ output: 'logits' }), isCode('no-answers'));
    await assert.rejects(run({ view: 'training-size', sizes: '13' }), isCode('size-out-of-range'));
  });
});
