import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { adversarialExamples } from '../../../src/analyses/prediction/adversarial-examples.js';
import { distance, project } from '../../../src/analyses/prediction/adversarial/ball.js';
import { createRandom } from '../../../src/base/random.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, int64Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { samplesDir } from '../../support/paths.js';
import { runAnalysisOn } from '../../support/runAnalysisOn.js';
import { arrayOf, attributionContext, type RunOptions } from '../../support/runAttribution.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { isCode, linearModel, range } from '../../support/tensors.js';

const [rowCount, size] = [12, 7];
const x = normalTensor(createRandom(5), [rowCount, size]);
const weights = normalTensor(createRandom(6), [size, 2]);

/** Score of class 1 minus that of class 0 is w · x. */
const w = range(0, size).map((i) => (weights.data[2 * i + 1] as number) - (weights.data[2 * i] as number));

function attack(
  model: Model,
  settings: Readonly<Record<string, unknown>>,
  options: RunOptions = {},
): Promise<ReportDraft> {
  return runAnalysisOn(adversarialExamples, { model, feeds: { x } }, { range: 'none', ...settings }, options);
}

function numbers(draft: ReportDraft, name: string): number[] {
  return [...toFloat64(arrayOf(draft, name))];
}

/** Sizes of the perturbations, measured here from the arrays alone. */
function sizes(draft: ReportDraft, norm: 'linf' | 'l2'): number[] {
  const adversarial = toFloat64(arrayOf(draft, 'adversarial'));
  const clean = toFloat64(x);
  return range(0, rowCount).map((row) => {
    const steps = range(0, size).map((i) => Math.abs(adversarial[row * size + i]! - clean[row * size + i]!));
    return norm === 'linf' ? Math.max(...steps) : Math.hypot(...steps);
  });
}

const dual = { linf: w.reduce((sum, each) => sum + Math.abs(each), 0), l2: Math.hypot(...w) };
/** Score of the true class minus the other's, the true class being the model's own answer: |w · x|. */
const margins = range(0, rowCount).map((row) =>
  Math.abs(w.reduce((sum, each, i) => sum + each * (x.data[row * size + i] as number), 0)),
);
// Scores are float32 sums of seven products of order one.
const tolerance = 1e-5;

describe('adversarial-examples', function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder();

  itHolds(
    75,
    'PGD stays within ε and finds the closed-form optimum of a linear model: margin − ε ‖w‖*, distance |w · x| / ‖w‖*',
    async () => {
      for (const norm of ['linf', 'l2'] as const) {
        const draft = await attack(linearModel(weights), { norm, epsilon: 0.3, bisection: 20 });
        for (const perturbation of sizes(draft, norm)) {
          assert.ok(perturbation <= 0.3, `${norm} ${perturbation}`);
        }
        assert.ok(draft.metrics['maxPerturbation']! <= 0.3);
        for (const [row, gap] of numbers(draft, 'gap').entries()) {
          const optimum = 0.3 * dual[norm] - margins[row]!;
          assert.ok(Math.abs(gap - optimum) < tolerance, `${norm} row ${row}: ${gap}, expected ${optimum}`);
        }
        for (const [row, least] of numbers(draft, 'minimalPerturbation').entries()) {
          const distanceToBoundary = margins[row]! / dual[norm];
          assert.ok(
            Math.abs(least - distanceToBoundary) < 1e-4 * (1 + distanceToBoundary),
            `${norm} row ${row}: ${least}, expected ${distanceToBoundary}`,
          );
        }
      }
    },
  );

  itHolds(
    75,
    'never leaves the ball or the range, whatever the attack, as float64 measures the float32 rows',
    async () => {
      const model = denseModel([size, 16, 3], 'Relu', 3);
      for (const [name, norm, effort] of [
        ['fgsm', 'linf', {}],
        ['pgd', 'linf', { restarts: 2 }],
        ['momentum', 'linf', { restarts: 2 }],
        ['square', 'linf', { queries: 50 }],
        ['fgsm', 'l2', {}],
        ['pgd', 'l2', { restarts: 2 }],
        ['momentum', 'l2', { restarts: 2 }],
      ] as const) {
        const settings = { attack: name, norm, epsilon: 0.7, ...effort, range: '-1, 1' };
        const draft = await attack(model, settings);
        for (const perturbation of sizes(draft, norm)) assert.ok(perturbation <= 0.7, `${name} ${norm}`);
        const clean = toFloat64(x);
        for (const [i, value] of numbers(draft, 'adversarial').entries()) {
          assert.ok(
            value >= Math.min(-1, clean[i]!) && value <= Math.max(1, clean[i]!),
            `${name} ${norm} ${value}`,
          );
        }
      }
    },
  );

  it('projects to within ε even where float32 would round outwards', () => {
    const random = createRandom(9);
    const whole = { low: new Float32Array(3).fill(-Infinity), high: new Float32Array(3).fill(Infinity) };
    for (let trial = 0; trial < 2000; trial++) {
      const centre = Float32Array.from({ length: 3 }, () => 1000 * random.normal());
      const point = Float32Array.from(centre, (value) => value + random.normal());
      for (const norm of ['linf', 'l2'] as const) {
        const epsilon = random.next() * 0.1;
        const moved = point.slice();
        project(moved, { norm, epsilon, centre, range: whole });
        assert.ok(distance(norm, moved, centre) <= epsilon);
      }
    }
  });

  it('makes a single step of ε along the sign of the gradient with fgsm', async () => {
    const draft = await attack(linearModel(weights), { attack: 'fgsm', epsilon: 0.25 });
    const perturbation = numbers(draft, 'perturbation');
    for (const row of range(0, rowCount)) {
      const isOne = w.reduce((sum, each, i) => sum + each * (x.data[row * size + i] as number), 0) > 0;
      for (const [i, each] of w.entries()) {
        const expected = 0.25 * Math.sign(each) * (isOne ? -1 : 1);
        assert.ok(Math.abs(perturbation[row * size + i]! - expected) < 1e-6);
      }
    }
  });

  it('finds by scores alone what the gradient finds on a linear model, nearly', async () => {
    const draft = await attack(linearModel(weights), {
      attack: 'square',
      epsilon: 0.3,
      queries: 400,
      bisection: 0,
    });
    const gaps = numbers(draft, 'gap');
    for (const [row, margin] of margins.entries()) {
      // The corners that matter are 2⁷: 400 queries of random search come to at least nine tenths of the way.
      assert.ok(gaps[row]! + margin >= 0.9 * 0.3 * dual.linf, `row ${row}`);
    }
    assert.equal(draft.evidence['medianMinimal']?.kind, 'not-captured');
    await assert.rejects(
      attack(linearModel(weights), { attack: 'square', norm: 'l2', epsilon: 1 }),
      isCode('attack-norm'),
    );
  });

  it('raises a class that is wanted, and counts rows as fooled that come to be of it', async () => {
    const model = linearModel(normalTensor(createRandom(8), [size, 4]));
    const draft = await attack(model, { target: 2, epsilon: 3 });
    assert.equal(draft.metrics['successRate'], 1);
    assert.match(draft.summary, /class wanted/);
    await assert.rejects(attack(model, { target: 4, epsilon: 1 }), isCode('unknown-target'));
  });

  it('attacks confident models whose softmax has rounded to one, and single scores of two classes', async () => {
    const steep = float32Tensor(
      (weights.data as Float32Array).map((each) => each * 1000),
      [size, 2],
    );
    const confident = await attack(linearModel(steep), { epsilon: 5, bisection: 0 });
    assert.equal(confident.metrics['adversarialAccuracy'], 0);
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', size));
    const column = builder.constant(float32Tensor(w, [size, 1]));
    builder.addOutput(builder.node('Sigmoid', [builder.node('MatMul', [input, column])]), floatType('N', 1));
    const single = await attack(builder.build(), { epsilon: 0.3, bisection: 0 });
    for (const [row, gap] of numbers(single, 'gap').entries()) {
      assert.ok(Math.abs(gap - (0.3 * dual.linf - margins[row]!)) < tolerance);
    }
  });

  it('says when gradients are zero, and lets accuracy fall only as ε grows', async () => {
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', size));
    const low = builder.node('Relu', [builder.node('Sub', [input, builder.scalar(100)])]);
    const scores = builder.node('MatMul', [low, builder.constant(weights)]);
    builder.addOutput(scores, floatType('N', 2));
    const flat = await attack(builder.build(), { epsilon: 0.1, bisection: 0 });
    assert.match(flat.findings.map(({ message }) => message).join(), /gradient of 12 of 12 rows is zero/);
    const draft = await attack(denseModel([size, 16, 3], 'Relu', 3), { epsilon: 0.5 });
    const accuracy = numbers(draft, 'curveAccuracy');
    assert.deepEqual(
      accuracy,
      [...accuracy].sort((a, b) => b - a),
    );
    assert.equal(accuracy[0], 1);
  });

  it('shows examples to another model: to itself they transfer whole', async () => {
    const [own, other] = [join(folder(), 'own.onnx'), join(folder(), 'other.onnx')];
    const model = denseModel([size, 16, 3], 'Relu', 3);
    await writeModel(model, own);
    await writeModel(denseModel([size, 5], 'Relu', 4), other);
    const draft = await attack(model, { epsilon: 1, otherModel: own, bisection: 0 });
    assert.equal(draft.metrics['transferRate'], 1);
    const table = draft.blocks.find(({ title }) => title === 'Transfer between the models');
    assert(table?.type === 'table');
    assert.equal(table.rows[1]?.['own'], table.rows[1]?.['other']);
    await assert.rejects(attack(model, { epsilon: 1, otherModel: other }), isCode('other-model'));
  });

  it('refuses what it cannot attack, by name', async () => {
    const model = denseModel([size, 4, 3]);
    await assert.rejects(attack(model, {}), isCode('epsilon-missing'));
    await assert.rejects(attack(model, { range: '3, 1' }), isCode('wrong-range'));
    await assert.rejects(attack(model, { epsilon: 1 }, { labels: range(0, 12) }), isCode('label-outside'));
    const builder = new GraphBuilder(emptyModel());
    const ids = builder.addInput('ids', { kind: 'tensor', elementType: 'int64', shape: ['N', 2] });
    const table = builder.constant(normalTensor(createRandom(1), [5, 3]));
    const mean = builder.reduce('ReduceMean', builder.node('Gather', [table, ids]), [1], false);
    builder.addOutput(mean, floatType('N', 3));
    const feeds: Readonly<Record<string, TensorValue>> = { ids: int64Tensor([1, 2, 3, 4], [2, 2]) };
    await assert.rejects(
      runAnalysisOn(adversarialExamples, { model: builder.build(), feeds }),
      isCode('no-continuous-input'),
    );
  });

  it('fools digits-cnn on pictures, within the range of its pixels, and draws them side by side', async () => {
    const model = await readModel(join(samplesDir, 'digits-cnn', 'digits-cnn.onnx'));
    const data = await openDataset(join(samplesDir, 'digits-cnn', 'digits-cnn.inspect.json'), model);
    const context = { ...attributionContext(model, {}), data, limit: 16 };
    const defaults = Object.entries(adversarialExamples.settings).map(([key, setting]) => [
      key,
      setting.default,
    ]);
    const settings = { ...Object.fromEntries(defaults), epsilon: 0.2, steps: 10, bisection: 0 } as Parameters<
      typeof adversarialExamples.run
    >[1];
    const draft = await adversarialExamples.run(context, settings);
    // Never trained against attacks: half the rows at least must go at a fifth of the range.
    assert.ok(draft.metrics['adversarialAccuracy']! <= 0.5 * draft.metrics['cleanAccuracy']!);
    for (const value of numbers(draft, 'adversarial')) assert.ok(value >= 0 && value <= 1);
    const grid = draft.blocks.find(({ type }) => type === 'image-grid');
    assert(grid?.type === 'image-grid');
    // Three pictures of 28 columns with two gaps of 2 between them.
    assert.deepEqual([grid.images[0]?.width, grid.images[0]?.height], [88, 28]);
    assert.match(grid.images[0]?.caption ?? '', /^\S+ ?\S*: \d → \d, perturbation × /);
  });
});
