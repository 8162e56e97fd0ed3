import assert from 'node:assert/strict';
import { join } from 'node:path';
import { treeEnsemble } from '../../../src/analyses/prediction/tree-ensemble.js';
import { createRandom } from '../../../src/base/random.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { describeTree, varianceGains } from '../../../src/engine/trees/describeTree.js';
import { readTreeEnsemble } from '../../../src/engine/trees/readTreeEnsemble.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { meanOverOrders } from '../../support/bruteShapley.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { samplesDir } from '../../support/paths.js';
import {
  coverExpectation,
  type PlantedNode,
  plantedOutput,
  randomTree,
  treeModel,
} from '../../support/plantedTrees.js';
import { runAnalysisOn } from '../../support/runAnalysisOn.js';
import { arrayOf, attributionContext } from '../../support/runAttribution.js';
import { isCode, range } from '../../support/tensors.js';

const [columns, rowCount] = [5, 12];
const x = normalTensor(createRandom(1), [rowCount, columns]);
// Leaves are float32 numbers of order one, added in float32 by the runtime and in float64 here.
const tolerance = 1e-5;

function forest(seed: number, targets: number): PlantedNode[] {
  const random = createRandom(seed);
  return range(0, 7).map(() => randomTree(random, { columns, depth: 4, targets }));
}

/** Asserts that start and contributions add up to what the runtime gives, output by output. */
async function assertSums(model: Model, draft: ReportDraft, output: string): Promise<void> {
  const session = await createRuntime({ provider: 'cpu' }).open(model);
  const expected = toFloat64((await session.run({ x }))[output]!);
  await session.close();
  const shares = arrayOf(draft, 'contribution');
  const [, outputs = 0, features = 0] = shares.dims;
  const starts = toFloat64(arrayOf(draft, 'outputWithoutFeatures'));
  const values = toFloat64(shares);
  for (const [i, value] of expected.entries()) {
    const own = values.subarray(i * features, (i + 1) * features);
    const sum = own.reduce((total, share) => total + share, starts[i % outputs]!);
    assert.ok(Math.abs(sum - value) < tolerance, `${i}: ${sum}, expected ${value}`);
  }
  assert.equal(expected.length, rowCount * outputs);
  assert.ok(draft.metrics['maxCompletenessError']! < tolerance);
}

describe('tree-ensemble', function () {
  this.timeout(30_000);

  itHolds(
    209,
    'loads an ai.onnx.ml regressor and classifier, and contributions sum to the output within 1e-5',
    async () => {
      const regressor = treeModel(forest(3, 2), {
        columns,
        targets: 2,
        kind: 'regressor',
        baseValues: [0.5, -1],
      });
      const classifier = treeModel(forest(4, 3), { columns, targets: 3, kind: 'classifier' });
      const fifth = treeModel(forest(5, 1), { columns, targets: 1, kind: 'fifth' });
      for (const absence of ['path-dependent', 'interventional']) {
        const draft = await runAnalysisOn(treeEnsemble, { model: regressor, feeds: { x } }, { absence });
        await assertSums(regressor, draft, regressor.graph.outputs[0]!.name);
        assert.equal(draft.metrics['treeCount'], 7);
        await assertSums(
          classifier,
          await runAnalysisOn(treeEnsemble, { model: classifier, feeds: { x } }, { absence }),
          'scores',
        );
      }
      await assertSums(
        fifth,
        await runAnalysisOn(treeEnsemble, { model: fifth, feeds: { x } }),
        fifth.graph.outputs[0]!.name,
      );
    },
  );

  it('gives every output the Shapley values that enumeration gives', async () => {
    const trees = forest(8, 2);
    const model = treeModel(trees, { columns, targets: 2, kind: 'regressor' });
    const draft = await runAnalysisOn(treeEnsemble, { model, feeds: { x } });
    const shares = toFloat64(arrayOf(draft, 'contribution'));
    for (const row of range(0, rowCount)) {
      const values = toFloat64(x).subarray(row * columns, (row + 1) * columns);
      for (const target of [0, 1]) {
        const game = Float64Array.from({ length: 2 ** columns }, (_, present) =>
          trees.reduce((sum, tree) => sum + coverExpectation(tree, values, { present, target }), 0),
        );
        for (const [feature, share] of meanOverOrders(game, columns).entries()) {
          const actual = shares[(row * 2 + target) * columns + feature]!;
          assert.ok(Math.abs(actual - share) < 1e-6, `${row} ${target} ${feature}`);
        }
        assert.ok(Math.abs(game.at(-1)! - plantedOutput(trees, values, target)) < 1e-12);
      }
    }
  });

  it('counts trees, splits, depths and the trees that heads share', async () => {
    const leaf = (...values: number[]): PlantedNode => ({ values, cover: 1 });
    const split = (feature: number, yes: PlantedNode, no: PlantedNode): PlantedNode => ({
      feature,
      threshold: 0,
      yes,
      no,
      cover: yes.cover + no.cover,
    });
    const both = split(0, leaf(1, 0, 2), split(2, leaf(0, 3, 0), leaf(0, 0, 1)));
    const policy = split(2, leaf(1, 2, 0), leaf(3, 4, 0));
    const model = treeModel([both, policy, leaf(0, 0, 5)], { columns, targets: 3, kind: 'regressor' });
    const draft = await runAnalysisOn(
      treeEnsemble,
      { model, feeds: { x } },
      { heads: 'policy: 0, 1; value: 2' },
    );
    const { metrics } = draft;
    const keys = ['treeCount', 'splitCount', 'leafCount', 'maxDepth', 'usedFeatureCount', 'featureCount'];
    assert.deepEqual(
      keys.map((key) => metrics[key]),
      [3, 3, 6, 2, 2, columns],
    );
    assert.equal(metrics['sharedTreeCount'], 1);
    assert.deepEqual([...toFloat64(arrayOf(draft, 'splitCount'))], [1, 0, 2, 0, 0]);
    const table = draft.blocks.find(({ title }) => title === 'Heads and the trees they share');
    assert(table?.type === 'table');
    assert.deepEqual(
      table.rows.map(({ head, trees, shared }) => [head, trees, shared]),
      [
        ['policy', 2, 1],
        ['value', 2, 1],
      ],
    );
    await assert.rejects(
      runAnalysisOn(treeEnsemble, { model, feeds: { x } }, { heads: 'policy: 0, 7' }),
      isCode('wrong-heads'),
    );
  });

  it('gives splits the variance of the output that they explain, which adds up to all of it in one tree', () => {
    const [tree] = forest(11, 2);
    const model = treeModel([tree!], { columns, targets: 2, kind: 'regressor' });
    const ensemble = readTreeEnsemble(model.graph.nodes[0]!);
    const leaves: { readonly values: readonly number[]; readonly cover: number }[] = [];
    const collect = (node: PlantedNode): void => {
      if ('values' in node) leaves.push(node);
      else [node.yes, node.no].forEach(collect);
    };
    collect(tree!);
    for (const [target, gains] of varianceGains(ensemble, columns).entries()) {
      const mean = leaves.reduce(
        (sum, { values, cover }) => sum + (values[target]! * cover) / tree!.cover,
        0,
      );
      const variance = leaves.reduce(
        (sum, { values, cover }) => sum + ((values[target]! - mean) ** 2 * cover) / tree!.cover,
        0,
      );
      const explained = gains.reduce((sum, gain) => sum + gain, 0);
      assert.ok(Math.abs(explained - variance) < 1e-6 * variance, `${explained}, expected ${variance}`);
    }
    assert.equal(describeTree(ensemble, ensemble.roots[0]!).leafCount, leaves.length);
  });

  it('reads the structure without data, and says what is not captured', async () => {
    const model = treeModel(forest(3, 1), { columns, targets: 1, kind: 'regressor' });
    const context = { ...attributionContext(model, { x }), data: undefined };
    const defaults = { ensemble: null, heads: null, absence: 'auto', background: 32, drawn: 1 } as const;
    const draft = await treeEnsemble.run(context, defaults);
    assert.equal(draft.evidence['maxCompletenessError']?.kind, 'not-captured');
    assert.ok(draft.blocks.some(({ type }) => type === 'tree'));
    assert.match(draft.summary, /7 trees of depth 4 at most/);
  });

  it('refuses models without trees, and the path-dependent form without covers of leaves', async () => {
    await assert.rejects(
      runAnalysisOn(treeEnsemble, { model: denseModel([columns, 3]), feeds: { x } }),
      isCode('no-trees'),
    );
    const fifth = treeModel(forest(5, 1), { columns, targets: 1, kind: 'fifth' });
    await assert.rejects(
      runAnalysisOn(treeEnsemble, { model: fifth, feeds: { x } }, { absence: 'path-dependent' }),
      /hit rates of branches and none of leaves/,
    );
  });

  it('takes the sample apart: every tree is shared, and each action mirrors the other', async () => {
    const model = await readModel(join(samplesDir, 'cart-pole-trees', 'cart-pole-trees.onnx'));
    const data = await openDataset(
      join(samplesDir, 'cart-pole-trees', 'cart-pole-trees.inspect.json'),
      model,
    );
    const context = { ...attributionContext(model, {}), data, limit: 8 };
    const settings = { ensemble: null, absence: 'auto', background: 32, drawn: 0 } as const;
    const draft = await treeEnsemble.run(context, { ...settings, heads: 'policy: 0, 1; value: 2' });
    assert.equal(draft.metrics['sharedTreeCount'], draft.metrics['treeCount']);
    assert.ok(draft.metrics['maxCompletenessError']! < tolerance);
    const shares = toFloat64(arrayOf(draft, 'contribution'));
    for (const row of range(0, 8)) {
      for (const feature of range(0, 4)) {
        // Cross-entropy of two classes pulls one score up by what it pulls the other down.
        const [left, right] = [shares[row * 12 + feature]!, shares[row * 12 + 4 + feature]!];
        assert.ok(Math.abs(left + right) < tolerance);
      }
    }
    assert.match(draft.summary, /moves policy most/);
  });
});
