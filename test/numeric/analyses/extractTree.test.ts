import assert from 'node:assert/strict';
import vm from 'node:vm';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { extractTree } from '../../../src/analyses/prediction/extract-tree.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { runAnalysisOn, runAnalysisOnSample } from '../../support/runAnalysisOn.js';
import { arrayOf } from '../../support/runAttribution.js';
import { isCode, range } from '../../support/tensors.js';

function extract(
  model: Model,
  width: number,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<ReportDraft> {
  return runAnalysisOn(
    extractTree,
    { model, feeds: { x: normalTensor(createRandom(2), [50, width]) } },
    settings,
  );
}

/** Evaluates the tree from the report's arrays alone; undefined where it was not grown. */
function evaluate(draft: ReportDraft, x: ArrayLike<number>): number[] | undefined {
  const [weights, bias] = [arrayOf(draft, 'splitWeights'), toFloat64(arrayOf(draft, 'splitBias'))];
  const children = toFloat64(arrayOf(draft, 'children'));
  const leaves = arrayOf(draft, 'leafWeights');
  const [leafCount = 0, outputs = 0, size = 0] = leaves.dims;
  const [splitValues, leafValues] = [toFloat64(weights), toFloat64(leaves)];
  const form = (values: Float64Array, at: number, base: number): number =>
    range(0, size).reduce((sum, i) => sum + values[at * size + i]! * x[i]!, base);
  let node = bias.length === 0 ? -1 : 0;
  while (node >= 0) node = children[2 * node + (form(splitValues, node, bias[node]!) <= 0 ? 0 : 1)]!;
  const leaf = -1 - node;
  if (leaf >= leafCount) return undefined;
  const leafBias = toFloat64(arrayOf(draft, 'leafBias'));
  return range(0, outputs).map((i) => form(leafValues, leaf * outputs + i, leafBias[leaf * outputs + i]!));
}

describe('extract-tree', function () {
  this.timeout(60_000);

  itHolds(53, 'gives what the network gives on 10,000 points to 1e-5', async () => {
    const model = denseModel([3, 6, 5, 2], 'Relu', 7);
    const draft = await extract(model, 3, { maxLeaves: 5000, domain: '-3, 3' });
    assert.equal(draft.metrics['openCount'], 0);
    assert.ok(draft.metrics['maxError']! < 1e-5, String(draft.metrics['maxError']));
    const random = createRandom(99);
    const points = float32Tensor(
      Float32Array.from({ length: 30_000 }, () => 6 * random.next() - 3),
      [10_000, 3],
    );
    const session = await createRuntime({ provider: 'cpu' }).open(model);
    const expected = toFloat64((await session.run({ x: points }))['logits']!);
    await session.close();
    for (const row of range(0, 10_000)) {
      const actual = evaluate(draft, (points.data as Float32Array).subarray(3 * row, 3 * row + 3));
      for (const [i, value] of actual!.entries()) {
        assert.ok(
          Math.abs(value - expected[2 * row + i]!) < 1e-5,
          `row ${row}: ${value}, ${expected[2 * row + i]!}`,
        );
      }
    }
    // Far fewer than the 2¹¹ patterns that 11 units could take: the others are empty.
    assert.ok(draft.metrics['leafCount']! < 2 ** 10 && draft.metrics['leafCount']! > 20);
  });

  itHolds(
    53,
    'finds the seven regions that the sample power-tariff was planted with, and their prices',
    async () => {
      const draft = await runAnalysisOnSample(extractTree, 'power-tariff', { points: 1000 });
      // Two tiers by day times two by night; the rebate halves what is above 1.2 in all of them but the cheapest.
      const { leafCount, openCount, regionsMet, coverage, maxError } = draft.metrics;
      assert.deepEqual([leafCount, openCount, regionsMet, coverage], [7, 0, 7, 1]);
      // Bills are of order one: float32 rounding of a handful of terms.
      assert.ok(maxError! < 1e-5, String(maxError));
      const prices = toFloat64(arrayOf(draft, 'leafWeights'));
      const found = range(0, 7).map((leaf) =>
        [prices[2 * leaf]!, prices[2 * leaf + 1]!].map((price) => price.toFixed(4)).join(' by day, '),
      );
      const planted = [0.3, 0.4].flatMap((day) => [0.2, 0.35].map((night) => [day, night]));
      const expected = planted.flatMap(([day, night]) => {
        const of = (share: number): string =>
          [share * day!, share * night!].map((price) => price.toFixed(4)).join(' by day, ');
        return day === 0.3 && night === 0.2 ? [of(1)] : [of(1), of(0.5)];
      });
      assert.deepEqual(found.sort(), expected.sort());
    },
  );

  it('counts the regions of a planted network: two crossing lines make four', async () => {
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', 2));
    const relu = builder.node('Relu', [input]);
    builder.addOutput(
      builder.node('MatMul', [relu, builder.constant(float32Tensor([1, 2], [2, 1]))]),
      floatType('N', 1),
    );
    const crossing = await extract(builder.build(), 2, { domain: '-1, 1' });
    assert.deepEqual(
      [crossing.metrics['leafCount'], crossing.metrics['splitCount'], crossing.metrics['regionsMet']],
      [4, 3, 4],
    );
    const positive = await extract(builder.build(), 2, { domain: '0.5, 1' });
    assert.deepEqual([positive.metrics['leafCount'], positive.metrics['removedCount']], [1, 2]);
    assert.deepEqual([...toFloat64(arrayOf(positive, 'leafWeights'))], [1, 2]);
  });

  it('leaves out branches that only a linear program finds empty', async () => {
    // Above x ≥ 0 and y ≥ 0 (units 0 and 1), x + y ≥ −0.1 has one answer, although the box and each unit alone allow two.
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', 2));
    const weight = builder.constant(float32Tensor([1, 0, 1, 0, 1, 1], [2, 3]));
    const bias = builder.constant(float32Tensor([0, 0, 0.1], [3]));
    const hidden = builder.node('Relu', [builder.node('Gemm', [input, weight, bias])]);
    builder.addOutput(
      builder.node('MatMul', [hidden, builder.constant(float32Tensor([1, 1, 1], [3, 1]))]),
      floatType('N', 1),
    );
    const draft = await extract(builder.build(), 2, { domain: '-1, 1' });
    // Three lines cut the square into 7 parts, the small triangle between them included.
    assert.equal(draft.metrics['leafCount'], 7);
    assert.ok(draft.metrics['removedCount']! >= 1);
  });

  it('takes activations of two and three pieces, convolutions and skip connections', async () => {
    for (const activation of ['LeakyRelu', 'HardSigmoid', 'Abs', 'Clip'] as const) {
      const builder = new GraphBuilder(emptyModel());
      const input = builder.addInput('x', floatType('N', 1, 1, 6));
      const kernel = builder.constant(normalTensor(createRandom(3), [2, 1, 1, 3], 0.5));
      const conv = builder.node('Conv', [input, kernel], { attributes: { pads: [0, 1, 0, 1] } });
      const act =
        activation === 'Clip'
          ? builder.node('Clip', [conv, builder.scalar(-0.5), builder.scalar(0.5)])
          : builder.node(activation, [conv]);
      const flat = builder.node('Flatten', [builder.node('Add', [act, input])]);
      builder.addOutput(
        builder.node('Gemm', [
          flat,
          builder.constant(normalTensor(createRandom(4), [12, 2], 0.3)),
          builder.constant(float32Tensor([0.1, 0], [2])),
        ]),
        floatType('N', 2),
      );
      const feeds = { x: normalTensor(createRandom(2), [30, 1, 1, 6], 0.5) };
      const draft = await runAnalysisOn(
        extractTree,
        { model: builder.build(), feeds },
        { maxLeaves: 300, points: 2000 },
      );
      assert.ok(draft.metrics['maxError']! < 1e-5, `${activation} ${draft.metrics['maxError']}`);
      assert.equal(draft.metrics['coverage'] === 1 || draft.metrics['openCount']! > 0, true);
    }
  });

  it('says what it did not grow, and is exact where it did', async () => {
    const draft = await extract(denseModel([4, 20, 20, 2], 'Relu', 5), 4, { maxLeaves: 20, points: 500 });
    assert.ok(draft.metrics['openCount']! > 0);
    assert.ok(draft.metrics['leafCount']! + draft.metrics['openCount']! <= 20);
    assert.match(draft.summary, /^A part of the network’s tree/);
    assert.match(draft.findings[0]?.message ?? '', /not grown/);
    assert.ok(draft.metrics['maxError'] === undefined || draft.metrics['maxError'] < 1e-5);
  });

  it('writes code that runs and gives the same, and DOT with every node', async () => {
    const model = denseModel([2, 4, 2], 'Relu', 9);
    const draft = await extract(model, 2, { language: 'javascript' });
    const textOf = (title: string): string => {
      const block = draft.blocks.find((each) => each.title === title);
      assert(block?.type === 'markdown');
      return block.text.split('\n').slice(1, -1).join('\n');
    };
    const network = vm.runInNewContext(`${textOf('The tree in JavaScript')}; network`) as (
      x: number[],
    ) => number[];
    for (const point of [
      [0.1, -0.2],
      [-1, 0.5],
      [0.7, 0.9],
    ]) {
      const expected = evaluate(draft, point)!;
      for (const [i, value] of network(point).entries()) assert.ok(Math.abs(value - expected[i]!) < 1e-5);
    }
    const nodes = textOf('The tree in DOT').match(/^ {2}n\d+ \[label="/gmu) ?? [];
    assert.equal(nodes.length, draft.metrics['leafCount']! + draft.metrics['splitCount']!);
  });

  it('refuses what has no exact tree, naming the operator', async () => {
    await assert.rejects(extract(denseModel([2, 3, 2], 'Tanh'), 2), /at Tanh/);
    await assert.rejects(extract(denseModel([2, 3, 2], 'Sigmoid'), 2), isCode('not-piecewise-linear'));
    await assert.rejects(extract(denseModel([2, 3, 2]), 2, { domain: '1, 0' }), isCode('wrong-domain'));
  });
});
