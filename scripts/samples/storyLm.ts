import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, type Random } from '../../src/base/random.js';
import { writeNpz } from '../../src/data/npz.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import type { Session } from '../../src/engine/runtime/session.js';
import { crossEntropy } from '../../src/engine/training/losses/crossEntropy.js';
import { adamW } from '../../src/engine/training/optimizers/adam.js';
import { train } from '../../src/engine/training/train.js';
import type { Model } from '../../src/onnx/model.js';
import { int64Tensor } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { readAusten } from './austen.js';
import { type BytePairEncoding, decodeTokens, encodeText, tokenizerJson, trainBytePairs } from './bpe.js';
import { finishAt, startWith } from './network.js';
import { isDecayed, trainedCount, trainedNames } from './parameters.js';
import type { Sample, SampleContext, SampleFacts } from './sample.js';
import { layDecoder } from './transformer.js';

const tokenCount = 1024;
const contextLength = 64;
const shape = {
  tokenCount,
  contextLength,
  width: 80,
  headCount: 4,
  hiddenWidth: 320,
  blockCount: 4,
  isNormalized: true,
  activation: 'gelu',
} as const;
const recipe = {
  seed: 1,
  optimizer: 'AdamW',
  learningRate: 3e-3,
  schedule: 'warm-up over 60 steps, then cosine, down to 5 %',
  weightDecay: 0.1,
  clip: 'gradients to a norm of 1',
  batchSize: 16,
  epochCount: 1,
  loss: 'cross-entropy of the next token',
};

/** Share of each novel, its end, that is held out. */
const heldOutShare = 0.03;

/** A decoder of four blocks that writes in the manner of Jane Austen. */
export const storyLm: Sample = { name: 'story-lm', make };

async function make({ dir, log }: SampleContext): Promise<SampleFacts> {
  const { training, heldOut } = splitNovels(readAusten());
  const encoding = trainBytePairs(training, tokenCount);
  log(`${encoding.tokens.length} tokens`);
  const random = createRandom(recipe.seed);
  const untrained = build(random);
  const { model, lossCurve } = await trainOn(untrained, { ids: encodeText(encoding, training), random, log });
  const windows = windowsOf(encodeText(encoding, heldOut));
  const loss = await lossOf(model, windows);
  await writeModel(model, join(dir, 'story-lm.onnx'));
  writeFileSync(join(dir, 'tokenizer.json'), tokenizerJson(encoding));
  writeFileSync(join(dir, 'data', 'training-sample.txt'), `${training.slice(0, 20_000)}\n`);
  writeFileSync(join(dir, 'data', 'held-out.txt'), `${heldOut}\n`);
  const inputs = windows.map((window) => window.subarray(0, contextLength));
  await writeNpz(join(dir, 'data', 'held-out.npz'), {
    tokens: int64Tensor(
      inputs.flatMap((window) => [...window]),
      [inputs.length, contextLength],
    ),
  });
  const charactersPerToken = heldOut.length / encodeText(encoding, heldOut).length;
  return {
    description: "A small decoder language model that writes in the manner of Jane Austen's novels.",
    recipe: { ...recipe, contextLength, parameterCount: trainedCount(model) },
    data: {
      training: "Jane Austen's six novels but the last 3 % of each, from Debian's package r-cran-janeaustenr",
      tokenizer: `byte-pair encoding of ${tokenCount} tokens, trained on the same text`,
      committed: 'the held-out text, whole, and the first 20,000 characters of the training text',
      notice: '../NOTICE.md',
    },
    metric: { name: 'perplexity', value: round(Math.exp(loss)), on: 'the tokens of the held-out text' },
    more: {
      bitsPerCharacter: round(loss / Math.LN2 / charactersPerToken),
      lossCurve,
      writes: await write(model, { encoding, prompt: 'It was' }),
    },
    files: [
      'story-lm.onnx',
      'tokenizer.json',
      'data/held-out.npz',
      'data/held-out.txt',
      'data/training-sample.txt',
    ],
  };
}

function round(value: number): number {
  return Number(value.toFixed(4));
}

function splitNovels(novels: readonly string[]): { training: string; heldOut: string } {
  const parts = novels.map((novel) => {
    // At the end of a paragraph.
    const cut = novel.indexOf('\n', Math.floor(novel.length * (1 - heldOutShare)));
    return { training: novel.slice(0, cut), heldOut: novel.slice(cut + 1) };
  });
  const join = (which: 'training' | 'heldOut'): string => parts.map((part) => part[which]).join('\n');
  return { training: join('training'), heldOut: join('heldOut') };
}

function build(random: Random): Model {
  const type = { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] } as const;
  const network = startWith('story-lm', { input: 'tokens', type }, random);
  layDecoder(network, shape);
  return finishAt(network, 'logits', ['N', 'T', tokenCount]);
}

/** Cuts tokens into windows of a context and the token after it; the last tokens fill none. */
function windowsOf(ids: Uint32Array): readonly Uint32Array[] {
  const count = Math.floor((ids.length - 1) / contextLength);
  return Array.from({ length: count }, (_, i) =>
    ids.subarray(i * contextLength, (i + 1) * contextLength + 1),
  );
}

interface Fed {
  readonly tokens: ReturnType<typeof int64Tensor>;
  readonly labels: ReturnType<typeof int64Tensor>;
}

function feedsOf(windows: readonly Uint32Array[]): Fed {
  const tensor = (from: number): ReturnType<typeof int64Tensor> =>
    int64Tensor(
      windows.flatMap((window) => [...window.subarray(from, from + contextLength)]),
      [windows.length, contextLength],
    );
  return { tokens: tensor(0), labels: tensor(1) };
}

async function trainOn(
  untrained: Model,
  { ids, random, log }: { ids: Uint32Array; random: Random; log: (line: string) => void },
): Promise<{ model: Model; lossCurve: [number, number][] }> {
  const windows = windowsOf(ids);
  const parameters = trainedNames(untrained);
  const lossCurve: [number, number][] = [];
  let sum = 0;
  const curveSteps = 50;
  const model = await train(untrained, createRuntime({ provider: 'cpu', threadCount: 1 }), {
    loss: crossEntropy({ logits: 'logits', classCount: tokenCount }),
    parameters,
    undecayed: parameters.filter((name) => !isDecayed(untrained, name)),
    optimizer: adamW({ beta2: 0.95, weightDecay: recipe.weightDecay }),
    learningRate: recipe.learningRate,
    schedule: { kind: 'cosine', warmUpSteps: 60, final: 0.05 },
    clip: { norm: 1 },
    epochCount: recipe.epochCount,
    sampleCount: windows.length,
    batchSize: recipe.batchSize,
    random,
    batch: (samples) => ({ ...feedsOf(Array.from(samples, (sample) => windows[sample] ?? ids)) }),
    onStep: ({ step, epoch, loss }) => {
      sum += loss;
      if (step % curveSteps !== 0) return;
      lossCurve.push([step, round(sum / curveSteps)]);
      log(`step ${step}, epoch ${epoch.toFixed(2)}, loss ${(sum / curveSteps).toFixed(4)}`);
      sum = 0;
    },
  });
  return { model, lossCurve };
}

/** Returns the mean cross-entropy of the next token, in nats. */
async function lossOf(model: Model, windows: readonly Uint32Array[]): Promise<number> {
  const session = await createRuntime({ provider: 'cpu' }).open(model);
  let sum = 0;
  for (let start = 0; start < windows.length; start += 16) {
    const { tokens, labels } = feedsOf(windows.slice(start, start + 16));
    const rows = await logitsOf(session, tokens);
    const wanted = Array.from(labels.data, Number);
    for (const [row, label] of wanted.entries()) {
      const scores = rows.subarray(row * tokenCount, (row + 1) * tokenCount);
      sum += logSumExp(scores) - (scores[label] ?? NaN);
    }
  }
  await session.close();
  return sum / (windows.length * contextLength);
}

async function logitsOf(session: Session, tokens: Fed['tokens']): Promise<Float32Array> {
  const { logits } = await session.run({ tokens });
  if (!(logits?.data instanceof Float32Array)) throw new Error('The sample has no float32 logits.');
  return logits.data;
}

function logSumExp(scores: Float32Array): number {
  const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  return largest + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - largest), 0));
}

/** Returns what the model writes after a prompt, drawn token by token at temperature 0.8. */
async function write(
  model: Model,
  { encoding, prompt }: { encoding: BytePairEncoding; prompt: string },
): Promise<string> {
  const temperature = 0.8;
  const random = createRandom(recipe.seed);
  const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(model);
  const ids = [...encodeText(encoding, prompt)];
  for (let drawn = 0; drawn < 120; drawn++) {
    const context = ids.slice(-contextLength);
    const rows = await logitsOf(session, int64Tensor(context, [1, context.length]));
    const scores = rows.subarray(-tokenCount).map((score) => score / temperature);
    const total = logSumExp(scores);
    let left = random.next();
    const next = scores.findIndex((score) => (left -= Math.exp(score - total)) < 0);
    ids.push(next < 0 ? tokenCount - 1 : next);
  }
  await session.close();
  return decodeTokens(encoding, ids);
}
