import { join } from 'node:path';
import { createRandom, type Random } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import { crossEntropy } from '../../src/engine/training/losses/crossEntropy.js';
import type { Optimizer } from '../../src/engine/training/optimizer.js';
import type { Schedule } from '../../src/engine/training/schedule.js';
import { train } from '../../src/engine/training/train.js';
import type { Model } from '../../src/onnx/model.js';
import { int64Tensor } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { imageFeed, type Images, pickImages, sliceImages, type Split, writeImages } from './images.js';
import { isDecayed, trainedNames } from './parameters.js';
import type { Sample, SampleContext, SampleFacts } from './sample.js';

/** A classifier of 28 × 28 images in ten classes, with `image` and `logits`. */
export interface ClassifierRecipe {
  readonly name: string;
  readonly description: string;
  readonly seed: number;
  readonly optimizer: Optimizer;
  readonly learningRate: number;
  readonly schedule: Schedule;
  readonly scheduleText: string;
  readonly batchSize: number;
  readonly epochCount: number;
  /** More that the recipe in the manifest says. */
  readonly recipe?: Readonly<Record<string, unknown>>;
  readonly labelSmoothing?: number;
  readonly build: (random: Random) => Model;
  readonly data: ImageData;
}

/** The images a classifier learns. */
export interface ImageData {
  /** What it is called: `MNIST`. */
  readonly title: string;
  /** What the committed files begin with. */
  readonly name: string;
  readonly from: string;
  readonly read: (split: Split) => Images;
  /** Test images committed: more than the 3,000 below which `rare` is not judged. */
  readonly committedCount: number;
}

const classCount = 10;

/** Returns the sample that a recipe makes. */
export function classifierSample(recipe: ClassifierRecipe): Sample {
  return { name: recipe.name, make: (context) => makeClassifier(recipe, context) };
}

async function makeClassifier(recipe: ClassifierRecipe, { dir, log }: SampleContext): Promise<SampleFacts> {
  const { data } = recipe;
  const model = await trainClassifier(recipe, log);
  const testImages = data.read('t10k');
  await writeModel(model, join(dir, `${recipe.name}.onnx`));
  const dataFiles = writeImages(join(dir, 'data'), testImages, {
    name: data.name,
    count: data.committedCount,
  });
  const on = `the ${testImages.count.toLocaleString('en')} ${data.title} test images`;
  return {
    description: recipe.description,
    recipe: {
      seed: recipe.seed,
      optimizer: recipe.optimizer.name,
      learningRate: recipe.learningRate,
      schedule: recipe.scheduleText,
      batchSize: recipe.batchSize,
      epochCount: recipe.epochCount,
      loss: 'cross-entropy',
      ...recipe.recipe,
      preprocessing: 'pixel / 255',
    },
    data: {
      training: `${data.title}, 60,000 training images, from ${data.from}`,
      committed: `${data.committedCount} of the ${on.slice(4)}, picked with seed 0`,
      notice: '../NOTICE.md',
    },
    metric: { name: 'accuracy', value: await accuracyOf(model, testImages), on },
    more: { deadShares: await deadSharesOf(model, testImages) },
    files: [`${recipe.name}.onnx`, ...dataFiles.map((file) => `data/${file}`)],
  };
}

function trainClassifier(recipe: ClassifierRecipe, log: (line: string) => void): Promise<Model> {
  const images = recipe.data.read('train');
  // One thread: the order of sums, and with it the last bits of the weights, do not depend on the number of cores.
  const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });
  const random = createRandom(recipe.seed);
  const untrained = recipe.build(random);
  const parameters = trainedNames(untrained);
  const { labelSmoothing = 0 } = recipe;
  return train(untrained, runtime, {
    loss: crossEntropy({ logits: 'logits', classCount, labelSmoothing }),
    parameters,
    undecayed: parameters.filter((name) => !isDecayed(untrained, name)),
    optimizer: recipe.optimizer,
    learningRate: recipe.learningRate,
    schedule: recipe.schedule,
    epochCount: recipe.epochCount,
    sampleCount: images.count,
    batchSize: recipe.batchSize,
    random,
    batch: (samples) => {
      const picked = pickImages(images, samples);
      return { ...imageFeed(picked), labels: int64Tensor([...picked.labels], [picked.count]) };
    },
    onStep: ({ step, epoch, loss }) => {
      if (step % 200 === 0) log(`step ${step}, epoch ${epoch.toFixed(2)}, loss ${loss.toFixed(4)}`);
    },
  });
}

/** Returns the share of images whose largest logit is that of their class. */
export async function accuracyOf(model: Model, images: Images): Promise<number> {
  const session = await createRuntime({ provider: 'cpu' }).open(model);
  let right = 0;
  const batchSize = 500;
  for (let start = 0; start < images.count; start += batchSize) {
    const batch = sliceImages(images, start, start + batchSize);
    const { logits } = await session.run(imageFeed(batch));
    if (!(logits?.data instanceof Float32Array)) throw new Error('The sample has no float32 logits.');
    for (const [row, label] of batch.labels.entries()) {
      const scores = logits.data.subarray(row * classCount, (row + 1) * classCount);
      if (scores.indexOf(Math.max(...scores)) === label) right++;
    }
  }
  await session.close();
  return right / images.count;
}

/** Returns the share of units that never fire on any of the images, by rectifier, counted outside the runtime. */
async function deadSharesOf(model: Model, images: Images): Promise<Record<string, number>> {
  const rectifiers = model.graph.nodes.filter((node) => node.opType === 'Relu' && node.name.startsWith('/'));
  const values = rectifiers.map((node) => node.outputs[0] ?? '');
  const builder = new GraphBuilder(model);
  builder.setOutputs(values);
  const session = await createRuntime({ provider: 'cpu' }).open(builder.build());
  const fired = values.map(() => new Set<number>());
  const unitCounts = values.map(() => 1);
  for (let start = 0; start < images.count; start += 500) {
    const outputs = await session.run(imageFeed(sliceImages(images, start, start + 500)));
    for (const [index, name] of values.entries()) {
      const { dims = [], data = [] } = outputs[name] ?? {};
      const positions = dims.slice(2).reduce((product, dim) => product * dim, 1);
      const unitCount = dims[1] ?? 1;
      unitCounts[index] = unitCount;
      for (const [i, activation] of data.entries()) {
        if (Number(activation) > 0) fired[index]?.add(Math.floor(i / positions) % unitCount);
      }
    }
  }
  await session.close();
  return Object.fromEntries(
    rectifiers.map((node, index) => [
      node.name.split('/').slice(1, -1).join('.'),
      1 - (fired[index]?.size ?? 0) / (unitCounts[index] ?? 1),
    ]),
  );
}
