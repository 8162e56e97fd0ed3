import { join } from 'node:path';
import { createRandom, type Random } from '../../src/base/random.js';
import { writeNpz } from '../../src/data/npz.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import { prune } from '../../src/engine/rewrites/prune.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import { crossEntropy } from '../../src/engine/training/losses/crossEntropy.js';
import { adamW } from '../../src/engine/training/optimizers/adam.js';
import { train } from '../../src/engine/training/train.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue, toFloat64 } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { finishNetwork } from './network.js';
import { layInterest } from './interestLayers.js';
import { isDecayed, trainedNames, withStates } from './parameters.js';
import type { Sample, SampleContext, SampleFacts } from './sample.js';

const recipe = {
  seed: 5,
  optimizer: 'AdamW',
  learningRate: 1e-2,
  schedule: 'in each of two rounds: warm-up over 20 steps, then cosine, down to 5 %',
  weightDecay: 0.01,
  batchSize: 256,
  epochsPerRound: 12,
  loss: 'cross-entropy',
  dice: 'mean and rate measured on the training data between the rounds, then held',
  rule: 'logit of a click = 2.5 × (behaviours of the candidate’s topic) − 3.5; topic of an item = item mod 6',
};

/** Items that behaviours and candidates are, and their topics. */
const [itemCount, topicCount] = [24, 6];

/** Behaviours in a history. */
const historyLength = 8;

const [trainCount, testCount] = [12_000, 400];

/** A Deep Interest Network with Dice that learned clicks from histories, by a known rule. */
export const interestNetwork: Sample = { name: 'interest-network', make };

async function make({ dir, log }: SampleContext): Promise<SampleFacts> {
  const random = createRandom(recipe.seed);
  const [training, test] = [drawClicks(random, trainCount), drawClicks(random, testCount)];
  const untrained = build(random);
  const first = await trainOn(untrained, { data: training, random, log });
  const model = await trainOn(await measuredDice(first, training), { data: training, random, log });
  await writeModel(model, join(dir, 'interest-network.onnx'));
  await writeNpz(join(dir, 'data', 'histories.npz'), feedsOf(test, [...test.clicked.keys()]));
  return {
    description:
      'A network with a local activation unit and Dice, in the manner of DIN, that predicts clicks from past behaviours.',
    recipe: { ...recipe, parameterCount: parameterCount(model) },
    data: {
      training: `${trainCount} histories of ${historyLength} random items, half of the candidates of a topic in the history, clicks drawn by the rule`,
      committed: `${testCount} further ones`,
    },
    metric: { name: 'accuracy', value: await accuracyOf(model, test), on: `the ${testCount} committed rows` },
    more: { bestAccuracy: shareRight(test, (row) => logitOf(test, row) > 0) },
    files: ['interest-network.onnx', 'data/histories.npz'],
  };
}

function build(random: Random): Model {
  const network = layInterest(random, { itemCount, historyLength, width: 8, hiddenWidth: 12 });
  return finishNetwork(network, 2);
}

/** Parameters: weights, biases, and the slopes of Dice. */
function parametersOf(model: Model): string[] {
  const slopes = [...model.graph.initializers.keys()].filter((name) => name.endsWith('.alpha'));
  return [...trainedNames(model), ...slopes];
}

function parameterCount(model: Model): number {
  const sizes = parametersOf(model).map((name) => model.graph.initializers.get(name)?.dims ?? []);
  return sizes.reduce((sum, dims) => sum + dims.reduce((a, b) => a * b, 1), 0);
}

/** Histories `[count, 8]`, candidates, and whether they were clicked. */
interface Clicks {
  readonly histories: Uint8Array;
  readonly candidates: Uint8Array;
  readonly clicked: Uint8Array;
}

function logitOf({ histories, candidates }: Omit<Clicks, 'clicked'>, row: number): number {
  const topic = (candidates[row] ?? 0) % topicCount;
  const history = histories.subarray(row * historyLength, (row + 1) * historyLength);
  return 2.5 * history.filter((item) => item % topicCount === topic).length - 3.5;
}

function drawClicks(random: Random, count: number): Clicks {
  const histories = Uint8Array.from({ length: count * historyLength }, () => random.integer(itemCount));
  const candidates = Uint8Array.from({ length: count }, (_, row) => {
    if (random.next() < 0.5) return random.integer(itemCount);
    const known = histories[row * historyLength + random.integer(historyLength)] ?? 0;
    return (known % topicCount) + topicCount * random.integer(itemCount / topicCount);
  });
  const drawn = { histories, candidates };
  const clicked = Uint8Array.from({ length: count }, (_, row) =>
    Number(random.next() < 1 / (1 + Math.exp(-logitOf(drawn, row)))),
  );
  return { ...drawn, clicked };
}

function feedsOf(
  { histories, candidates, clicked }: Clicks,
  picked: ArrayLike<number>,
): Record<'history' | 'candidate' | 'labels', TensorValue> {
  const rows = Array.from(picked);
  const history = rows.flatMap((row) => [
    ...histories.subarray(row * historyLength, (row + 1) * historyLength),
  ]);
  const one = (values: Uint8Array): number[] => rows.map((row) => values[row] ?? 0);
  return {
    history: int64Tensor(history, [rows.length, historyLength]),
    candidate: int64Tensor(one(candidates), [rows.length, 1]),
    labels: int64Tensor(one(clicked), [rows.length]),
  };
}

function trainOn(
  model: Model,
  task: { readonly data: Clicks; readonly random: Random; readonly log: (line: string) => void },
): Promise<Model> {
  const parameters = parametersOf(model);
  return train(model, createRuntime({ provider: 'cpu', threadCount: 1 }), {
    loss: crossEntropy({ logits: 'logits', classCount: 2 }),
    parameters,
    undecayed: parameters.filter((name) => !isDecayed(model, name)),
    optimizer: adamW({ weightDecay: recipe.weightDecay }),
    learningRate: recipe.learningRate,
    schedule: { kind: 'cosine', warmUpSteps: 20, final: 0.05 },
    epochCount: recipe.epochsPerRound,
    sampleCount: trainCount,
    batchSize: recipe.batchSize,
    random: task.random,
    batch: (samples) => ({ ...feedsOf(task.data, samples) }),
    onStep: ({ step, loss }) => {
      if (step % 100 === 0) task.log(`step ${step}, loss ${loss.toFixed(4)}`);
    },
  });
}

/** Returns the model whose Dice units know mean and spread of what they are given, over the first training rows. */
async function measuredDice(model: Model, data: Clicks): Promise<Model> {
  const centring = model.graph.nodes.filter(({ inputs }) => inputs[1]?.endsWith('.mean') === true);
  const values = centring.map(({ inputs }) => inputs[0] ?? '');
  const builder = new GraphBuilder(model);
  builder.setOutputs(values);
  const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(
    prune(builder.build(), values),
  );
  const { history, candidate } = feedsOf(
    data,
    Array.from({ length: 2000 }, (_, row) => row),
  );
  const outputs = await session.run({ history, candidate });
  await session.close();
  const states = centring.flatMap(({ inputs: [value = '', mean = ''] }) => {
    const found = outputs[value];
    if (found === undefined) throw new Error(`There is no value ${value}.`);
    const { means, rates } = momentsOf(toFloat64(found), found.dims.at(-1) ?? 1);
    const tensor = (numbers: Float32Array): TensorValue => float32Tensor(numbers, [numbers.length]);
    return [[mean, tensor(means)] as const, [mean.replace(/mean$/u, 'rate'), tensor(rates)] as const];
  });
  return withStates(model, new Map(states));
}

/** Mean and 1 / √(variance + 10⁻⁸) of every unit, the last axis. */
function momentsOf(
  values: Float64Array,
  width: number,
): { readonly means: Float32Array; readonly rates: Float32Array } {
  const count = values.length / width;
  const sumOf = (unit: number, term: (value: number) => number): number =>
    values.reduce((sum, value, at) => (at % width === unit ? sum + term(value) : sum), 0) / count;
  const units = Array.from({ length: width }, (_, unit) => unit);
  const means = units.map((unit) => sumOf(unit, (value) => value));
  const rates = units.map(
    (unit) => 1 / Math.sqrt(sumOf(unit, (value) => (value - (means[unit] ?? 0)) ** 2) + 1e-8),
  );
  return { means: Float32Array.from(means), rates: Float32Array.from(rates) };
}

async function accuracyOf(model: Model, data: Clicks): Promise<number> {
  const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(model);
  const { history, candidate } = feedsOf(data, [...data.clicked.keys()]);
  const { logits } = await session.run({ history, candidate });
  await session.close();
  const scores = Array.from(logits?.data ?? [], Number);
  return shareRight(data, (row) => (scores[2 * row + 1] ?? 0) > (scores[2 * row] ?? 0));
}

function shareRight({ clicked }: Clicks, isClicked: (row: number) => boolean): number {
  const right = clicked.filter((click, row) => Number(isClicked(row)) === click).length;
  return Number((right / clicked.length).toFixed(4));
}
