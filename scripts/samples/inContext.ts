import { join } from 'node:path';
import { createRandom, type Random } from '../../src/base/random.js';
import { writeNpz } from '../../src/data/npz.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import { crossEntropy } from '../../src/engine/training/losses/crossEntropy.js';
import { adamW } from '../../src/engine/training/optimizers/adam.js';
import { train } from '../../src/engine/training/train.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { finishAt, floatType, lay, type Network, startWith } from './network.js';
import { isDecayed, trainedCount, trainedNames } from './parameters.js';
import { drawTask, type Task } from './priorTasks.js';
import type { Sample, SampleContext, SampleFacts } from './sample.js';
import { layBlock, layDense, layEmbedding, layLayerNorm } from './transformer.js';

const recipe = {
  seed: 1,
  optimizer: 'AdamW',
  learningRate: 2e-3,
  schedule: 'warm-up over 200 steps, then cosine, down to 2 %',
  weightDecay: 0.01,
  batchSize: 32,
  stepCount: 5000,
  loss: 'cross-entropy',
};

const width = 32;
const classCount = 2;

/** Rows that the model learns to answer at once, and rows of a table that it is given, at most. */
const queryCount = 32;
const trainCounts = { least: 6, most: 40 };

/** A transformer that reads a small table with its classes and answers rows of its own: no weight changes for it. */
export const inContext: Sample = { name: 'in-context', make };

async function make({ dir, log }: SampleContext): Promise<SampleFacts> {
  const random = createRandom(recipe.seed);
  const model = await trainOn(build(random), random, log);
  await writeModel(model, join(dir, 'in-context.onnx'));
  const unseen = createRandom(recipe.seed + 1);
  const tasks = drawTasks(unseen, 8, { trainCount: 40, queryCount: 40 });
  const { x_train, y_train, x_query } = feedsOf(tasks);
  await writeNpz(join(dir, 'data', 'tables.npz'), { x_train, y_train, x_query });
  const testTasks = drawTasks(unseen, 500, { trainCount: 40, queryCount: 40 });
  return {
    description:
      'A transformer that reads a table with its classes and answers rows of its own, in the manner of TabPFN.',
    recipe: { ...recipe, parameterCount: trainedCount(model) },
    data: {
      training:
        'tables of two columns and two classes, drawn while training from lines, steps, discs and random networks',
      committed: '8 tables of 40 rows, with 40 rows to answer each',
    },
    metric: {
      name: 'accuracy',
      value: await accuracyOf(model, testTasks),
      on: '40 rows each of 500 new tables of 40 rows',
    },
    more: {
      accuracyByRows: {
        '8': await accuracyOf(model, drawTasks(unseen, 500, { trainCount: 8, queryCount: 40 })),
        '20': await accuracyOf(model, drawTasks(unseen, 500, { trainCount: 20, queryCount: 40 })),
      },
    },
    files: ['in-context.onnx', 'data/tables.npz'],
  };
}

/** Rows of the table and rows to answer in one sequence, of which every row sees those of the table. */
function build(random: Random): Model {
  const network = startWith('in-context', { input: 'x_train', type: floatType(['N', 'T', 2]) }, random);
  const { builder } = network;
  const xTrain = network.value;
  const yTrain = builder.addInput('y_train', { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] });
  const xQuery = builder.addInput('x_query', floatType(['N', 'Q', 2]));
  network.value = builder.node('Concat', [xTrain, xQuery], { attributes: { axis: 1 } });
  layDense(network, 'embed', { in: 2, out: width });
  const rows = network.value;
  layEmbeddedClasses(network, yTrain, xQuery);
  lay(network, { opType: 'Add', name: '' }, [rows], {});
  const isSeen = trainRowsOf(network, xTrain, xQuery);
  for (const block of [0, 1, 2]) {
    layBlock(network, `blocks.${block}`, {
      width,
      headCount: 2,
      hiddenWidth: 2 * width,
      isNormalized: true,
      activation: 'gelu',
      isSeen,
    });
  }
  layLayerNorm(network, 'norm', width);
  layDense(network, 'head', { in: width, out: classCount });
  takeQueries(network, xTrain);
  return finishAt(network, 'logits', ['N', 'Q', classCount]);
}

/** The embedding of its class for a row of the table, nothing for the others. */
function layEmbeddedClasses(network: Network, yTrain: string, xQuery: string): void {
  const { builder } = network;
  network.value = yTrain;
  layEmbedding(network, 'label', { count: classCount, width });
  const embedded = network.value;
  // [N, Q, width] of zeros: the rows that are asked about have no class.
  const shape = builder.node('Concat', [firstSizes(network, xQuery), builder.int64s([width])], {
    attributes: { axis: 0 },
  });
  const nothing = builder.node('Expand', [builder.scalar(0), shape]);
  network.value = builder.node('Concat', [embedded, nothing], { attributes: { axis: 1 } });
}

/** N and the number of rows. */
function firstSizes({ builder }: Network, value: string): string {
  return builder.node('Shape', [value], { attributes: { start: 0, end: 2 } });
}

/** [1, T + Q]: whether a row is one of the table. */
function trainRowsOf({ builder }: Network, xTrain: string, xQuery: string): string {
  const countOf = (value: string): string =>
    builder.node('Squeeze', [builder.node('Shape', [value], { attributes: { start: 1, end: 2 } })]);
  const [trainCount, count] = [countOf(xTrain), countOf(xQuery)];
  const number = (value: number): string => builder.constant(int64Tensor([value], []));
  const places = builder.node('Range', [number(0), builder.node('Add', [trainCount, count]), number(1)]);
  return builder.node('Unsqueeze', [builder.node('Less', [places, trainCount]), builder.int64s([0])]);
}

/** Drops the rows of the table: [N, T + Q, C] → [N, Q, C]. */
function takeQueries(network: Network, xTrain: string): void {
  const { builder } = network;
  const from = builder.node('Shape', [xTrain], { attributes: { start: 1, end: 2 } });
  lay(network, { opType: 'Slice', name: '' }, [from, builder.int64s([2 ** 31]), builder.int64s([1])], {});
}

function drawTasks(
  random: Random,
  count: number,
  sizes: { readonly trainCount: number; readonly queryCount: number },
): Task[] {
  return Array.from({ length: count }, () => drawTask(random, sizes));
}

function feedsOf(tasks: readonly Task[]): Record<'x_train' | 'y_train' | 'x_query' | 'labels', TensorValue> {
  const rows = (part: 'trainRows' | 'queryRows'): TensorValue =>
    float32Tensor(Float32Array.from(tasks.flatMap((task) => [...task[part]])), [
      tasks.length,
      (tasks[0]?.[part].length ?? 0) / 2,
      2,
    ]);
  const classes = (part: 'trainClasses' | 'queryClasses'): TensorValue =>
    int64Tensor(
      tasks.flatMap((task) => [...task[part]]),
      [tasks.length, tasks[0]?.[part].length ?? 0],
    );
  return {
    x_train: rows('trainRows'),
    y_train: classes('trainClasses'),
    x_query: rows('queryRows'),
    labels: classes('queryClasses'),
  };
}

function trainOn(untrained: Model, random: Random, log: (line: string) => void): Promise<Model> {
  const parameters = trainedNames(untrained);
  const { least, most } = trainCounts;
  return train(untrained, createRuntime({ provider: 'cpu', threadCount: 1 }), {
    loss: crossEntropy({ logits: 'logits', classCount }),
    parameters,
    undecayed: parameters.filter((name) => !isDecayed(untrained, name)),
    optimizer: adamW({ weightDecay: recipe.weightDecay }),
    learningRate: recipe.learningRate,
    schedule: { kind: 'cosine', warmUpSteps: 200, final: 0.02 },
    epochCount: recipe.stepCount,
    // Every step draws its own tables.
    sampleCount: recipe.batchSize,
    batchSize: recipe.batchSize,
    random,
    batch: (samples, drawn) => {
      const trainCount = least + drawn.integer(most - least + 1);
      return { ...feedsOf(drawTasks(drawn, samples.length, { trainCount, queryCount })) };
    },
    onStep: ({ step, loss }) => {
      if (step % 100 === 0) log(`step ${step}, loss ${loss.toFixed(4)}`);
    },
  });
}

async function accuracyOf(model: Model, tasks: readonly Task[]): Promise<number> {
  const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(model);
  const { labels, ...feeds } = feedsOf(tasks);
  const { logits } = await session.run(feeds);
  await session.close();
  const scores = Array.from(logits?.data ?? [], Number);
  const right = Array.from(labels.data, Number).filter(
    (label, row) => Number((scores[2 * row + 1] ?? 0) > (scores[2 * row] ?? 0)) === label,
  );
  return Number((right.length / labels.data.length).toFixed(4));
}
