import { createRandom, type Random } from '../../src/base/random.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import { crossEntropy } from '../../src/engine/training/losses/crossEntropy.js';
import { adam } from '../../src/engine/training/optimizers/adam.js';
import { train } from '../../src/engine/training/train.js';
import type { Model } from '../../src/onnx/model.js';
import type { TensorValue } from '../../src/onnx/tensorValue.js';
import { trainedNames } from './parameters.js';
import { type Tone, toneNames, toneOf } from './tones.js';

/** Tones as a model with one input and `logits` takes them. */
export interface ToneFeed {
  readonly input: TensorValue;
  readonly labels: TensorValue;
}

/** What the models of tones share, and how they differ. */
export interface ToneTask {
  readonly inputName: string;
  readonly recipe: {
    readonly seed: number;
    readonly learningRate: number;
    readonly batchSize: number;
    readonly stepCount: number;
  };
  readonly feedOf: (tones: readonly Tone[]) => ToneFeed;
}

/** Returns tones of all classes in turn. */
export function drawTones(random: Random, count: number): Tone[] {
  return Array.from({ length: count }, (_, index) => toneOf(random, index % toneNames.length));
}

/** Returns the model trained on tones that are drawn anew for every step. */
export function trainOnTones(
  { inputName, recipe, feedOf }: ToneTask,
  untrained: Model,
  log: (line: string) => void,
): Promise<Model> {
  const random = createRandom(recipe.seed);
  return train(untrained, createRuntime({ provider: 'cpu', threadCount: 1 }), {
    loss: crossEntropy({ logits: 'logits', classCount: toneNames.length }),
    parameters: trainedNames(untrained),
    optimizer: adam(),
    learningRate: recipe.learningRate,
    schedule: { kind: 'linear', final: 0.05 },
    epochCount: 1,
    sampleCount: recipe.batchSize * recipe.stepCount,
    batchSize: recipe.batchSize,
    random,
    batch: (samples) => {
      const { input, labels } = feedOf(drawTones(random, samples.length));
      return { [inputName]: input, labels };
    },
    onStep: ({ step, loss }) => {
      if (step % 50 === 0) log(`step ${step}, loss ${loss.toFixed(4)}`);
    },
  });
}

/** Returns the share of tones whose class has the highest logit. */
export async function toneAccuracy(
  { inputName, feedOf }: ToneTask,
  model: Model,
  tones: readonly Tone[],
): Promise<number> {
  const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(model);
  const { logits } = await session.run({ [inputName]: feedOf(tones).input });
  await session.close();
  const scores = Array.from(logits?.data ?? [], Number);
  const rightCount = tones.filter(({ label }, row) => {
    const own = scores.slice(row * toneNames.length, (row + 1) * toneNames.length);
    return own.indexOf(Math.max(...own)) === label;
  }).length;
  return rightCount / tones.length;
}
