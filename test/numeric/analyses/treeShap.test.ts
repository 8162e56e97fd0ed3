import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import { writeNpz } from '../../../src/data/npz.js';
import type { Model } from '../../../src/onnx/model.js';
import { type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { gameOfColumns, meanOverOrders } from '../../support/bruteShapley.js';
import { normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import {
  coverExpectation,
  type PlantedNode,
  plantedOutput,
  randomTree,
  treeModel,
} from '../../support/plantedTrees.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { isCode, linearModel, range } from '../../support/tensors.js';

const columns = 6;
// The bar of the method: leaves are float32 numbers of order one, their sums here float64, the runtime's float32.
const tolerance = 1e-6;

function forest(seed: number, targets = 1): PlantedNode[] {
  const random = createRandom(seed);
  return range(0, 5).map(() => randomTree(random, { columns, depth: 5, targets }));
}

describe('tree-shap', function () {
  this.timeout(30_000);
  const folder = useTemporaryFolder();
  const x = normalTensor(createRandom(1), [4, columns]);
  const background = normalTensor(createRandom(2), [9, columns]);

  async function backgroundFile(): Promise<string> {
    const path = join(folder(), 'background.npz');
    await writeNpz(path, { x: background });
    return path;
  }

  /** Shapley values by enumeration of the model itself, averaged over the background. */
  async function enumerated(model: Model, target: number): Promise<Float64Array[]> {
    const shares = range(0, 4).map(() => new Float64Array(columns));
    for (const start of range(0, 9)) {
      const baseline = range(0, columns).map((i) => background.data[start * columns + i] as number);
      const games = await gameOfColumns(model, x, { target, baseline });
      for (const [row, game] of games.entries()) {
        for (const [i, share] of meanOverOrders(game, columns).entries()) shares[row]![i]! += share / 9;
      }
    }
    return shares;
  }

  function assertShares(actual: TensorValue, expected: readonly Float64Array[]): void {
    const values = toFloat64(actual);
    for (const [row, shares] of expected.entries()) {
      for (const [i, share] of shares.entries()) {
        const difference = Math.abs(values[row * columns + i]! - share);
        assert.ok(
          difference < tolerance,
          `row ${row} column ${i}: ${values[row * columns + i]!}, expected ${share}`,
        );
      }
    }
  }

  const models: readonly (readonly [string, Model, number])[] = [
    ['a regressor', treeModel(forest(3), { columns, targets: 1, kind: 'regressor', baseValues: [0.5] }), 0],
    [
      'the mean of trees',
      treeModel(forest(4), { columns, targets: 1, kind: 'regressor', aggregate: 'AVERAGE' }),
      0,
    ],
    ['a regressor of two outputs', treeModel(forest(5, 2), { columns, targets: 2, kind: 'regressor' }), 1],
    ['a classifier of three', treeModel(forest(6, 3), { columns, targets: 3, kind: 'classifier' }), 2],
    ['two classes from one score', treeModel(forest(7), { columns, targets: 1, kind: 'classifier' }), 0],
    ['two classes, the second', treeModel(forest(7), { columns, targets: 1, kind: 'classifier' }), 1],
    [
      'branches by ≥',
      treeModel(forest(8), { columns, targets: 1, kind: 'regressor', mode: 'BRANCH_GTE' }),
      0,
    ],
    ['TreeEnsemble of version 5', treeModel(forest(9), { columns, targets: 1, kind: 'fifth' }), 0],
  ];
  for (const [name, model, target] of models) {
    itHolds(91, `equals enumeration over a background: ${name}`, async () => {
      const settings = { method: 'tree-shap', target: String(target), background: await backgroundFile() };
      const draft = await runAttribution(model, { x }, settings);
      assertShares(arrayOf(draft, 'attribution'), await enumerated(model, target));
      assert.ok(draft.metrics['maxCompletenessError']! < 1e-5, `${draft.metrics['maxCompletenessError']!}`);
    });
  }

  it('explains the sum of leaves before a logistic transform, as method shapley-exact does', async () => {
    const options = { columns, targets: 1, kind: 'classifier' } as const;
    const model = treeModel(forest(7), { ...options, postTransform: 'LOGISTIC' });
    const settings = { target: '1', background: await backgroundFile() };
    const draft = await runAttribution(model, { x }, { ...settings, method: 'tree-shap' });
    assertShares(arrayOf(draft, 'attribution'), await enumerated(treeModel(forest(7), options), 1));
    assert.match(draft.summary, /before its LOGISTIC/);
    const exact = await runAttribution(model, { x }, { ...settings, method: 'shapley-exact' });
    const shares = toFloat64(arrayOf(exact, 'attribution'));
    assertShares(
      arrayOf(draft, 'attribution'),
      range(0, 4).map((row) => shares.subarray(row * columns, (row + 1) * columns)),
    );
    const output = { ...settings, method: 'tree-shap', explain: 'output' };
    await assert.rejects(runAttribution(model, { x }, output), isCode('trees-transformed'));
  });

  it('gives groups of columns what enumeration of the groups gives', async () => {
    const model = treeModel(forest(3), { columns, targets: 1, kind: 'regressor' });
    const settings = { groups: 'a: 0, 3; b: 1, 5', background: await backgroundFile() };
    const trees = await runAttribution(model, { x }, { ...settings, method: 'tree-shap' });
    const exact = await runAttribution(model, { x }, { ...settings, method: 'shapley-exact' });
    const expected = toFloat64(arrayOf(exact, 'featureAttribution'));
    for (const [i, share] of toFloat64(arrayOf(trees, 'featureAttribution')).entries()) {
      assert.ok(Math.abs(share - expected[i]!) < tolerance);
    }
  });

  it('equals enumeration of both branches by cover in its path-dependent form', async () => {
    const trees = forest(11);
    const model = treeModel(trees, { columns, targets: 1, kind: 'regressor', baseValues: [0.25] });
    const draft = await runAttribution(model, { x }, { method: 'tree-shap', absence: 'path-dependent' });
    const expected = range(0, 4).map((row) => {
      const values = toFloat64(x).subarray(row * columns, (row + 1) * columns);
      const game = Float64Array.from({ length: 2 ** columns }, (_, present) =>
        trees.reduce((sum, tree) => sum + coverExpectation(tree, values, { present }), 0),
      );
      assert.ok(Math.abs(game.at(-1)! - plantedOutput(trees, values)) < 1e-12);
      return meanOverOrders(game, columns);
    });
    assertShares(arrayOf(draft, 'attribution'), expected);
    assert.ok(draft.metrics['maxCompletenessError']! < 1e-5);
    const start = trees.reduce((sum, tree) => sum + coverExpectation(tree, [], { present: 0 }), 0.25);
    assert.ok(Math.abs(draft.metrics['baselineOutput']! - start) < 1e-5);
  });

  itHolds(
    91,
    'refuses the path-dependent form where covers are missing, constant, or do not add up',
    async () => {
      const settings = { method: 'tree-shap', absence: 'path-dependent' };
      const refused = async (model: Model, text: RegExp): Promise<void> => {
        await assert.rejects(runAttribution(model, { x }, settings), text);
      };
      const options = { columns, targets: 1, kind: 'regressor' } as const;
      await refused(treeModel(forest(3), { ...options, covers: 'none' }), /stores no covers/);
      await refused(treeModel(forest(3), { ...options, covers: 'constant' }), /the same number/);
      await refused(treeModel(forest(3), { columns, targets: 1, kind: 'fifth' }), /stores no covers/);
      const leaf = { values: [1], cover: 3 };
      const odd = { feature: 0, threshold: 0, yes: leaf, no: leaf, cover: 64 };
      await refused(treeModel([odd], options), /do not add up/);
    },
  );

  it('refuses trees whose leaves are not added up, and models without trees', async () => {
    const model = treeModel(forest(3), { columns, targets: 1, kind: 'regressor', aggregate: 'MAX' });
    await assert.rejects(runAttribution(model, { x }, { method: 'tree-shap' }), isCode('trees-not-additive'));
    const linear = linearModel(normalTensor(createRandom(1), [columns, 2]));
    await assert.rejects(
      runAttribution(linear, { x }, { method: 'tree-shap' }),
      isCode('not-a-tree-ensemble'),
    );
  });
});
