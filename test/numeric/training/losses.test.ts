import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { Loss } from '../../../src/engine/training/loss.js';
import { binaryCrossEntropy } from '../../../src/engine/training/losses/binaryCrossEntropy.js';
import { contrastive } from '../../../src/engine/training/losses/contrastive.js';
import { crossEntropy, type CrossEntropySettings } from '../../../src/engine/training/losses/crossEntropy.js';
import { expressionLoss } from '../../../src/engine/training/losses/expression.js';
import { squaredError } from '../../../src/engine/training/losses/squaredError.js';
import { triplet } from '../../../src/engine/training/losses/triplet.js';
import { adam } from '../../../src/engine/training/optimizers/adam.js';
import { sgd } from '../../../src/engine/training/optimizers/sgd.js';
import { train } from '../../../src/engine/training/train.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { weightsOf } from '../../support/training.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

/** Float32 sums of at most a hundred terms around 1. */
const tolerance = 2e-6;

/** x + z with z a parameter, so that a step of SGD at rate 1 moves z by minus the gradient at the output. */
function probe(dims: readonly number[]): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType(...dims));
  builder.constant(normalTensor(createRandom(2), dims), 'z');
  builder.addOutput(builder.node('Add', ['x', 'z'], { outputs: ['y'] }));
  return builder.build();
}

async function lossAndGradient(
  loss: Loss,
  dims: readonly number[],
  targets: Feeds,
): Promise<{ loss: number; gradient: Float64Array; y: Float64Array }> {
  const model = probe(dims);
  const x = normalTensor(createRandom(3), dims);
  let value = NaN;
  const trained = await train(model, runtime, {
    loss,
    parameters: ['z'],
    optimizer: sgd(),
    learningRate: 1,
    epochCount: 1,
    sampleCount: dims[0]!,
    batchSize: dims[0]!,
    random: createRandom(1),
    batch: () => ({ x, ...targets }),
    onStep: (progress) => void (value = progress.loss),
  });
  const z = weightsOf(model, 'z');
  const after = weightsOf(trained, 'z');
  const y = toFloat64(x).map((v, i) => Math.fround(v + z[i]!));
  return { loss: value, gradient: z.map((v, i) => v - after[i]!), y };
}

/** Compares loss and gradient with a loss in float64 and its central differences. */
async function check(
  loss: Loss,
  { dims, targets, byHand }: { dims: readonly number[]; targets: Feeds; byHand: (y: Float64Array) => number },
): Promise<void> {
  const { loss: value, gradient, y } = await lossAndGradient(loss, dims, targets);
  assert.ok(Math.abs(value - byHand(y)) < tolerance * Math.max(1, Math.abs(value)), `${value} ${byHand(y)}`);
  const h = 1e-5;
  for (let i = 0; i < y.length; i++) {
    const nudged = (by: number): number => byHand(y.map((v, j) => (j === i ? v + by : v)));
    const numeric = (nudged(h) - nudged(-h)) / (2 * h);
    assert.ok(Math.abs(gradient[i]! - numeric) < tolerance, `element ${i}: ${gradient[i]!} ${numeric}`);
  }
}

/** PyTorch's definition: Σ loss of rows / Σ weight of their labels. */
function crossEntropyByHand(
  rows: readonly { readonly z: readonly number[]; readonly label: number }[],
  { classWeights, labelSmoothing: e = 0, ignoreIndex, classCount }: Partial<CrossEntropySettings>,
): number {
  let sum = 0;
  let weight = 0;
  for (const { z, label } of rows) {
    if (label === ignoreIndex) continue;
    const w = classWeights ?? z.map(() => 1);
    const total = Math.log(z.reduce((a, v) => a + Math.exp(v), 0));
    sum += (1 - e) * w[label]! * (total - z[label]!);
    for (const [c, v] of z.entries()) sum += (e / classCount!) * w[c]! * (total - v);
    weight += w[label]!;
  }
  return weight === 0 ? 0 : sum / weight;
}

describe('cross-entropy', () => {
  const labels = [0, 2, 1, 2, 2, 0];
  const variants: [string, Partial<CrossEntropySettings>][] = [
    ['plain', {}],
    ['class weights', { classWeights: [1, 2, 0.5] }],
    ['label smoothing', { labelSmoothing: 0.1 }],
    ['an ignored index', { ignoreIndex: 2 }],
    ['an ignored index outside the classes', { ignoreIndex: -100 }],
    ['all of them', { classWeights: [1, 2, 0.5], labelSmoothing: 0.2, ignoreIndex: 0 }],
  ];
  for (const [name, settings] of variants) {
    const given =
      settings.ignoreIndex === -100 ? labels.map((label) => (label === 1 ? -100 : label)) : labels;
    const full = { logits: 'y', classCount: 3, ...settings };
    it(`with ${name} equals its definition in float64, and its gradient`, async () => {
      await check(crossEntropy(full), {
        dims: [6, 3],
        targets: { labels: int64Tensor(given, [6]) },
        byHand: (y) =>
          crossEntropyByHand(
            given.map((label, n) => ({ z: [...y.subarray(n * 3, n * 3 + 3)], label })),
            full,
          ),
      });
    });

    it(`with ${name} takes classes on the last axis of sequences`, async () => {
      await check(crossEntropy(full), {
        dims: [2, 3, 3],
        targets: { labels: int64Tensor(given, [2, 3]) },
        byHand: (y) =>
          crossEntropyByHand(
            given.map((label, n) => ({ z: [...y.subarray(n * 3, n * 3 + 3)], label })),
            full,
          ),
      });
    });

    it(`with ${name} takes classes on axis 1 of maps`, async () => {
      await check(crossEntropy({ ...full, classAxis: 1 }), {
        dims: [1, 3, 2, 3],
        targets: { labels: int64Tensor(given, [1, 2, 3]) },
        byHand: (y) =>
          crossEntropyByHand(
            given.map((label, p) => ({ z: [y[p]!, y[6 + p]!, y[12 + p]!], label })),
            full,
          ),
      });
    });
  }

  it('is 0, with no gradient, where every row is ignored', async () => {
    const loss = crossEntropy({ logits: 'y', classCount: 3, ignoreIndex: 1 });
    const result = await lossAndGradient(loss, [2, 3], { labels: int64Tensor([1, 1], [2]) });
    assert.equal(Math.abs(result.loss), 0);
    assert.ok(result.gradient.every((value) => value === 0));
  });
});

describe('element losses', () => {
  const dims = [3, 4];
  const targets = normalTensor(createRandom(9), dims);
  const t = toFloat64(targets);
  const shares = float32Tensor(
    [...t].map((v) => 1 / (1 + Math.exp(-v))),
    dims,
  );
  for (const reduction of ['mean', 'sum-per-sample'] as const) {
    const divisor = reduction === 'mean' ? 12 : 3;
    it(`squared error, ${reduction}`, () =>
      check(squaredError({ output: 'y', reduction }), {
        dims,
        targets: { targets },
        byHand: (y) => y.reduce((sum, v, i) => sum + (v - t[i]!) ** 2, 0) / divisor,
      }));
    for (const positiveWeight of [1, 2.5]) {
      it(`binary cross-entropy, ${reduction}, positive weight ${positiveWeight}`, () =>
        check(binaryCrossEntropy({ output: 'y', reduction, positiveWeight }), {
          dims,
          targets: { targets: shares },
          byHand: (y) =>
            y.reduce((sum, z, i) => {
              const p = 1 / (1 + Math.exp(-z));
              const s = toFloat64(shares)[i]!;
              return sum - (positiveWeight * s * Math.log(p) + (1 - s) * Math.log(1 - p));
            }, 0) / divisor,
        }));
    }
  }

  it('binary cross-entropy stays finite at logits of ±200', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType(1, 2));
    builder.constant(float32Tensor([200, -200], [1, 2]), 'z');
    builder.addOutput(builder.node('Add', ['x', 'z'], { outputs: ['y'] }));
    let value = NaN;
    const trained = await train(builder.build(), runtime, {
      loss: binaryCrossEntropy({ output: 'y' }),
      parameters: ['z'],
      optimizer: sgd(),
      learningRate: 1,
      epochCount: 1,
      sampleCount: 1,
      batchSize: 1,
      random: createRandom(1),
      batch: () => ({ x: float32Tensor([0, 0], [1, 2]), targets: float32Tensor([0, 1], [1, 2]) }),
      onStep: ({ loss }) => void (value = loss),
    });
    assert.equal(value, 200);
    assert.deepEqual([...weightsOf(trained, 'z')], [199.5, -199.5]);
  });
});

describe('losses of embeddings', () => {
  const squared = (y: Float64Array, a: number, b: number): number =>
    [0, 1, 2].reduce((sum, i) => sum + (y[a * 3 + i]! - y[b * 3 + i]!) ** 2, 0);

  it('contrastive draws pairs together or apart', () => {
    const same = [1, 0, 0, 1];
    // A margin that one of the two different pairs is beyond.
    const margin = 2;
    return check(contrastive({ embeddings: { rows: 'y' }, margin }), {
      dims: [8, 3],
      targets: { same: float32Tensor(same, [4]) },
      byHand: (y) =>
        same.reduce((sum, s, n) => {
          const d2 = squared(y, 2 * n, 2 * n + 1);
          return sum + (s * d2 + (1 - s) * Math.max(0, margin - Math.sqrt(d2)) ** 2) / 8;
        }, 0),
    });
  });

  it('triplet draws the positive nearer than the negative', () =>
    check(triplet({ embeddings: { rows: 'y' }, margin: 1 }), {
      dims: [9, 3],
      targets: {},
      byHand: (y) =>
        [0, 1, 2].reduce((sum, n) => {
          const near = squared(y, 3 * n, 3 * n + 1);
          return sum + Math.max(0, near - squared(y, 3 * n, 3 * n + 2) + 1) / 3;
        }, 0),
    }));

  it('triplet and contrastive separate planted kinds', async () => {
    // Kinds 0 and 1 differ in one of four noisy inputs.
    const random = createRandom(12);
    const sample = (kind: number): number[] => [
      kind * 2 - 1 + 0.2 * random.normal(),
      ...[0, 1, 2].map(() => 3 * random.normal()),
    ];
    const losses = {
      triplet: triplet({ embeddings: { rows: 'logits' }, margin: 1 }),
      contrastive: contrastive({ embeddings: { rows: 'logits' } }),
    };
    for (const [name, loss] of Object.entries(losses)) {
      const model = denseModel([4, 8, 2]);
      const values: number[] = [];
      await train(model, runtime, {
        loss,
        parameters: [...model.graph.initializers.keys()],
        optimizer: adam(),
        learningRate: 0.02,
        epochCount: 150,
        sampleCount: 24,
        batchSize: 24,
        random,
        batch: () => {
          const kinds = Array.from({ length: 24 }, () => random.integer(2));
          const rows = name === 'triplet' ? kinds.flatMap((kind) => [kind, kind, 1 - kind]) : kinds;
          const same = Array.from({ length: 12 }, (_, n) => Number(kinds[2 * n] === kinds[2 * n + 1]));
          return {
            x: float32Tensor(rows.flatMap(sample), [rows.length, 4]),
            ...(name === 'triplet' ? {} : { same: float32Tensor(same, [12]) }),
          };
        },
        onStep: ({ loss: value }) => void values.push(value),
      });
      assert.ok(values.at(-1)! < 0.25 * values[0]!, `${name}: ${values[0]!} → ${values.at(-1)!}`);
    }
  });
});

describe('expression losses', () => {
  const dims = [3, 4];
  const targets = normalTensor(createRandom(9), dims);
  const t = toFloat64(targets);
  const types = [{ name: 'targets', type: floatType('N', 4) }];
  const cases: [string, (y: Float64Array) => number][] = [
    ['mean(square(y - targets))', (y) => y.reduce((sum, v, i) => sum + (v - t[i]!) ** 2, 0) / 12],
    ['sum(abs(y)) + 0.5*sum(y^2)', (y) => y.reduce((sum, v) => sum + Math.abs(v) + 0.5 * v * v, 0)],
    [
      'max(y, "targets") * min(y, 0)',
      (y) => y.reduce((s, v, i) => s + Math.max(v, t[i]!) * Math.min(v, 0), 0) / 12,
    ],
    [
      '-(tanh(y) - 2) * sigmoid(y)',
      (y) => y.reduce((s, v) => s - (Math.tanh(v) - 2) / (1 + Math.exp(-v)), 0) / 12,
    ],
  ];
  for (const [text, byHand] of cases) {
    it(`${text} equals its value in float64, and its gradient`, () =>
      check(expressionLoss({ text, targets: types }), { dims, targets: { targets }, byHand }));
  }

  it('reduces over the axes it is told', () =>
    check(expressionLoss({ text: 'mean(sum(exp(-y), 1) / 2 - sum(targets, -1))', targets: types }), {
      dims,
      targets: { targets },
      byHand: (y) =>
        y.reduce((total, v) => total + Math.exp(-v), 0) / 6 - t.reduce((total, v) => total + v, 0) / 3,
    }));

  it('says where it cannot be read, and which name nobody has', () => {
    for (const text of ['', 'y +', 'mean(y', 'y $ 2', 'cosine(y)', 'mean(y, x)', 'sqrt(y, y)', 'y y']) {
      assert.throws(
        () => {
          const builder = new GraphBuilder(probe([2, 2]));
          expressionLoss({ text }).append(builder);
        },
        { code: 'malformed-expression' },
        text,
      );
    }
    const builder = new GraphBuilder(probe([2, 2]));
    assert.throws(() => expressionLoss({ text: 'mean(nobody)' }).append(builder), { code: 'unknown-value' });
  });
});
