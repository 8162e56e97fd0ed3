import { createRandom } from '../src/base/random.js';
import { createRuntime } from '../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../src/engine/runtime/session.js';
import { crossEntropy } from '../src/engine/training/losses/crossEntropy.js';
import { adam } from '../src/engine/training/optimizers/adam.js';
import { openStepRunner, type States } from '../src/engine/training/stepRunner.js';
import { buildTrainingStep } from '../src/engine/training/trainingStep.js';
import { inlineValue } from '../src/onnx/loadTensor.js';
import type { Model } from '../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../src/onnx/tensorValue.js';
import {
  finishNetwork,
  layConv,
  layFlatten,
  layLinear,
  layMaxPool,
  layRelu,
  startNetwork,
} from '../scripts/samples/network.js';
import { normalTensor } from '../test/support/modelBuilder.js';
import type { BenchRow } from './benchRow.js';
import { median } from './median.js';

/** Steps of one measurement, and how many of them one run does when the weights stay in the runtime. */
const stepCount = 32;
const repeatCount = 7;
const batchSize = 64;

/** Measures what it gains that weights and moments stay in the runtime between steps, against a step a run. */
export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const [name, model] of Object.entries(models())) rows.push(...(await measure(name, model)));
  return rows;
}

function models(): Record<string, Model> {
  const dense = startNetwork('dense', [1, 28, 28], createRandom(1));
  layFlatten(dense, 'flatten');
  layLinear(dense, 'fc1', { in: 784, out: 1024 });
  layRelu(dense, 'relu1');
  layLinear(dense, 'fc2', { in: 1024, out: 10 });
  const conv = startNetwork('conv', [1, 28, 28], createRandom(1));
  layConv(conv, 'conv1', { in: 1, out: 16, size: 3 });
  layRelu(conv, 'relu1');
  layMaxPool(conv, 'pool1');
  layFlatten(conv, 'flatten');
  layLinear(conv, 'fc1', { in: 16 * 14 * 14, out: 10 });
  return {
    'dense 784-1024-10': finishNetwork(dense, 10),
    'convolution and dense layer': finishNetwork(conv, 10),
  };
}

async function measure(name: string, model: Model): Promise<BenchRow[]> {
  const parameters = [...model.graph.initializers.keys()];
  const step = buildTrainingStep(model, {
    loss: crossEntropy({ logits: 'logits', classCount: 10 }),
    parameters,
    optimizer: adam(),
  });
  const start = new Map(
    step.states.map(({ input, initializer, kind, dims }): [string, TensorValue] => {
      const value = inlineValue(model.graph.initializers.get(initializer)!)!;
      return [input, kind === 'weight' ? value : float32Tensor(new Float32Array(value.data.length), dims)];
    }),
  );
  const random = createRandom(2);
  const feeds: Feeds = {
    image: normalTensor(random, [batchSize, 1, 28, 28]),
    labels: int64Tensor(
      Array.from({ length: batchSize }, () => random.integer(10)),
      [batchSize],
    ),
    [step.learningRate]: float32Tensor([1e-3], []),
    ...Object.fromEntries(step.scalars.map((scalar) => [scalar, float32Tensor([1], [])])),
  };
  const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });
  const times: number[][] = [];
  const runners = [await openStepRunner(runtime, step, 1), await openStepRunner(runtime, step, stepCount)];
  for (let repeat = -1; repeat < repeatCount; repeat++) {
    const pair: number[] = [];
    for (const [index, runner] of runners.entries()) {
      const perRun = index === 0 ? 1 : stepCount;
      let states: States = start;
      const before = performance.now();
      for (let done = 0; done < stepCount; done += perRun) {
        const results = await runner.run(
          states,
          Array.from({ length: perRun }, () => feeds),
        );
        states = results.states;
      }
      pair.push((performance.now() - before) / stepCount);
    }
    // The first round warms up.
    if (repeat >= 0) times.push(pair);
  }
  for (const runner of runners) await runner.close();
  return [
    { name: `training step: ${name}`, value: median(times.map(([single]) => single!)), unit: 'ms' },
    {
      name: `weights kept in the runtime for ${stepCount} steps: ${name}`,
      ratio: median(times.map(([single, kept]) => kept! / single!)),
    },
  ];
}
