import { join } from 'node:path';
import { createRandom, type Random } from '../../src/base/random.js';
import { writeNpz } from '../../src/data/npz.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import { crossEntropy } from '../../src/engine/training/losses/crossEntropy.js';
import { adamW } from '../../src/engine/training/optimizers/adam.js';
import { train } from '../../src/engine/training/train.js';
import type { Model } from '../../src/onnx/model.js';
import { int64Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { finishAt, startWith } from './network.js';
import { trainedCount, trainedNames, withStates } from './parameters.js';
import type { Sample, SampleContext, SampleFacts } from './sample.js';
import { layDecoder } from './transformer.js';

const modulus = 97;
const recipe = {
  seed: 1,
  optimizer: 'AdamW',
  learningRate: 2e-3,
  schedule: 'warm-up over 10 steps, then cosine, down to 2 %',
  weightDecay: 1,
  batchSize: 512,
  epochCount: 450,
  loss: 'cross-entropy',
};

/** Share of all pairs that is learned; the others are never seen. */
const trainedShare = 0.4;

/** A decoder of one block that learned to add modulo a prime, long after it had the training pairs by heart. */
export const modularAddition: Sample = { name: 'modular-addition', make };

/** Numbers a and b, and what they sum to. */
type Pair = readonly [number, number];

async function make({ dir, log }: SampleContext): Promise<SampleFacts> {
  const random = createRandom(recipe.seed);
  const order = [...random.permutation(modulus ** 2)];
  const pairs = order.map((index): Pair => [Math.floor(index / modulus), index % modulus]);
  const known = pairs.slice(0, Math.round(pairs.length * trainedShare));
  const unseen = pairs.slice(known.length);
  const untrained = build(random);
  const { model, curve } = await trainOn(untrained, { known, unseen, random, log });
  await writeModel(model, join(dir, 'modular-addition.onnx'));
  const ordered = [...order.keys()].map((index): Pair => [Math.floor(index / modulus), index % modulus]);
  await writeNpz(join(dir, 'data', 'pairs.npz'), feedsOf(ordered));
  return {
    description: `A decoder of one block that adds modulo ${modulus}, trained until it generalises.`,
    recipe: { ...recipe, modulus, parameterCount: trainedCount(model) },
    data: {
      training: `${known.length} of the ${pairs.length} pairs, picked with the seed`,
      committed: 'all pairs with their sums, in order',
    },
    metric: {
      name: 'accuracy',
      value: await accuracyOf(model, unseen),
      on: `the ${unseen.length} pairs that were not learned`,
    },
    more: { accuracyCurve: curve },
    files: ['modular-addition.onnx', 'data/pairs.npz'],
  };
}

function build(random: Random): Model {
  const type = { kind: 'tensor', elementType: 'int64', shape: ['N', 3] } as const;
  const network = startWith('modular-addition', { input: 'tokens', type }, random);
  layDecoder(network, {
    // The numbers, and the sign of equality.
    tokenCount: modulus + 1,
    contextLength: 3,
    width: 64,
    headCount: 4,
    hiddenWidth: 256,
    blockCount: 1,
    isNormalized: false,
    activation: 'relu',
    classCount: modulus,
  });
  return finishAt(network, 'logits', ['N', modulus]);
}

function feedsOf(pairs: readonly Pair[]): { tokens: TensorValue; labels: TensorValue } {
  return {
    tokens: int64Tensor(
      pairs.flatMap(([a, b]) => [a, b, modulus]),
      [pairs.length, 3],
    ),
    labels: int64Tensor(
      pairs.map(([a, b]) => (a + b) % modulus),
      [pairs.length],
    ),
  };
}

interface Task {
  readonly known: readonly Pair[];
  readonly unseen: readonly Pair[];
  readonly random: Random;
  readonly log: (line: string) => void;
}

interface CurvePoint {
  readonly epoch: number;
  readonly learned: number;
  readonly unseen: number;
}

async function trainOn(untrained: Model, task: Task): Promise<{ model: Model; curve: CurvePoint[] }> {
  const { known, unseen, random, log } = task;
  const parameters = trainedNames(untrained);
  const curve: CurvePoint[] = [];
  const stepsPerEpoch = Math.ceil(known.length / recipe.batchSize);
  const model = await train(untrained, createRuntime({ provider: 'cpu', threadCount: 1 }), {
    loss: crossEntropy({ logits: 'logits', classCount: modulus }),
    parameters,
    optimizer: adamW({ beta2: 0.98, weightDecay: recipe.weightDecay }),
    learningRate: recipe.learningRate,
    schedule: { kind: 'cosine', warmUpSteps: 10, final: 0.02 },
    epochCount: recipe.epochCount,
    sampleCount: known.length,
    batchSize: recipe.batchSize,
    random,
    batch: (samples) => ({ ...feedsOf(Array.from(samples, (sample) => known[sample] ?? [0, 0])) }),
    checkpoints: {
      everySteps: 10 * stepsPerEpoch,
      save: async ({ epoch, states }) => {
        const now = withStates(untrained, states);
        curve.push({ epoch, learned: await accuracyOf(now, known), unseen: await accuracyOf(now, unseen) });
        log(JSON.stringify(curve.at(-1)));
      },
    },
  });
  return { model, curve };
}

async function accuracyOf(model: Model, pairs: readonly Pair[]): Promise<number> {
  const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(model);
  const { tokens, labels } = feedsOf(pairs);
  const { logits } = await session.run({ tokens });
  await session.close();
  const scores = Array.from(logits?.data ?? [], Number);
  const right = Array.from(labels.data, Number).filter((label, row) => {
    const own = scores.slice(row * modulus, (row + 1) * modulus);
    return own.indexOf(Math.max(...own)) === label;
  });
  return Number((right.length / pairs.length).toFixed(4));
}
