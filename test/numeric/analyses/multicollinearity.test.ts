import assert from 'node:assert/strict';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { multicollinearity } from '../../../src/analyses/health/multicollinearity.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { leastSquares } from '../../../src/engine/numeric/leastSquares.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf, runOn } from '../../support/runHealth.js';
import { range, sum } from '../../support/tensors.js';

/** Every corner of a cube: columns that are exactly uncorrelated. */
const factorCount = 5;
const corners = range(0, 2 ** factorCount).map((row) =>
  range(0, factorCount).map((factor) => ((row >> factor) & 1 ? 1 : -1)),
);

/** Units of a dense layer, by their weights on the factors. */
function plantedModel(units: readonly (readonly number[])[], bias: readonly number[] = []): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', factorCount));
  const weights = range(0, factorCount).flatMap((factor) => units.map((unit) => unit[factor] ?? 0));
  const weight = builder.constant(float32Tensor(weights, [factorCount, units.length]), 'fc.weight');
  const biases = builder.constant(
    float32Tensor(
      units.map((_, unit) => bias[unit] ?? 0),
      [units.length],
    ),
    'fc.bias',
  );
  builder.addOutput(
    builder.node('Gemm', [x, weight, biases], { name: '/fc/Gemm' }),
    floatType('N', units.length),
  );
  return builder.build();
}

const x = float32Tensor(corners.flat(), [corners.length, factorCount]);
const run = (model: Model): Promise<ReportDraft> =>
  runOn(multicollinearity, model, memoryDataset({ x }), { batchSize: 7 });

/** Weights of units of which any two correlate by ρ: a share of factor 0, the rest of a factor of their own. */
function equallyCorrelated(count: number, rho: number): number[][] {
  return range(0, count).map((unit) =>
    range(0, factorCount).map((factor) =>
      factor === 0 ? Math.sqrt(rho) : factor === unit + 1 ? Math.sqrt(1 - rho) : 0,
    ),
  );
}

describe('multicollinearity', function () {
  this.timeout(20_000);

  itHolds(
    149,
    'gives the closed form of units that any two correlate by ρ = 0.9 or 0.5, (1 + (p − 2)ρ) / ((1 − ρ)(1 + (p − 1)ρ)), to 1e-5 (32 samples)',
    async () => {
      for (const [rho, p] of [
        [0.9, 4],
        [0.5, 2],
      ] as const) {
        const draft = await run(plantedModel(equallyCorrelated(p, rho), [3, -1]));
        const expected = (1 + (p - 2) * rho) / ((1 - rho) * (1 + (p - 1) * rho));
        for (const factor of arrayOf(draft, 'fc.vif')) {
          assert.ok(Math.abs(factor / expected - 1) < 1e-5, `${factor} is not ${expected}`);
        }
      }
    },
  );

  describe('of exact combinations, constants and NaN', () => {
    // 0–2 correlate by 0.5, 3 = 2·u0 − 0.5·u1 + 7, 4 is free, 5 is constant, 6 is NaN, 7 is a copy of 4.
    const [a, b, c] = equallyCorrelated(3, 0.5);
    const combined = range(0, factorCount).map((factor) => 2 * a![factor]! - 0.5 * b![factor]!);
    const free = [0, 0, 0, 0, 1];
    const units = [a!, b!, c!, combined, free, [], [NaN], free];
    let draft: ReportDraft;
    before(async () => {
      draft = await run(plantedModel(units, [0, 0, 0, 7, 0, 5]));
    });

    it('says which units are which, and gives the others the factor they have without copies', () => {
      const kinds = arrayOf(draft, 'fc.collinearity');
      assert.deepEqual(kinds, [1, 1, 0, 1, 1, 2, 3, 1]);
      const factors = arrayOf(draft, 'fc.vif');
      const p = 3;
      const expected = (1 + (p - 2) * 0.5) / ((1 - 0.5) * (1 + (p - 1) * 0.5));
      assert.ok(Math.abs(factors[2]! / expected - 1) < 1e-5);
      for (const unit of [0, 1, 3, 4, 7]) assert.equal(factors[unit], Infinity);
      assert.equal(draft.metrics['exactCount'], 5);
      assert.equal(draft.metrics['constantCount'], 1);
    });

    it('writes the relations out, and reports NaN as an error', () => {
      const table = draft.blocks.find(
        (block) => block.type === 'table' && block.title === 'Exact combinations',
      );
      assert(table?.type === 'table');
      const said = table.rows.map(({ unit, is }) => `${String(unit)} = ${String(is)}`);
      // Which of the related units is said by the others depends on pivots; the relation is one.
      assert.equal(said.length, 2);
      assert.ok(
        said.some((text) => /^fc\[[47]\] = 1 × fc\[[47]\]$/u.test(text)),
        said.join('; '),
      );
      const forms = [
        'fc[3] = 2 × fc[0] − 0.5 × fc[1]',
        'fc[0] = 0.5 × fc[3] + 0.25 × fc[1]',
        'fc[1] = 4 × fc[0] − 2 × fc[3]',
        'fc[1] = − 2 × fc[3] + 4 × fc[0]',
      ];
      assert.ok(
        said.some((text) => forms.includes(text)),
        said.join('; '),
      );
      assert.deepEqual(
        draft.findings.map(({ severity }) => severity),
        ['error', 'info'],
      );
    });
  });

  it('equals a regression of every channel on the others over all pictures and positions', async () => {
    const random = createRandom(149);
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 2, 4, 4));
    const weight = builder.constant(normalTensor(random, [4, 2, 3, 3], 0.4), 'conv.weight');
    builder.node('Conv', ['x', weight], { name: '/conv/Conv', outputs: ['conv'] });
    builder.addOutput(
      builder.node('Relu', ['conv'], { name: '/relu/Relu', outputs: ['relu'] }),
      floatType('N', 4, 2, 2),
    );
    const pictures = normalTensor(random, [30, 2, 4, 4]);
    const draft = await runOn(multicollinearity, builder.build(), memoryDataset({ x: pictures }), {
      batchSize: 8,
    });
    const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(builder.build());
    const values = toFloat64((await session.run({ x: pictures }))['relu']!);
    await session.close();
    const channels = range(0, 4).map((channel) =>
      Float64Array.from({ length: 120 }, (_, i) => values[((i >> 2) * 4 + channel) * 4 + (i & 3)]!),
    );
    const factors = arrayOf(draft, 'relu.vif');
    for (const [channel, y] of channels.entries()) {
      const others = channels.filter((own) => own !== y);
      const { residuals } = leastSquares([y.map(() => 1), ...others], y)!;
      const mean = sum(120, (i) => y[i]!) / 120;
      const expected = sum(120, (i) => (y[i]! - mean) ** 2) / sum(120, (i) => residuals[i]! ** 2);
      assert.ok(Math.abs(factors[channel]! / expected - 1) < 1e-9, `${factors[channel]} is not ${expected}`);
    }
    // A convolution that only feeds its activation is measured behind it.
    assert.ok(!('conv.vif' in draft.arrays));
  });

  it('draws units of wide layers and says that their factors are lower bounds', async () => {
    const draft = await runOn(
      multicollinearity,
      plantedModel(equallyCorrelated(4, 0.9)),
      memoryDataset({ x }),
      {
        settings: { units: 2 },
      },
    );
    const factors = arrayOf(draft, 'fc.vif').filter((factor) => !Number.isNaN(factor));
    assert.equal(factors.length, 2);
    for (const factor of factors) assert.ok(Math.abs(factor * (1 - 0.81) - 1) < 1e-5);
    assert.match(draft.warnings.join(), /2 of 4 at fc/u);
  });
});
