import assert from 'node:assert/strict';
import { featureInteractions } from '../../../src/analyses/prediction/feature-interactions.js';
import { findSelfMasks } from '../../../src/analyses/prediction/interactions/selfMasks.js';
import { createRandom } from '../../../src/base/random.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { polynomialModel, type Term } from '../../support/plantedFunctions.js';
import { runAnalysisOn, runAnalysisOnSample } from '../../support/runAnalysisOn.js';
import { arrayOf } from '../../support/runAttribution.js';
import { isCode, range, sum } from '../../support/tensors.js';

/** f of rows in float64. */
function valueOf(terms: readonly Term[], row: readonly number[]): number {
  return terms.reduce((total, [c, ...columns]) => total + columns.reduce((p, i) => p * row[i]!, c), 0);
}

describe('feature-interactions', function () {
  this.timeout(60_000);
  const random = createRandom(41);
  const terms: Term[] = [
    [3, 0],
    [2, 1, 2],
    [-1, 3],
    [0.7, 0, 3, 4],
  ];
  const x = normalTensor(random, [24, 5]);
  const data = { model: polynomialModel(5, terms), feeds: { x } };

  itHolds(
    181,
    'a planted x₁·x₂ interaction ranks first, by all three methods (polynomial of 5 columns, 24 rows, seed 41)',
    async () => {
      for (const method of ['h-statistic', 'anova', 'hessian']) {
        const draft = await runAnalysisOn(featureInteractions, data, { method });
        const features = toFloat64(arrayOf(draft, 'interactionFeatures'));
        assert.deepEqual([...features.subarray(0, 2)], [1, 2], method);
        assert.match(draft.summary, /x\[1\] × x\[2\]/u);
      }
    },
  );

  itHolds(
    181,
    'H and variance shares of pairs and triples equal a brute-force recount within 1e-5',
    async () => {
      const draft = await runAnalysisOn(featureInteractions, data, {
        method: 'h-statistic',
        candidates: 5,
        order: 3,
      });
      const rows = range(0, 24).map((row) => range(0, 5).map((i) => x.data[row * 5 + i] as number));
      const centre = (v: number[]): number[] => v.map((value) => value - sum(24, (i) => v[i]!) / 24);
      const partial = (set: readonly number[]): number[] =>
        centre(
          rows.map(
            (row) =>
              sum(24, (k) =>
                valueOf(
                  terms,
                  rows[k]!.map((v, i) => (set.includes(i) ? row[i]! : v)),
                ),
              ) / 24,
          ),
        );
      const together = (set: readonly number[]): number[] => {
        const own = partial(set);
        const smaller = range(1, 2 ** set.length - 1).map((bits) =>
          set.filter((_, i) => (bits >> i) % 2 === 1),
        );
        // What no smaller set has: their own parts are taken away, recursively.
        const parts = smaller.map((subset) => together(subset));
        return own.map((value, row) => value - sum(parts.length, (p) => parts[p]![row]!));
      };
      const strengths = toFloat64(arrayOf(draft, 'interactionStrength'));
      const features = toFloat64(arrayOf(draft, 'interactionFeatures'));
      assert.equal(strengths.length, 20);
      for (const [i, strength] of strengths.entries()) {
        const set = [...features.subarray(3 * i, 3 * i + 3)].filter((feature) => feature >= 0);
        const [own, whole] = [together(set), partial(set)];
        const h = Math.sqrt(sum(24, (r) => own[r]! ** 2) / sum(24, (r) => whole[r]! ** 2));
        assert.ok(Math.abs(strength - h) < 1e-5, `${set.join()}: ${strength}, expected ${h}`);
      }
    },
  );

  itHolds(
    181,
    'on every combination of levels the shares are those of the analysis of variance, and sum to 1',
    async () => {
      // Two levels of four columns: f = 3a + 2bc + abd has the variances 9, 4 and 1.
      const levels = range(0, 16).flatMap((row) => range(0, 4).map((i) => ((row >> i) % 2 === 1 ? 1 : -1)));
      const factorial = {
        model: polynomialModel(4, [
          [3, 0],
          [2, 1, 2],
          [1, 0, 1, 3],
        ]),
        feeds: { x: float32Tensor(levels, [16, 4]) },
      };
      const draft = await runAnalysisOn(featureInteractions, factorial, {
        method: 'anova',
        candidates: 4,
        order: 4,
      });
      const strengths = toFloat64(arrayOf(draft, 'interactionStrength'));
      assert.ok(Math.abs(strengths[0]! - 4 / 14) < 1e-6 && Math.abs(strengths[1]! - 1 / 14) < 1e-6);
      assert.ok(strengths.subarray(2).every((share) => share < 1e-9));
      assert.deepEqual([...toFloat64(arrayOf(draft, 'interactionFeatures')).subarray(4, 8)], [0, 1, 3, -1]);
      const main = toFloat64(arrayOf(draft, 'mainShare'));
      assert.ok(Math.abs(main[0]! - 9 / 14) < 1e-6);
      assert.ok(Math.abs(sum(4, (i) => main[i]!) + sum(strengths.length, (i) => strengths[i]!) - 1) < 1e-6);
      assert.ok(Math.abs(draft.metrics['interactionShare']! - 5 / 14) < 1e-6);
    },
  );

  itHolds(
    181,
    'the Hessian of a smooth network equals central differences within 1 % (8 rows, seed 41)',
    async () => {
      const model = denseModel([4, 6, 1], 'Tanh');
      const rows = normalTensor(random, [8, 4]);
      const draft = await runAnalysisOn(
        featureInteractions,
        { model, feeds: { x: rows } },
        { method: 'hessian' },
      );
      const weights = (name: string): Float64Array => {
        const tensor = model.graph.initializers.get(name)!;
        assert.ok(tensor.source.kind === 'inline');
        const { buffer, byteOffset, byteLength } = tensor.source.bytes;
        return Float64Array.from(new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength)));
      };
      const [w1, b1, w2] = ['fc1.weight', 'fc1.bias', 'fc2.weight'].map(weights) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      const f = (row: readonly number[]): number =>
        sum(6, (u) => w2[u]! * Math.tanh(b1[u]! + sum(4, (i) => row[i]! * w1[i * 6 + u]!)));
      const at = (r: number, i: number): number => rows.data[r * 4 + i] as number;
      const spread = range(0, 4).map((i) => {
        const mean = sum(8, (r) => at(r, i)) / 8;
        return Math.sqrt(sum(8, (r) => (at(r, i) - mean) ** 2) / 8);
      });
      const curvature = toFloat64(arrayOf(draft, 'curvature'));
      const step = 1e-4;
      for (const i of range(0, 4)) {
        for (const j of range(0, 4)) {
          const mean =
            sum(8, (r) => {
              const moved = (a: number, b: number): number =>
                f(range(0, 4).map((k) => at(r, k) + (k === i ? a * step : 0) + (k === j ? b * step : 0)));
              return Math.abs(
                (moved(1, 1) - moved(1, -1) - moved(-1, 1) + moved(-1, -1)) / (4 * step * step),
              );
            }) / 8;
          const expected = mean * spread[i]! * spread[j]!;
          assert.ok(Math.abs(curvature[i * 4 + j]! - expected) <= 0.01 * expected + 1e-5, `${i}, ${j}`);
        }
      }
    },
  );

  itHolds(
    181,
    'the trained cross network: age × price ranks first, as its rule has it, and its four self-masks are measured',
    async () => {
      for (const method of ['anova', 'hessian']) {
        const draft = await runAnalysisOnSample(
          featureInteractions,
          'cross-network',
          { method },
          { limit: 30 },
        );
        assert.match(draft.summary, /age × price interact most/u, method);
        const share = draft.metrics['maskedShare']!;
        assert.ok(share > 0.1 && share < 0.9, String(share));
        const table = draft.blocks.find(({ title }) => title === 'Self-masks');
        assert.ok(table?.type === 'table' && table.rows.length === 4);
        assert.equal(table.rows[0]!['layer'], 'linear.0.norm');
      }
    },
  );

  it('says that there is no self-mask, and that the second derivative of ReLU is zero', async () => {
    const model = denseModel([3, 5, 2]);
    assert.deepEqual(findSelfMasks(model), []);
    const rows = normalTensor(random, [6, 3]);
    const draft = await runAnalysisOn(
      featureInteractions,
      { model, feeds: { x: rows } },
      { method: 'hessian' },
    );
    assert.equal(draft.evidence['maskedShare']?.kind, 'not-captured');
    assert.match(draft.findings[0]!.advice, /h-statistic/u);
    assert.equal(draft.metrics['strongest'], 0);
  });

  it('finds nothing between features that add up', async () => {
    const additive = {
      model: polynomialModel(3, [
        [1, 0],
        [2, 1, 1],
        [-3, 2],
      ]),
      feeds: { x: normalTensor(random, [12, 3]) },
    };
    const draft = await runAnalysisOn(featureInteractions, additive);
    assert.match(draft.summary, /No features interact/u);
    await assert.rejects(
      runAnalysisOn(featureInteractions, additive, {}, { limit: 1 }),
      isCode('too-few-rows'),
    );
  });
});
