import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, type Random } from '../../src/base/random.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import { crossEntropy } from '../../src/engine/training/losses/crossEntropy.js';
import { adamW } from '../../src/engine/training/optimizers/adam.js';
import { train } from '../../src/engine/training/train.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { constant, finishNetwork, floatType, lay, type Network, startWith } from './network.js';
import { isDecayed, trainedCount, trainedNames } from './parameters.js';
import type { Sample, SampleContext, SampleFacts } from './sample.js';
import { layDense, layLayerNorm } from './transformer.js';

const recipe = {
  seed: 3,
  optimizer: 'AdamW',
  learningRate: 5e-3,
  schedule: 'warm-up over 50 steps, then cosine, down to 2 %',
  weightDecay: 0.02,
  batchSize: 256,
  epochCount: 40,
  loss: 'cross-entropy',
  rule: 'logit of a click = 2 age · price + hour − 0.8 position + 1.2 hour · length · device − 0.5',
};

const columns = ['hour', 'age', 'price', 'position', 'length', 'device', 'brand', 'noise'];
const width = columns.length;
const [trainCount, testCount] = [12_000, 600];

/** A linear and an exponential cross network side by side, with self-masks, that learned clicks of a known rule. */
export const crossNetwork: Sample = { name: 'cross-network', make };

async function make({ dir, log }: SampleContext): Promise<SampleFacts> {
  const random = createRandom(recipe.seed);
  const [training, test] = [drawClicks(random, trainCount), drawClicks(random, testCount)];
  const model = await trainOn(build(random), { data: training, random, log });
  await writeModel(model, join(dir, 'cross-network.onnx'));
  writeFileSync(join(dir, 'data', 'clicks.csv'), csvOf(test));
  return {
    description:
      'A linear and an exponential cross network with self-masks, in the manner of FCN, that predict clicks.',
    recipe: { ...recipe, parameterCount: trainedCount(model) },
    data: {
      training: `${trainCount} rows of independent standard normal columns, clicks drawn by the rule`,
      committed: `${testCount} further rows`,
    },
    metric: { name: 'accuracy', value: await accuracyOf(model, test), on: `the ${testCount} committed rows` },
    more: { bestAccuracy: bestAccuracyOf(test) },
    files: ['cross-network.onnx', 'data/clicks.csv'],
  };
}

function build(random: Random): Model {
  const network = startWith('cross-network', { input: 'x', type: floatType(['N', width]) }, random);
  const x = network.value;
  for (const layer of [0, 1]) layCross(network, `linear.${layer}`, x);
  layDense(network, 'linear_head', { in: width, out: 2 });
  const linear = network.value;
  network.value = x;
  for (const layer of [0, 1]) layCross(network, `exponential.${layer}`, network.value);
  layDense(network, 'exponential_head', { in: width, out: 2 });
  lay(network, { opType: 'Add', name: '' }, [linear], {});
  const half = network.builder.constant({ dtype: 'float32', dims: [], data: Float32Array.of(0.5) });
  lay(network, { opType: 'Mul', name: '' }, [half], {});
  return finishNetwork(network, 2);
}

/**
 * Lays x ← base ⊙ ([Wx ‖ Wx ⊙ relu(norm(Wx))] + b) + x: with the input as base the order grows by one a layer, with x itself
 * it doubles.
 */
function layCross(network: Network, name: string, base: string): void {
  const x = network.value;
  layDense(network, `${name}.w`, { in: width, out: width / 2, bias: false });
  const crossed = network.value;
  layLayerNorm(network, `${name}.norm`, width / 2);
  lay(network, { opType: 'Relu', name: `${name}.masker` }, [], {});
  lay(network, { opType: 'Mul', name }, [crossed], {});
  const masked = network.value;
  network.value = crossed;
  lay(network, { opType: 'Concat', name }, [masked], { axis: -1 });
  lay(
    network,
    { opType: 'Add', name },
    [constant(network, `${name}.bias`, new Float32Array(width), [width])],
    {},
  );
  lay(network, { opType: 'Mul', name }, [base], {});
  lay(network, { opType: 'Add', name }, [x], {});
}

/** Rows `[count, width]`, and whether each was clicked. */
interface Clicks {
  readonly rows: Float32Array;
  readonly clicked: Uint8Array;
}

function logitOf(row: Float32Array): number {
  const [hour = 0, age = 0, price = 0, position = 0, length = 0, device = 0] = row;
  return 2 * age * price + hour - 0.8 * position + 1.2 * hour * length * device - 0.5;
}

function drawClicks(random: Random, count: number): Clicks {
  const rows = Float32Array.from({ length: count * width }, () => Number(random.normal().toFixed(3)));
  const clicked = Uint8Array.from({ length: count }, (_, row) => {
    const logit = logitOf(rows.subarray(row * width, (row + 1) * width));
    return Number(random.next() < 1 / (1 + Math.exp(-logit)));
  });
  return { rows, clicked };
}

function csvOf({ rows, clicked }: Clicks): string {
  const lines = Array.from(clicked, (click, row) =>
    [...Array.from(rows.subarray(row * width, (row + 1) * width), (value) => value.toFixed(3)), click].join(
      ',',
    ),
  );
  return `${[...columns, 'click'].join(',')}\n${lines.join('\n')}\n`;
}

function feedsOf({ rows, clicked }: Clicks, picked: ArrayLike<number>): Record<'x' | 'labels', TensorValue> {
  const indices = Array.from(picked);
  const data = Float32Array.from(
    indices.flatMap((row) => [...rows.subarray(row * width, (row + 1) * width)]),
  );
  return {
    x: float32Tensor(data, [indices.length, width]),
    labels: int64Tensor(
      indices.map((row) => clicked[row] ?? 0),
      [indices.length],
    ),
  };
}

function trainOn(
  untrained: Model,
  task: { readonly data: Clicks; readonly random: Random; readonly log: (line: string) => void },
): Promise<Model> {
  const parameters = trainedNames(untrained);
  return train(untrained, createRuntime({ provider: 'cpu', threadCount: 1 }), {
    loss: crossEntropy({ logits: 'logits', classCount: 2 }),
    parameters,
    undecayed: parameters.filter((name) => !isDecayed(untrained, name)),
    optimizer: adamW({ weightDecay: recipe.weightDecay }),
    learningRate: recipe.learningRate,
    schedule: { kind: 'cosine', warmUpSteps: 50, final: 0.02 },
    epochCount: recipe.epochCount,
    sampleCount: trainCount,
    batchSize: recipe.batchSize,
    random: task.random,
    batch: (samples) => ({ ...feedsOf(task.data, samples) }),
    onStep: ({ step, loss }) => {
      if (step % 200 === 0) task.log(`step ${step}, loss ${loss.toFixed(4)}`);
    },
  });
}

async function accuracyOf(model: Model, data: Clicks): Promise<number> {
  const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(model);
  const { x } = feedsOf(data, [...data.clicked.keys()]);
  const { logits } = await session.run({ x });
  await session.close();
  const scores = Array.from(logits?.data ?? [], Number);
  return shareRight(data, (row) => (scores[2 * row + 1] ?? 0) > (scores[2 * row] ?? 0));
}

/** What the rule itself gets right: clicks are drawn, so no model does better for long. */
function bestAccuracyOf(data: Clicks): number {
  return shareRight(data, (row) => logitOf(data.rows.subarray(row * width, (row + 1) * width)) > 0);
}

function shareRight({ clicked }: Clicks, isClicked: (row: number) => boolean): number {
  const right = clicked.filter((click, row) => Number(isClicked(row)) === click).length;
  return Number((right / clicked.length).toFixed(4));
}
