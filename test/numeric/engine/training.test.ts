import assert from 'node:assert/strict';
import { createRandom, type Random } from '../../../src/base/random.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { type LabelledBatch, train, type TrainingRequest } from '../../../src/engine/training/train.js';
import { inlineValue } from '../../../src/onnx/loadTensor.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { finishNetwork, layLinear, layRelu, startNetwork } from '../../../scripts/samples/network.js';

const learningRate = 0.05;

describe('train', () => {
  const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

  it('equals Adam worked out by hand in float64 over three steps of a linear model', async () => {
    const model = linearModel(createRandom(5));
    const data = makeData(createRandom(6), 8);
    const trained = await train(
      model,
      runtime,
      request(model, data, { epochCount: 3, batchSize: 8, seed: 1 }),
    );
    const expected = adamByHand(model, data, 3);
    for (const [name, values] of Object.entries(expected)) {
      const actual = weightsOf(trained, name);
      // Float32 steps of size 0.05 on weights below 1: a few units in the last place, far under any step.
      for (const [i, value] of values.entries()) {
        assert.ok(Math.abs(actual[i]! - value) < 2e-5, `${name}[${i}]`);
      }
    }
  });

  it('learns exclusive-or, which no linear model can', async () => {
    const model = xorModel(createRandom(3));
    const data = xorData();
    const trained = await train(
      model,
      runtime,
      request(model, data, { epochCount: 200, batchSize: 4, seed: 2 }),
    );
    const session = await runtime.open(trained);
    const { logits } = await session.run({ image: float32Tensor(data.inputs, [4, 2]) });
    await session.close();
    const scores = toFloat64(logits!);
    const classes = [0, 1, 2, 3].map((row) => Number(scores[row * 2 + 1]! > scores[row * 2]!));
    assert.deepEqual(classes, [...data.labels]);
  });

  it('gives equal bytes for equal seeds and other weights for another order of samples', async () => {
    const bytesFor = async (seed: number): Promise<Float64Array> => {
      const model = linearModel(createRandom(5));
      const data = makeData(createRandom(6), 32);
      const trained = await train(
        model,
        runtime,
        request(model, data, { epochCount: 2, batchSize: 8, seed }),
      );
      return weightsOf(trained, 'fc.weight');
    };
    assert.deepEqual(await bytesFor(1), await bytesFor(1));
    assert.notDeepEqual(await bytesFor(1), await bytesFor(2));
  });

  it('stops at the next batch when it is cancelled', async () => {
    const model = linearModel(createRandom(5));
    const controller = new AbortController();
    let stepCount = 0;
    const options = {
      ...request(model, makeData(createRandom(6), 32), { epochCount: 5, batchSize: 8, seed: 1 }),
      onStep: () => {
        stepCount++;
        controller.abort();
      },
    };
    await assert.rejects(train(model, runtime, options, controller.signal), { name: 'Cancelled' });
    assert.equal(stepCount, 1);
  });
});

interface Data {
  readonly inputs: Float32Array;
  readonly labels: Int32Array;
  readonly width: number;
}

function linearModel(random: Random): Model {
  const network = startNetwork('linear', [3], random);
  layLinear(network, 'fc', { in: 3, out: 2 });
  return finishNetwork(network, 2);
}

function xorModel(random: Random): Model {
  const network = startNetwork('xor', [2], random);
  layLinear(network, 'fc1', { in: 2, out: 32 });
  layRelu(network, 'relu1');
  layLinear(network, 'fc2', { in: 32, out: 2 });
  return finishNetwork(network, 2);
}

function xorData(): Data {
  return { inputs: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), labels: Int32Array.of(0, 1, 1, 0), width: 2 };
}

function makeData(random: Random, count: number): Data {
  return {
    inputs: Float32Array.from({ length: count * 3 }, () => random.normal()),
    labels: Int32Array.from({ length: count }, () => random.integer(2)),
    width: 3,
  };
}

function request(
  model: Model,
  data: Data,
  { epochCount, batchSize, seed }: { epochCount: number; batchSize: number; seed: number },
): TrainingRequest {
  return {
    logits: 'logits',
    classCount: 2,
    parameters: [...model.graph.initializers.keys()],
    adam: { learningRate },
    epochCount,
    sampleCount: data.labels.length,
    random: createRandom(seed),
    batches: (order) => batchesOf(data, order, batchSize),
  };
}

async function* batchesOf(data: Data, order: Uint32Array, batchSize: number): AsyncGenerator<LabelledBatch> {
  for (let start = 0; start < order.length; start += batchSize) {
    const rows = [...order.subarray(start, start + batchSize)];
    const inputs = rows.flatMap((row) => [...data.inputs.subarray(row * data.width, (row + 1) * data.width)]);
    yield await Promise.resolve({
      feeds: { image: float32Tensor(inputs, [rows.length, data.width]) },
      labels: Int32Array.from(rows, (row) => data.labels[row]!),
    });
  }
}

function weightsOf(model: Model, name: string): Float64Array {
  return toFloat64(inlineValue(model.graph.initializers.get(name)!)!);
}

/** Full-batch Adam of softmax regression: dL/dW = (p − y)ᵀ x / N, dL/db = Σ (p − y) / N. */
function adamByHand(model: Model, data: Data, stepCount: number): Record<string, Float64Array> {
  const weight = weightsOf(model, 'fc.weight');
  const bias = weightsOf(model, 'fc.bias');
  const moments = {
    weight: [new Float64Array(6), new Float64Array(6)],
    bias: [new Float64Array(2), new Float64Array(2)],
  };
  const count = data.labels.length;
  for (let t = 1; t <= stepCount; t++) {
    const dWeight = new Float64Array(6);
    const dBias = new Float64Array(2);
    for (let n = 0; n < count; n++) {
      const x = data.inputs.subarray(n * 3, n * 3 + 3);
      const z = [0, 1].map(
        (c) => bias[c]! + [0, 1, 2].reduce((sum, i) => sum + weight[c * 3 + i]! * x[i]!, 0),
      );
      const total = Math.exp(z[0]!) + Math.exp(z[1]!);
      for (const c of [0, 1]) {
        const error = (Math.exp(z[c]!) / total - Number(data.labels[n] === c)) / count;
        dBias[c]! += error;
        for (let i = 0; i < 3; i++) dWeight[c * 3 + i]! += error * x[i]!;
      }
    }
    for (const [theta, g, [m, v]] of [
      [weight, dWeight, moments.weight],
      [bias, dBias, moments.bias],
    ] as const) {
      for (let i = 0; i < theta.length; i++) {
        m![i] = 0.9 * m![i]! + 0.1 * g[i]!;
        v![i] = 0.999 * v![i]! + 0.001 * g[i]! ** 2;
        theta[i]! -=
          (learningRate * (m![i]! / (1 - 0.9 ** t))) / (Math.sqrt(v![i]! / (1 - 0.999 ** t)) + 1e-8);
      }
    }
  }
  return { 'fc.weight': weight, 'fc.bias': bias };
}
