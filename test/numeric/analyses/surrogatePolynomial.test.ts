import assert from 'node:assert/strict';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { surrogatePolynomial } from '../../../src/analyses/health/surrogate-polynomial.js';
import { durationMsOf } from '../../../src/analyses/shared/batchTiming.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { leastSquares } from '../../../src/engine/numeric/leastSquares.js';
import { exponentsUpTo, termCountOf } from '../../../src/engine/numeric/polynomials.js';
import { fitRidge } from '../../../src/engine/numeric/ridge.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { runAnalysisOnSample } from '../../support/runAnalysisOn.js';
import { arrayOf, runOn } from '../../support/runHealth.js';
import { elementwise, isCode, range, sum } from '../../support/tensors.js';

/** y = B x + c + (A₁ x) ⊙ (A₂ x): a quadratic function of three features. */
function quadraticModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N', 3));
  const product = (weights: readonly number[]): string =>
    builder.node('MatMul', ['x', builder.constant(float32Tensor(weights, [3, 2]))]);
  // y₀ = 1 + 2 x₀ − 3 x₁x₂; y₁ = −4 + 0.5 x₂² + x₀x₂
  const linear = builder.node('Add', [
    product([2, 0, 0, 0, 0, 0]),
    builder.constant(float32Tensor([1, -4], [2])),
  ]);
  const squares = builder.node('Mul', [product([0, 1, -3, 0, 0, 0.5]), product([0, 0, 0, 0, 1, 1])]);
  builder.addOutput(builder.node('Add', [linear, squares], { outputs: ['y'] }), floatType('N', 2));
  return builder.build();
}

describe('surrogate-polynomial', function () {
  this.timeout(20_000);
  const random = createRandom(149);
  // Features far from 0 and of different scales, as tables have them.
  const x = elementwise(
    normalTensor(random, [80, 3]),
    (value, i) => [3, -1, 5][i % 3]! + [1, 0.2, 4][i % 3]! * value,
  );
  let draft: ReportDraft;

  before(async () => {
    draft = await runOn(surrogatePolynomial, quadraticModel(), memoryDataset({ x }), { batchSize: 32 });
  });

  itHolds(
    149,
    'recovers the quadratic sample crop-yield at degree 2 with R² within 1e-6 of 1 (300 rows)',
    async () => {
      const found = await runAnalysisOnSample(surrogatePolynomial, 'crop-yield', { degree: 2 });
      assert.equal(found.metrics['chosenDegree'], 2);
      assert.ok(Math.abs(found.metrics['r2']! - 1) < 1e-6, String(found.metrics['r2']));
      assert.ok(found.metrics['linearR2']! < 0.9, String(found.metrics['linearR2']));
    },
  );

  itHolds(
    149,
    'recovers a planted quadratic model at degree 2 with cross-validated R² within 1e-9 of 1, its coefficients to 1e-3 (80 rows, seed 149)',
    () => {
      const byDegree = arrayOf(draft, 'r2ByDegree');
      assert.equal(byDegree.length, 3);
      assert.ok(byDegree[0]! < 0.99, `degree 1 has ${byDegree[0]}`);
      assert.ok(Math.abs(byDegree[1]! - 1) < 1e-9, `degree 2 has ${byDegree[1]}`);
      assert.equal(draft.metrics['chosenDegree'], 2);
      const exponents = arrayOf(draft, 'exponents');
      const coefficients = arrayOf(draft, 'coefficients');
      const planted: Readonly<Record<string, readonly number[]>> = {
        '1,0,0': [2, 0],
        '0,1,1': [-3, 0],
        '0,0,2': [0, 0.5],
        '1,0,1': [0, 1],
      };
      for (const term of range(0, 9)) {
        const wanted = planted[exponents.slice(3 * term, 3 * term + 3).join(',')] ?? [0, 0];
        for (const output of [0, 1]) {
          const found = coefficients[output * 9 + term]!;
          assert.ok(Math.abs(found - wanted[output]!) < 1e-3, `term ${term} of output ${output}: ${found}`);
        }
      }
      const constants = arrayOf(draft, 'constants');
      assert.ok(Math.abs(constants[0]! - 1) < 1e-2 && Math.abs(constants[1]! + 4) < 1e-2, constants.join());
    },
  );

  it('lists the planted terms first, in the names of the features', () => {
    const table = draft.blocks.find(
      (block) => block.type === 'table' && block.title === 'Largest terms at degree 2',
    );
    assert(table?.type === 'table');
    const terms = table.rows.map(({ output, term }) => `${String(output)} ${String(term)}`);
    assert.ok(
      terms.slice(0, 4).includes('y[1] x[0] · x[2]') || terms.slice(0, 4).includes('y[1] x[2]²'),
      terms.join(),
    );
    assert.match(draft.summary, /degree 2 in 3 features/u);
    assert.equal(draft.findings[0]?.severity, 'info');
  });

  it('cross-validates as refitting by plain least squares without each row’s fold would, within the spread of folds', () => {
    // What the folds are is drawn; leaving each row out alone lies between the folds.
    const rows = range(0, 80);
    const raw = [...(x.data as Float32Array)];
    const [y0] = [rows.map((row) => 1 + 2 * raw[3 * row]! - 3 * raw[3 * row + 1]! * raw[3 * row + 2]!)];
    const predicted = rows.map((left) => {
      const kept = rows.filter((row) => row !== left);
      const column = (of: (row: number) => number): Float64Array => Float64Array.from(kept, of);
      const columns = [column(() => 1), ...range(0, 3).map((i) => column((row) => raw[3 * row + i]!))];
      const { coefficients } = leastSquares(
        columns,
        column((row) => y0[row]!),
      )!;
      return coefficients[0]! + sum(3, (i) => coefficients[i + 1]! * raw[3 * left + i]!);
    });
    const mean = sum(80, (row) => y0[row]!) / 80;
    const expected =
      1 - sum(80, (row) => (y0[row]! - predicted[row]!) ** 2) / sum(80, (row) => (y0[row]! - mean) ** 2);
    const table = draft.blocks.find((block) => block.type === 'table' && block.title === 'R² by output');
    assert(table?.type === 'table');
    const measured = Number(table.rows[0]?.['d1']);
    assert.ok(Math.abs(measured - expected) < 0.05, `${measured} is not near ${expected}`);
  });

  it('fits as least squares does, and stays stable where terms depend on each other', () => {
    const [a, b] = range(0, 2).map((i) =>
      Float64Array.from({ length: 80 }, (_, row) => x.data[3 * row + i] as number),
    );
    const y = a!.map((value, row) => 2 * value - b![row]! + Math.sin(row));
    const plain = leastSquares([y.map(() => 1), a!, b!], y)!.coefficients;
    const sums = (columns: readonly Float64Array[]): { size: number; sums: Float64Array } => {
      const all = [y.map(() => 1), ...columns, y];
      return {
        size: all.length,
        sums: Float64Array.from(
          all.flatMap((own) => all.map((other) => sum(80, (row) => own[row]! * other[row]!))),
        ),
      };
    };
    const [fit] = fitRidge(sums([a!, b!]), { termCount: 2, targetCount: 1, ridge: 1e-10 });
    for (const i of [0, 1]) assert.ok(Math.abs(fit!.coefficients[i]! - plain[i + 1]!) < 1e-6);
    assert.ok(Math.abs(fit!.constant - plain[0]!) < 1e-5);
    // A copy shares the coefficient; a constant column has none.
    const [shared] = fitRidge(sums([a!, a!, b!, y.map(() => 7)]), {
      termCount: 4,
      targetCount: 1,
      ridge: 1e-8,
    });
    assert.ok(Math.abs(shared!.coefficients[0]! - plain[1]! / 2) < 1e-5);
    assert.equal(shared!.coefficients[3], 0);
  });

  it('counts terms as it lists them', () => {
    for (const [variables, degree] of [
      [3, 3],
      [5, 2],
      [1, 5],
    ] as const) {
      assert.equal(exponentsUpTo(variables, degree).length + 1, termCountOf(variables, degree));
    }
  });

  it('takes leading directions of wide inputs, and says what they hold', async () => {
    const wide = normalTensor(createRandom(2), [60, 2]);
    // Twenty features that are two, and a little of their own.
    const noise = normalTensor(createRandom(3), [60, 20], 1e-3);
    const data = elementwise(noise, (value, i) => {
      const row = Math.floor(i / 20);
      const [u, v] = [wide.data[2 * row] as number, wide.data[2 * row + 1] as number];
      return value + (i % 2 === 0 ? u : 0.5 * v);
    });
    const reduced = await runOn(surrogatePolynomial, denseModel([20, 3]), memoryDataset({ x: data }), {
      settings: { degree: 2 },
    });
    assert.match(reduced.summary, /leading directions of the 20 input elements/u);
    assert.ok(reduced.metrics['keptVariance']! > 0.9999);
    assert.ok(reduced.metrics['linearR2']! > 0.9999);
  });

  it('counts its fits in what it takes: sums over the rows, a factorisation for each degree and fold, directions', () => {
    const cost = (width: number, degree: number) =>
      surrogatePolynomial.cost!(
        { degree, output: null, rows: 2000, features: null, terms: 500, ridge: 1e-8 },
        { model: quadraticModel(), sampleCount: 100, sampleShapes: { x: [width] }, limit: undefined },
      );
    // 1 and 3 terms, then 6 more; up to 16 outputs are summed beside them.
    assert.equal(cost(3, 2).multiplyCount, (100 * (10 + 16) ** 2) / 2 + (6 * (4 ** 3 + 10 ** 3)) / 6);
    // 40 terms for 80 rows leave 7 directions at degree 2, 36 terms: 15 are carried along for 8 rounds.
    const directions = 2 * 8 * 100 * 784 * 15;
    const fits = (100 * (36 + 16) ** 2) / 2 + 8 ** 3 + 36 ** 3;
    assert.equal(cost(784, 2).multiplyCount, directions + fits);
    const timing = { sampleCount: 1, readMs: 0, runMs: 0 };
    const seconds = durationMsOf({ passCount: 1, readCount: 1, multiplyCount: 1e9 }, timing) / 1000;
    assert.ok(seconds > 1 && seconds < 10, String(seconds));
  });

  it('refuses fewer rows than folds, more features than rows, and outputs that are none', async () => {
    const few = memoryDataset({ x: normalTensor(random, [4, 3]) });
    await assert.rejects(runOn(surrogatePolynomial, quadraticModel(), few), isCode('too-few-samples'));
    const settings = { features: 3, terms: 3 };
    const enough = memoryDataset({ x });
    await assert.rejects(
      runOn(surrogatePolynomial, quadraticModel(), enough, { settings }),
      isCode('too-many-terms'),
    );
    const output = { output: 'z' };
    await assert.rejects(
      runOn(surrogatePolynomial, quadraticModel(), enough, { settings: output }),
      isCode('no-output'),
    );
  });
});
