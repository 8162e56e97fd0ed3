import { join } from 'node:path';
import { createRandom, type Random } from '../../src/base/random.js';
import { writeNpz } from '../../src/data/npz.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import {
  finishNetwork,
  floatType,
  lay,
  layConv,
  layFlatten,
  layRelu,
  parameter,
  startWith,
} from './network.js';
import { trainedCount } from './parameters.js';
import type { Sample, SampleContext, SampleFacts } from './sample.js';
import { binCount, columnCount, hop, spectrogramOf, windowSize } from './spectrograms.js';
import { burstFrames, frameCount, sampleRate, type Tone, toneNames } from './tones.js';
import { drawTones, toneAccuracy, type ToneFeed, type ToneTask, trainOnTones } from './toneTraining.js';

const recipe = {
  seed: 1,
  optimizer: 'Adam',
  learningRate: 5e-3,
  schedule: 'linear, down to 5 %',
  batchSize: 32,
  stepCount: 200,
  loss: 'cross-entropy',
};

const [testCount, committedPerClass] = [400, 4];

const task: ToneTask = { inputName: 'spectrogram', recipe, feedOf };

/** Two convolutions without biases on spectrograms, a mean over time, and a layer that knows the frequencies. */
export const toneSpectrogram: Sample = { name: 'tone-spectrogram', make };

async function make({ dir, log }: SampleContext): Promise<SampleFacts> {
  const model = await trainOnTones(task, build(createRandom(recipe.seed)), log);
  await writeModel(model, join(dir, 'tone-spectrogram.onnx'));
  const committed = drawTones(createRandom(3), committedPerClass * toneNames.length);
  const { input: spectrogram, labels } = feedOf(committed);
  await writeNpz(join(dir, 'data', 'spectrograms.npz'), { spectrogram, labels });
  return {
    description: 'A small convolutional network that tells four tones apart, on their spectrograms.',
    recipe: { ...recipe, parameterCount: trainedCount(model) },
    data: {
      training: `a tone of ${burstFrames / sampleRate} s somewhere in ${frameCount / sampleRate} s of noise, drawn anew for every step`,
      committed: `${committedPerClass} spectrograms a class: log(1 + 10 · magnitude), ${binCount} bins of ${sampleRate / windowSize} Hz, a column every ${(1000 * hop) / sampleRate} ms, drawn with seed 3`,
    },
    metric: {
      name: 'accuracy',
      value: await toneAccuracy(task, model, drawTones(createRandom(2), testCount)),
      on: `${testCount} further sounds`,
    },
    more: { bursts: committed.map(({ start }) => [start, start + burstFrames]) },
    files: ['tone-spectrogram.onnx', 'data/spectrograms.npz'],
  };
}

function build(random: Random): Model {
  const type = floatType(['N', 1, binCount, columnCount]);
  const network = startWith('tone-spectrogram', { input: 'spectrogram', type }, random);
  layConv(network, 'conv1', { in: 1, out: 8, size: 3, stride: 2, bias: false });
  layRelu(network, 'relu1');
  layConv(network, 'conv2', { in: 8, out: 12, size: 3, stride: 2, bias: false });
  layRelu(network, 'relu2');
  const [bins, columns] = [binCount, columnCount].map((size) => Math.ceil(Math.ceil(size / 2) / 2));
  lay(network, { opType: 'AveragePool', name: 'pool' }, [], { kernel_shape: [1, columns ?? 1] });
  layFlatten(network, 'flatten');
  const width = 12 * (bins ?? 1);
  const weight = parameter(network, 'fc.weight', [toneNames.length, width], width);
  lay(network, { opType: 'Gemm', name: 'fc' }, [weight], { transB: 1 });
  return finishNetwork(network, toneNames.length);
}

function feedOf(tones: readonly Tone[]): ToneFeed {
  const size = binCount * columnCount;
  const values = new Float32Array(tones.length * size);
  for (const [index, { frames }] of tones.entries()) values.set(spectrogramOf(frames), index * size);
  const labels = tones.map(({ label }) => label);
  return {
    input: float32Tensor(values, [tones.length, 1, binCount, columnCount]),
    labels: int64Tensor(labels, [tones.length]),
  };
}
