import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
} from '../../../src/engine/training/checkpoint.js';
import { squaredError } from '../../../src/engine/training/losses/squaredError.js';
import { adam } from '../../../src/engine/training/optimizers/adam.js';
import { sgd } from '../../../src/engine/training/optimizers/sgd.js';
import { train, type TrainingRequest } from '../../../src/engine/training/train.js';
import { float32Tensor, int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { feedsOf, linearModel, requestFor, testData, weightsOf } from '../../support/training.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

describe('train', () => {
  const data = testData(20);
  const usual = { optimizer: adam(), learningRate: 0.05, epochCount: 3, batchSize: 8 };

  /** Adds noise, so that batches draw from the generator as well. */
  const noisy: TrainingRequest['batch'] = (samples, random) => {
    const feeds = feedsOf(data, samples);
    const x = toFloat64(feeds['x']!).map((value) => value + 0.1 * random.normal());
    return { ...feeds, x: float32Tensor([...x], feeds['x']!.dims) };
  };

  it('learns exclusive-or, which no linear model can', async () => {
    const inputs = Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1);
    const model = denseModel([2, 32, 2], 'Relu', 3);
    const labels = [0, 1, 1, 0];
    const trained = await train(model, runtime, {
      ...requestFor(model, { inputs, labels }, { ...usual, epochCount: 200, batchSize: 4 }),
      batch: (samples) => ({
        x: float32Tensor(
          [...samples].flatMap((row) => [...inputs.subarray(row * 2, row * 2 + 2)]),
          [samples.length, 2],
        ),
        labels: int64Tensor(
          [...samples].map((row) => labels[row]!),
          [samples.length],
        ),
      }),
    });
    const session = await runtime.open(trained);
    const { logits } = await session.run({ x: float32Tensor(inputs, [4, 2]) });
    await session.close();
    const scores = toFloat64(logits!);
    assert.deepEqual(
      [0, 1, 2, 3].map((row) => Number(scores[row * 2 + 1]! > scores[row * 2]!)),
      labels,
    );
  });

  it('finds the weights that made the data', async () => {
    const model = linearModel();
    const planted = [1, -2, 0.5, 0.25, 3, -1];
    const trained = await train(model, runtime, {
      ...requestFor(model, data, { ...usual, optimizer: sgd({ momentum: 0.9 }), epochCount: 150 }),
      loss: squaredError({ output: 'logits' }),
      batch: (samples) => {
        const { x } = feedsOf(data, samples);
        const rows = toFloat64(x!);
        const targets = [...samples].flatMap((_, n) =>
          [0, 1].map((c) => [0, 1, 2].reduce((sum, i) => sum + planted[c * 3 + i]! * rows[n * 3 + i]!, 1)),
        );
        return { x: x!, targets: float32Tensor(targets, [samples.length, 2]) };
      },
    });
    const found = [...weightsOf(trained, 'fc.weight'), ...weightsOf(trained, 'fc.bias')];
    for (const [i, value] of [...planted, 1, 1].entries()) assert.ok(Math.abs(found[i]! - value) < 1e-4);
  });

  it('gives equal bytes for equal seeds and other weights for another order of samples', async () => {
    const weightsFor = async (seed: number): Promise<Float64Array> => {
      const model = linearModel();
      return weightsOf(await train(model, runtime, requestFor(model, data, { ...usual, seed })), 'fc.weight');
    };
    assert.deepEqual(await weightsFor(1), await weightsFor(1));
    assert.notDeepEqual(await weightsFor(1), await weightsFor(2));
  });

  it('keeps the order of samples when it is told not to shuffle', async () => {
    const model = linearModel();
    const seen: number[][] = [];
    await train(model, runtime, {
      ...requestFor(model, data, { ...usual, epochCount: 2, shuffles: false }),
      batch: (samples) => {
        seen.push([...samples]);
        return feedsOf(data, samples);
      },
    });
    const epoch = [...Array(20).keys()];
    assert.deepEqual(seen.flat(), [...epoch, ...epoch]);
    assert.deepEqual(
      seen.map((samples) => samples.length),
      [8, 8, 4, 8, 8, 4],
    );
  });

  for (const [name, optimizer] of [
    ['SGD with momentum', sgd({ momentum: 0.9, nesterov: true })],
    ['Adam', adam()],
  ] as const) {
    it(`goes on from any checkpoint to the same bytes: ${name}`, async () => {
      const model = linearModel();
      const request = (rest: Partial<TrainingRequest>): TrainingRequest => ({
        ...requestFor(model, data, { ...usual, optimizer }),
        batch: noisy,
        schedule: { kind: 'cosine', warmUpSteps: 2 },
        ...rest,
      });
      const saved: Uint8Array[] = [];
      const save = (checkpoint: Checkpoint): void => {
        saved.push(encodeCheckpoint(checkpoint));
      };
      const whole = await train(model, runtime, request({ checkpoints: { everySteps: 1, save } }));
      // 3 epochs of 3 batches; after 3 and 6 an epoch ends.
      assert.equal(saved.length, 9);
      for (const [index, bytes] of saved.entries()) {
        let stepCount = 0;
        const resumed = await train(
          linearModel(99),
          runtime,
          request({
            random: createRandom(1234),
            resume: await decodeCheckpoint(bytes),
            onStep: () => {
              stepCount++;
            },
          }),
        );
        assert.equal(stepCount, 8 - index);
        for (const parameter of ['fc.weight', 'fc.bias']) {
          assert.deepEqual(weightsOf(resumed, parameter), weightsOf(whole, parameter), `after ${index + 1}`);
        }
      }
    });
  }

  it('gives the same bytes however many steps a run does', async () => {
    const model = linearModel();
    const losses: number[][] = [];
    const results = [];
    for (const stepsPerRun of [1, 2, 5]) {
      const own: number[] = [];
      losses.push(own);
      const trained = await train(model, runtime, {
        ...requestFor(model, data, { ...usual, stepsPerRun, clip: { norm: 0.1 } }),
        batch: noisy,
        onStep: ({ loss, gradientNorm }) => void own.push(loss, gradientNorm!),
      });
      results.push([weightsOf(trained, 'fc.weight'), weightsOf(trained, 'fc.bias')]);
    }
    assert.equal(losses[0]!.length, 18);
    assert.deepEqual(losses[1], losses[0]);
    assert.deepEqual(losses[2], losses[0]);
    assert.deepEqual(results[1], results[0]);
    assert.deepEqual(results[2], results[0]);
  });

  it('refuses a checkpoint of another training, and bytes that are none', async () => {
    const model = linearModel();
    let checkpoint: Checkpoint | undefined;
    const save = (saved: Checkpoint): void => {
      checkpoint = saved;
    };
    await train(model, runtime, requestFor(model, data, { ...usual, checkpoints: { everySteps: 9, save } }));
    const other = requestFor(model, data, { ...usual, optimizer: sgd(), resume: checkpoint! });
    await assert.rejects(train(model, runtime, other), { code: 'checkpoint-mismatch' });
    const bytes = encodeCheckpoint(checkpoint!);
    for (const cut of [0, 4, 40, bytes.length - 1]) {
      await assert.rejects(decodeCheckpoint(bytes.subarray(0, cut)), { code: 'malformed-checkpoint' });
    }
    assert.deepEqual(await decodeCheckpoint(bytes), checkpoint);
  });

  it('says which parameter cannot be trained', async () => {
    const builder = new GraphBuilder(linearModel());
    builder.constant(normalTensor(createRandom(1), [2]), 'unused');
    builder.constant(int64Tensor([1], [1]), 'whole');
    const model = builder.build();
    for (const name of ['unused', 'whole']) {
      const request = requestFor(model, data, { ...usual, parameters: ['fc.weight', name] });
      await assert.rejects(train(model, runtime, request), { code: 'not-trainable' }, name);
    }
  });

  it('stops at the next batch when it is cancelled', async () => {
    const model = linearModel();
    const controller = new AbortController();
    let stepCount = 0;
    const request = requestFor(model, data, {
      ...usual,
      onStep: () => {
        stepCount++;
        controller.abort();
      },
    });
    await assert.rejects(train(model, runtime, request, controller.signal), { name: 'Cancelled' });
    assert.equal(stepCount, 1);
  });
});

describe('train, with BatchNormalization', () => {
  /** x [N, 2, 3] → BatchNormalization → ReduceMean → Gemm. */
  const model = (() => {
    const builder = new GraphBuilder(emptyModel());
    const random = createRandom(3);
    builder.addInput('x', floatType('N', 2, 3));
    for (const name of ['scale', 'bias', 'mean']) builder.constant(normalTensor(random, [2]), name);
    builder.constant(float32Tensor([0.5, 2], [2]), 'variance');
    builder.node('BatchNormalization', ['x', 'scale', 'bias', 'mean', 'variance'], {
      outputs: ['normal'],
      attributes: { momentum: { kind: 'float', value: 0.75 } },
    });
    builder.node('Tanh', ['normal'], { outputs: ['act'] });
    builder.node('ReduceMean', ['act'], { outputs: ['y'], attributes: { axes: [2], keepdims: 0 } });
    builder.addOutput('y');
    return builder.build();
  })();
  const x = normalTensor(createRandom(4), [5, 2, 3]);
  const targets = normalTensor(createRandom(5), [5, 2]);

  /** The loss in float64, with the statistics of the batch. */
  const lossOf = (scale: number[], bias: number[]): number => {
    let sum = 0;
    for (const c of [0, 1]) {
      const values = channel(c);
      const { mean, variance } = momentsOf(values);
      for (let n = 0; n < 5; n++) {
        const row = values.slice(n * 3, n * 3 + 3);
        const y = row.map((v) =>
          Math.tanh((scale[c]! * (v - mean)) / Math.sqrt(variance + Math.fround(1e-5)) + bias[c]!),
        );
        sum += ((y[0]! + y[1]! + y[2]!) / 3 - Number(targets.data[n * 2 + c])) ** 2;
      }
    }
    return sum / 10;
  };
  const channel = (c: number): number[] => [...toFloat64(x)].filter((_, i) => Math.floor(i / 3) % 2 === c);
  const momentsOf = (values: number[]): { mean: number; variance: number } => {
    const mean = values.reduce((a, b) => a + b) / values.length;
    return { mean, variance: values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length };
  };

  it('uses the statistics of the batch, moves the running ones, and leaves the trained model as it was built', async () => {
    const trained = await train(model, runtime, {
      loss: squaredError({ output: 'y' }),
      parameters: ['scale', 'bias'],
      optimizer: sgd(),
      learningRate: 1,
      epochCount: 1,
      sampleCount: 5,
      batchSize: 5,
      shuffles: false,
      random: createRandom(1),
      batch: () => ({ x, targets }),
    });
    const scale = [...weightsOf(model, 'scale')];
    const bias = [...weightsOf(model, 'bias')];
    const h = 1e-5;
    for (const c of [0, 1]) {
      const nudged = (values: number[], by: number): number[] => values.map((v, i) => (i === c ? v + by : v));
      const dScale = (lossOf(nudged(scale, h), bias) - lossOf(nudged(scale, -h), bias)) / (2 * h);
      const dBias = (lossOf(scale, nudged(bias, h)) - lossOf(scale, nudged(bias, -h))) / (2 * h);
      assert.ok(Math.abs(scale[c]! - weightsOf(trained, 'scale')[c]! - dScale) < 1e-5);
      assert.ok(Math.abs(bias[c]! - weightsOf(trained, 'bias')[c]! - dBias) < 1e-5);
      const { mean, variance } = momentsOf(channel(c));
      const running = (name: string): number => weightsOf(trained, name)[c]!;
      assert.ok(Math.abs(running('mean') - (0.75 * weightsOf(model, 'mean')[c]! + 0.25 * mean)) < 1e-6);
      assert.ok(Math.abs(running('variance') - (0.75 * [0.5, 2][c]! + 0.25 * variance)) < 1e-6);
    }
    assert.deepEqual(trained.graph.nodes, model.graph.nodes);
  });

  it('passes the gradient through the statistics to what comes before', async () => {
    // x itself as a parameter: its gradient includes what it does to mean and variance.
    const constant = new GraphBuilder({ ...model, graph: { ...model.graph, inputs: [] } });
    const bytes = new Uint8Array((x.data as Float32Array).slice().buffer);
    constant.initializer({
      name: 'x',
      elementType: 'float32',
      dims: x.dims,
      source: { kind: 'inline', bytes },
    });
    const before = constant.build();
    const trained = await train(before, runtime, {
      loss: squaredError({ output: 'y' }),
      parameters: ['x'],
      optimizer: sgd(),
      learningRate: 1,
      epochCount: 1,
      sampleCount: 5,
      batchSize: 5,
      random: createRandom(1),
      batch: () => ({ targets }),
    });
    const scale = [...weightsOf(model, 'scale')];
    const bias = [...weightsOf(model, 'bias')];
    const gradient = weightsOf(trained, 'x').map((after, i) => toFloat64(x)[i]! - after);
    const data = x.data as Float32Array;
    for (let i = 0; i < 30; i += 7) {
      const original = data[i]!;
      // Steps of a power of two, exact in float32 at this size.
      const h = 2 ** -10;
      const at = (value: number): number => {
        data[i] = value;
        return lossOf(scale, bias);
      };
      const numeric = (at(Math.fround(original + h)) - at(Math.fround(original - h))) / (2 * h);
      data[i] = original;
      assert.ok(Math.abs(gradient[i]! - numeric) < 1e-5, `${i}: ${gradient[i]!} ${numeric}`);
    }
  });
});
