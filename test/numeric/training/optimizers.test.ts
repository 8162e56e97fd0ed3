import assert from 'node:assert/strict';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { GradientClip } from '../../../src/engine/training/clipGradients.js';
import type { Optimizer } from '../../../src/engine/training/optimizer.js';
import { adam, adamW } from '../../../src/engine/training/optimizers/adam.js';
import { sgd } from '../../../src/engine/training/optimizers/sgd.js';
import { type Schedule, scheduleFactor } from '../../../src/engine/training/schedule.js';
import { train } from '../../../src/engine/training/train.js';
import type { Model } from '../../../src/onnx/model.js';
import { linearModel, requestFor, type TestData, testData, weightsOf } from '../../support/training.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });
const learningRate = 0.05;
const stepCount = 4;

/** Float32 steps of at most 0.05 on weights below 2: a few units in the last place, far under any step. */
const tolerance = 5e-6;

/** One element's update in float64: parameter, gradient, its slots (changed in place), rate, step from 1. */
type Update = (theta: number, g: number, slots: number[], at: { rate: number; t: number }) => number;

const sgdByHand =
  (momentum: number, nesterov: boolean, decay = 0): Update =>
  (theta, gradient, slots, { rate }) => {
    const g = gradient + decay * theta;
    slots[0] = momentum * (slots[0] ?? 0) + g;
    return theta - rate * (nesterov ? g + momentum * slots[0] : momentum > 0 ? slots[0] : g);
  };

const adamByHand =
  (
    {
      b1 = 0.9,
      b2 = 0.999,
      epsilon = 1e-8,
      decay = 0,
    }: { b1?: number; b2?: number; epsilon?: number; decay?: number },
    isDecoupled: boolean,
  ): Update =>
  (theta, gradient, slots, { rate, t }) => {
    const g = isDecoupled ? gradient : gradient + decay * theta;
    const from = isDecoupled ? theta - rate * decay * theta : theta;
    slots[0] = b1 * (slots[0] ?? 0) + (1 - b1) * g;
    slots[1] = b2 * (slots[1] ?? 0) + (1 - b2) * g * g;
    return from - (rate * (slots[0] / (1 - b1 ** t))) / (Math.sqrt(slots[1] / (1 - b2 ** t)) + epsilon);
  };

interface Case {
  readonly name: string;
  readonly optimizer: Optimizer;
  readonly update: Update;
  readonly clip?: GradientClip;
  readonly schedule?: Schedule;
  /** Update of the bias, where decay leaves it alone. */
  readonly undecayed?: Update;
}

const plain = { name: 'SGD', optimizer: sgd(), update: sgdByHand(0, false) };
const custom = { beta1: 0.8, beta2: 0.95, epsilon: 1e-3 };
const cases: readonly Case[] = [
  plain,
  { name: 'SGD with momentum', optimizer: sgd({ momentum: 0.9 }), update: sgdByHand(0.9, false) },
  {
    name: 'SGD with Nesterov',
    optimizer: sgd({ momentum: 0.9, nesterov: true }),
    update: sgdByHand(0.9, true),
  },
  {
    name: 'SGD with weight decay',
    optimizer: sgd({ momentum: 0.5, weightDecay: 0.3 }),
    update: sgdByHand(0.5, false, 0.3),
  },
  { name: 'Adam', optimizer: adam(), update: adamByHand({}, false) },
  {
    name: 'Adam with settings',
    optimizer: adam({ ...custom, weightDecay: 0.3 }),
    update: adamByHand({ b1: 0.8, b2: 0.95, epsilon: 1e-3, decay: 0.3 }, false),
  },
  {
    name: 'AdamW, its default decay',
    optimizer: adamW(),
    update: adamByHand({ decay: 0.01 }, true),
  },
  {
    name: 'AdamW that spares the bias',
    optimizer: adamW({ ...custom, weightDecay: 0.5 }),
    update: adamByHand({ b1: 0.8, b2: 0.95, epsilon: 1e-3, decay: 0.5 }, true),
    undecayed: adamByHand({ b1: 0.8, b2: 0.95, epsilon: 1e-3 }, true),
  },
  { ...plain, name: 'SGD clipped by value', clip: { value: 0.05 } },
  { ...plain, name: 'SGD clipped by norm', clip: { norm: 0.1 } },
  { ...plain, name: 'SGD clipped by a norm that is never reached', clip: { norm: 100 } },
  { ...plain, name: 'SGD clipped by value and norm', clip: { value: 0.1, norm: 0.12 } },
  { ...plain, name: 'SGD, linear', schedule: { kind: 'linear', final: 0.1 } },
  { ...plain, name: 'SGD, cosine after warm-up', schedule: { kind: 'cosine', warmUpSteps: 2, final: 0.2 } },
  { ...plain, name: 'SGD, steps', schedule: { kind: 'step', everyEpochs: 2, factor: 0.5 } },
];

/** Full-batch softmax regression in float64: dL/dW = (p − y)ᵀx/N, dL/db = Σ(p − y)/N. */
function byHand(
  model: Model,
  data: TestData,
  test: Case,
): { weight: Float64Array; bias: Float64Array; norms: number[] } {
  const weight = weightsOf(model, 'fc.weight');
  const bias = weightsOf(model, 'fc.bias');
  const slots = Array.from({ length: 8 }, (): number[] => []);
  const norms: number[] = [];
  const count = data.labels.length;
  for (let t = 1; t <= stepCount; t++) {
    const g = new Float64Array(8);
    for (let n = 0; n < count; n++) {
      const x = data.inputs.subarray(n * 3, n * 3 + 3);
      const z = [0, 1].map(
        (c) => bias[c]! + [0, 1, 2].reduce((sum, i) => sum + weight[c * 3 + i]! * x[i]!, 0),
      );
      const total = Math.exp(z[0]!) + Math.exp(z[1]!);
      for (const c of [0, 1]) {
        const error = (Math.exp(z[c]!) / total - Number(data.labels[n] === c)) / count;
        g[6 + c]! += error;
        for (let i = 0; i < 3; i++) g[c * 3 + i]! += error * x[i]!;
      }
    }
    const { value = Infinity, norm = Infinity } = test.clip ?? {};
    const bounded = g.map((v) => Math.max(-value, Math.min(value, v)));
    const total = Math.hypot(...bounded);
    norms.push(total);
    const scale = Math.min(1, norm / (total + 1e-6));
    const rate = learningRate * factorByHand(test.schedule, t - 1);
    for (let i = 0; i < 8; i++) {
      const isBias = i >= 6;
      const update = isBias ? (test.undecayed ?? test.update) : test.update;
      const [of, at] = isBias ? [bias, i - 6] : [weight, i];
      of[at] = update(of[at]!, bounded[i]! * scale, slots[i]!, { rate, t });
    }
  }
  return { weight, bias, norms };
}

/** The schedules of the cases worked out one by one: four steps of an epoch each. */
function factorByHand(schedule: Schedule | undefined, step: number): number {
  switch (schedule?.kind) {
    case 'linear':
      return [1, 0.775, 0.55, 0.325][step]!;
    case 'cosine':
      return [0.5, 1, 1, 0.6][step]!;
    case 'step':
      return [1, 1, 0.5, 0.5][step]!;
    default:
      return 1;
  }
}

describe('optimisers', () => {
  const data = testData(8);
  for (const test of cases) {
    it(`${test.name}: four steps equal those worked out in float64`, async () => {
      const model = linearModel();
      const norms: number[] = [];
      const trained = await train(
        model,
        runtime,
        requestFor(model, data, {
          optimizer: test.optimizer,
          learningRate,
          epochCount: stepCount,
          batchSize: 8,
          ...(test.clip === undefined ? {} : { clip: test.clip }),
          ...(test.schedule === undefined ? {} : { schedule: test.schedule }),
          ...(test.undecayed === undefined ? {} : { undecayed: ['fc.bias'] }),
          onStep: ({ gradientNorm }) => void norms.push(gradientNorm ?? NaN),
        }),
      );
      const expected = byHand(model, data, test);
      for (const [name, values] of [
        ['fc.weight', expected.weight],
        ['fc.bias', expected.bias],
      ] as const) {
        const actual = weightsOf(trained, name);
        for (const [i, value] of values.entries()) {
          assert.ok(Math.abs(actual[i]! - value) < tolerance, `${name}[${i}]: ${actual[i]!} ${value}`);
        }
      }
      if (test.clip?.norm !== undefined) {
        for (const [i, norm] of norms.entries()) assert.ok(Math.abs(norm - expected.norms[i]!) < tolerance);
      }
    });
  }

  it('Nesterov without momentum is refused', () => {
    assert.throws(() => sgd({ nesterov: true }), /momentum/);
  });
});

describe('scheduleFactor', () => {
  const at = (schedule: Schedule, step: number): number =>
    scheduleFactor(schedule, { step, stepCount: 100, epoch: step / 10, epochCount: 10 });

  it('rises through warm-up to 1 and falls to the end', () => {
    const cosine: Schedule = { kind: 'cosine', warmUpSteps: 20, final: 0.1 };
    assert.deepEqual([at(cosine, 0), at(cosine, 9), at(cosine, 19), at(cosine, 20)], [0.05, 0.5, 1, 1]);
    assert.ok(Math.abs(at(cosine, 60) - 0.55) < 1e-12);
    assert.ok(Math.abs(at(cosine, 100) - 0.1) < 1e-12);
    const linear: Schedule = { kind: 'linear', warmUpSteps: 20 };
    assert.ok(Math.abs(at(linear, 40) - 0.75) < 1e-12);
  });

  it('steps down by a factor every so many epochs', () => {
    const step: Schedule = { kind: 'step', everyEpochs: 3 };
    assert.deepEqual(
      [0, 29, 30, 60].map((at2) => at(step, at2)).map((f) => Number(f.toFixed(12))),
      [1, 1, 0.1, 0.01],
    );
    assert.equal(at({ kind: 'constant' }, 99), 1);
  });
});
