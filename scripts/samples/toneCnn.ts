import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRandom, type Random } from '../../src/base/random.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import {
  finishNetwork,
  lay,
  layFlatten,
  layGlobalPool,
  layRelu,
  type Network,
  parameter,
  startWith,
} from './network.js';
import { trainedCount } from './parameters.js';
import type { Sample, SampleContext, SampleFacts } from './sample.js';
import { burstFrames, frameCount, sampleRate, type Tone, toneNames, wavOf } from './tones.js';
import { drawTones, toneAccuracy, type ToneFeed, type ToneTask, trainOnTones } from './toneTraining.js';

const recipe = {
  seed: 1,
  optimizer: 'Adam',
  learningRate: 3e-3,
  schedule: 'linear, down to 5 %',
  batchSize: 32,
  stepCount: 400,
  loss: 'cross-entropy',
};

/** Sounds drawn anew for every training step; the committed ones and the test ones come from other seeds. */
const testCount = 400;
const committedPerClass = 8;

const task: ToneTask = { inputName: 'waveform', recipe, feedOf };

/** Two convolutions without biases and a global mean, on the waveform itself. */
export const toneCnn: Sample = { name: 'tone-cnn', make };

async function make({ dir, log }: SampleContext): Promise<SampleFacts> {
  const model = await trainOnTones(task, build(createRandom(recipe.seed)), log);
  await writeModel(model, join(dir, 'tone-cnn.onnx'));
  const accuracy = await toneAccuracy(task, model, drawTones(createRandom(2), testCount));
  const committed = writeSounds(join(dir, 'data'));
  return {
    description: 'A small convolutional network that tells four tones apart, on the waveform itself.',
    recipe: { ...recipe, parameterCount: trainedCount(model) },
    data: {
      training: `a tone of ${burstFrames / sampleRate} s somewhere in ${frameCount / sampleRate} s of noise, drawn anew for every step`,
      committed: `${committedPerClass} sounds a class, 16 bits at ${sampleRate.toLocaleString('en')} frames a second, drawn with seed 3`,
    },
    metric: { name: 'accuracy', value: accuracy, on: `${testCount} further sounds` },
    more: {
      bursts: Object.fromEntries(committed.map(({ file, start }) => [file, [start, start + burstFrames]])),
    },
    files: ['tone-cnn.onnx', ...committed.map(({ file }) => `data/${file}`)],
  };
}

function build(random: Random): Model {
  const type = { kind: 'tensor', elementType: 'float32', shape: ['N', 1, frameCount] } as const;
  const network = startWith('tone-cnn', { input: 'waveform', type }, random);
  // Half a period of the lowest tone is 10 frames: 32 hold one and a half of its periods.
  layConv1d(network, 'conv1', { in: 1, out: 12, size: 32, stride: 4 });
  layRelu(network, 'relu1');
  layConv1d(network, 'conv2', { in: 12, out: 16, size: 8, stride: 4 });
  layRelu(network, 'relu2');
  layGlobalPool(network, 'pool');
  layFlatten(network, 'flatten');
  const weight = parameter(network, 'fc.weight', [toneNames.length, 16], 16);
  lay(network, { opType: 'Gemm', name: 'fc' }, [weight], { transB: 1 });
  return finishNetwork(network, toneNames.length);
}

/** Lays `nn.Conv1d(in, out, size, stride, bias=False)`. */
function layConv1d(
  network: Network,
  name: string,
  shape: { readonly in: number; readonly out: number; readonly size: number; readonly stride: number },
): void {
  const weight = parameter(
    network,
    `${name}.weight`,
    [shape.out, shape.in, shape.size],
    shape.in * shape.size,
  );
  lay(network, { opType: 'Conv', name }, [weight], { kernel_shape: [shape.size], strides: [shape.stride] });
}

function feedOf(tones: readonly Tone[]): ToneFeed {
  const frames = new Float32Array(tones.length * frameCount);
  for (const [index, tone] of tones.entries()) frames.set(tone.frames, index * frameCount);
  return {
    input: float32Tensor(frames, [tones.length, 1, frameCount]),
    labels: int64Tensor(
      tones.map(({ label }) => label),
      [tones.length],
    ),
  };
}

/** Writes the committed sounds into a folder per class and returns where their tones begin. */
function writeSounds(folder: string): { readonly file: string; readonly start: number }[] {
  const random = createRandom(3);
  return drawTones(random, committedPerClass * toneNames.length).map((tone, index) => {
    const file = `${toneNames[tone.label] ?? ''}/${Math.floor(index / toneNames.length) + 1}.wav`;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), wavOf(tone.frames));
    return { file, start: tone.start };
  });
}
