import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import { layersOf } from '../../../src/onnx/layers/layerTable.js';
import { readModel } from '../../../src/onnx/readModel.js';
import {
  elementCountOf,
  float32Tensor,
  int64Tensor,
  type TensorValue,
  toFloat64,
} from '../../../src/onnx/tensorValue.js';
import { drawTask } from '../../../scripts/samples/priorTasks.js';
import { decodeTokens, encodeText } from '../../../scripts/samples/bpe.js';
import { normalTensor } from '../../support/modelBuilder.js';
import { samplesDir } from '../../support/paths.js';

// What the manifests say of the samples, measured again on the committed data, as a person would run them.

interface Manifest {
  readonly metric: { readonly value: number };
  readonly recipe: Readonly<Record<string, number>>;
  /** Steps and the mean loss up to them. */
  readonly lossCurve: readonly (readonly [step: number, loss: number])[];
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join(samplesDir, name, 'manifest.json'), 'utf8')) as Manifest;
}

interface Seen {
  readonly feeds: Feeds;
  readonly outputs: Feeds;
  readonly labels: Int32Array;
}

/** Runs a sample on its own data. */
async function* runOnData(name: string, limit = Infinity): AsyncGenerator<Seen> {
  const model = await readModel(join(samplesDir, name, `${name}.onnx`));
  const data = await openDataset(join(samplesDir, name, `${name}.inspect.json`), model);
  const session = await createRuntime({ provider: 'cpu' }).open(model);
  const count = Math.min(limit, data.sampleCount);
  for await (const { feeds, labels = new Int32Array() } of data.batches({ batchSize: 100, limit: count })) {
    yield { feeds, outputs: await session.run(feeds), labels };
  }
  await session.close();
}

async function classesOf(name: string): Promise<{ classes: number[]; labels: number[] }> {
  const classes: number[] = [];
  const labels: number[] = [];
  for await (const seen of runOnData(name)) {
    const scores = toFloat64(seen.outputs['logits']!);
    const width = scores.length / seen.labels.length;
    for (const [row, label] of seen.labels.entries()) {
      const own = scores.subarray(row * width, (row + 1) * width);
      classes.push(own.indexOf(Math.max(...own)));
      labels.push(label);
    }
  }
  return { classes, labels };
}

function share(values: readonly boolean[]): number {
  return values.filter(Boolean).length / values.length;
}

describe('trained samples', function () {
  this.timeout(60_000);

  it('fashion-cnn knows at least 85 % of its committed test images, about as many as of all', async () => {
    const { classes, labels } = await classesOf('fashion-cnn');
    const accuracy = share(classes.map((found, i) => found === labels[i]));
    assert.ok(accuracy >= 0.85, String(accuracy));
    // 3,200 of 10,000: a standard deviation of half a percent.
    assert.ok(Math.abs(accuracy - manifestOf('fashion-cnn').metric.value) < 0.02, String(accuracy));
  });

  it('digits-int8 and digits-fp16 say what digits-cnn says, but for a few of its images', async () => {
    const original = await classesOf('digits-cnn');
    for (const [name, least] of [
      ['digits-int8', 0.99],
      ['digits-fp16', 0.9995],
    ] as const) {
      const { classes, labels } = await classesOf(name);
      assert.ok(share(classes.map((found, i) => found === original.classes[i])) >= least, name);
      const accuracy = share(classes.map((found, i) => found === labels[i]));
      assert.ok(Math.abs(accuracy - manifestOf(name).metric.value) < 0.006, name);
    }
  });

  it('modular-addition adds pairs that it was never shown', async () => {
    const { classes, labels } = await classesOf('modular-addition');
    const accuracy = share(classes.map((found, i) => found === labels[i]));
    assert.ok(accuracy >= 0.99, String(accuracy));
    assert.ok(manifestOf('modular-addition').metric.value >= 0.99);
    assert.ok(labels.every((label, i) => label === (Math.floor(i / 97) + (i % 97)) % 97));
  });

  it('cross-network predicts clicks nearly as well as the rule that drew them', async () => {
    const { classes, labels } = await classesOf('cross-network');
    const accuracy = share(classes.map((found, i) => found === labels[i]));
    assert.ok(Math.abs(accuracy - manifestOf('cross-network').metric.value) <= 1 / labels.length);
    // The rule itself is right on 81.8 % of these rows.
    assert.ok(accuracy > 0.79, String(accuracy));
  });

  it('interest-network predicts clicks as well as the rule that drew them', async () => {
    const { classes, labels } = await classesOf('interest-network');
    const accuracy = share(classes.map((found, i) => found === labels[i]));
    assert.ok(Math.abs(accuracy - manifestOf('interest-network').metric.value) <= 1 / labels.length);
    // The rule itself is right on 84.75 % of these rows.
    assert.ok(accuracy > 0.83, String(accuracy));
  });

  it('in-context answers rows of tables that it was never shown, from their training rows', async () => {
    const random = createRandom(99);
    const tasks = Array.from({ length: 100 }, () => drawTask(random, { trainCount: 40, queryCount: 40 }));
    const session = await createRuntime({ provider: 'cpu' }).open(
      await readModel(join(samplesDir, 'in-context', 'in-context.onnx')),
    );
    let right = 0;
    for (const { trainRows, trainClasses, queryRows, queryClasses } of tasks) {
      const { logits } = await session.run({
        x_train: float32Tensor(trainRows, [1, 40, 2]),
        y_train: int64Tensor([...trainClasses], [1, 40]),
        x_query: float32Tensor(queryRows, [1, 40, 2]),
      });
      const scores = toFloat64(logits!);
      right += queryClasses.filter(
        (label, i) => Number(scores[2 * i + 1]! > scores[2 * i]!) === label,
      ).length;
    }
    await session.close();
    // 4,000 rows of 100 tables: a standard deviation of about one percent between draws.
    const { value } = manifestOf('in-context').metric;
    assert.ok(Math.abs(right / 4000 - value) < 0.03, `${right / 4000}`);
  });

  it('digits-vae is its encoder and decoder in one, and draws digits that look like its input', async () => {
    const runtime = createRuntime({ provider: 'cpu' });
    const dir = join(samplesDir, 'digits-vae');
    const encoder = await runtime.open(await readModel(join(dir, 'digits-vae-encoder.onnx')));
    const decoder = await runtime.open(await readModel(join(dir, 'digits-vae-decoder.onnx')));
    for await (const { feeds, outputs } of runOnData('digits-vae', 100)) {
      const codes = await encoder.run(feeds);
      assert.deepEqual(toFloat64(codes['mean']!), toFloat64(outputs['mean']!));
      assert.deepEqual(toFloat64(codes['logVariance']!), toFloat64(outputs['logVariance']!));
      const { reconstruction } = await decoder.run({ code: codes['mean']! });
      assert.deepEqual(reconstruction!.dims, [100, 1, 28, 28]);
      assert.deepEqual(toFloat64(reconstruction!), toFloat64(outputs['reconstruction']!));
      const error = meanSquare(feeds['image']!, reconstruction!);
      // A picture of the mean image alone has 0.067.
      assert.ok(error < 0.025, String(error));
    }
    const drawn = await decoder.run({ code: normalTensor(createRandom(1), [20, 8]) });
    const pixels = toFloat64(drawn['reconstruction']!);
    assert.ok(pixels.every((pixel) => pixel >= 0 && pixel <= 1));
    const ink = pixels.reduce((sum, pixel) => sum + pixel, 0) / pixels.length;
    // Digits have 0.13 on average.
    assert.ok(ink > 0.05 && ink < 0.3, String(ink));
    await encoder.close();
    await decoder.close();
  });

  it('story-lm guesses held-out text as well as its manifest says', async () => {
    let sum = 0;
    let count = 0;
    for await (const { feeds, outputs } of runOnData('story-lm', 200)) {
      const tokens = toFloat64(feeds['tokens']!);
      const logits = toFloat64(outputs['logits']!);
      for (let i = 0; i < tokens.length; i++) {
        if (i % 64 === 63) continue;
        const scores = logits.subarray(i * 1024, (i + 1) * 1024);
        sum += Math.log(scores.reduce((total, z) => total + Math.exp(z), 0)) - scores[tokens[i + 1]!]!;
        count++;
      }
    }
    const perplexity = Math.exp(sum / count);
    const { metric, recipe } = manifestOf('story-lm');
    assert.ok(recipe['parameterCount']! >= 300_000);
    assert.ok(metric.value < 50);
    // A third of the text, without the last token of each window.
    assert.ok(Math.abs(perplexity / metric.value - 1) < 0.15, String(perplexity));
  });

  it('story-lm has at least 4 layers, and its manifest how the loss fell', async () => {
    const model = await readModel(join(samplesDir, 'story-lm', 'story-lm.onnx'));
    const blocks = new Set(
      layersOf(model).layers.flatMap(({ name }) => /^blocks\.(\d+)/u.exec(name)?.slice(1) ?? []),
    );
    assert.ok(blocks.size >= 4, `${blocks.size} blocks`);
    const parameterCount = [...model.graph.initializers.values()]
      .filter(({ elementType }) => elementType === 'float32')
      .reduce((sum, { dims }) => sum + elementCountOf(dims), 0);
    assert.ok(parameterCount >= 300_000, `${parameterCount} parameters`);
    const { lossCurve } = manifestOf('story-lm');
    assert.ok(lossCurve.length >= 10);
    const [first, last] = [lossCurve[0]!, lossCurve.at(-1)!];
    // A uniform guess among 1024 tokens has ln 1024 = 6.9.
    assert.ok(first[1] < Math.log(1024) && last[1] < first[1] - 2, `${first[1]} to ${last[1]}`);
    const sample = readFileSync(join(samplesDir, 'story-lm', 'data', 'training-sample.txt'), 'utf8');
    assert.ok(sample.length >= 15_000, `${sample.length} characters of the training text`);
  });

  it('fashion-cnn is made of residual blocks with BatchNormalization and squeeze-and-excitation', async () => {
    const model = await readModel(join(samplesDir, 'fashion-cnn', 'fashion-cnn.onnx'));
    const count = (opType: string): number =>
      model.graph.nodes.filter((node) => node.opType === opType).length;
    assert.equal(count('Add'), 3, 'a residual sum in each block');
    // Two or three in a block and one in front; a sum of the whole map squeezes, a product excites.
    assert.ok(count('BatchNormalization') >= 7, `${count('BatchNormalization')} normalisations`);
    assert.ok(count('GlobalAveragePool') + count('ReduceMean') >= 3, 'a mean over the map in each block');
    assert.ok(count('Mul') >= 3, 'a gate in each block');
    assert.ok(count('Sigmoid') + count('HardSigmoid') >= 3, 'a gate in each block');
  });

  it('story-lm was given its text as its tokenizer cuts it', async () => {
    const text = readFileSync(join(samplesDir, 'story-lm', 'data', 'held-out.txt'), 'utf8').trimEnd();
    const file = readFileSync(join(samplesDir, 'story-lm', 'tokenizer.json'), 'utf8');
    const { model } = JSON.parse(file) as { model: { vocab: Record<string, number>; merges: string[] } };
    const tokens = Object.entries(model.vocab)
      .sort(([, a], [, b]) => a - b)
      .map(([token]) => token);
    const encoding = { tokens, merges: model.merges.map((pair) => pair.split(' ') as [string, string]) };
    const ids = encodeText(encoding, text);
    assert.equal(decodeTokens(encoding, ids), text);
    for await (const { feeds } of runOnData('story-lm', 100)) {
      assert.deepEqual([...toFloat64(feeds['tokens']!)], [...ids.subarray(0, 6400)]);
    }
  });
});

function meanSquare(a: TensorValue, b: TensorValue): number {
  const [left, right] = [toFloat64(a), toFloat64(b)];
  return left.reduce((sum, value, i) => sum + (value - right[i]!) ** 2, 0) / left.length;
}
