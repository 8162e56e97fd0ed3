import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataset } from '../../../src/data/openDataset.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { writeNpz } from '../../../src/data/npz.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import type { DataSpec } from '../../../src/protocol/inspectFile.js';
import { itWithShared } from '../../support/paths.js';

// The outcomes below are those that the models' own publishers and the notes beside the models state.

interface Prediction {
  readonly id: string;
  readonly label: number | undefined;
  readonly winner: number;
  readonly score: number;
}

async function predict(model: Model, data: Dataset, output: string): Promise<Prediction[]> {
  const session = await createRuntime({ provider: 'cpu' }).open(model);
  const predictions: Prediction[] = [];
  for await (const batch of data.batches({ batchSize: 16 })) {
    const value = (await session.run(batch.feeds, [output]))[output]!;
    const scores = toFloat64(value);
    const width = value.dims.length === 1 ? 1 : value.dims.at(-1)!;
    for (const [row, id] of batch.ids.entries()) {
      const own = scores.subarray(row * width, (row + 1) * width);
      const winner = width === 1 ? own[0]! : own.indexOf(Math.max(...own));
      predictions.push({ id, label: batch.labels?.[row], winner, score: width === 1 ? 1 : own[winner]! });
    }
  }
  await session.close();
  return predictions;
}

function rightCount(predictions: readonly Prediction[]): number {
  return predictions.filter(({ label, winner }) => label === winner).length;
}

describe('real models on their data', () => {
  let dir = '';

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ni-data-'));
  });

  after(async () => {
    await rm(dir, { recursive: true, force: true });
  });

  async function inspectFile(name: string, data: DataSpec): Promise<string> {
    const path = join(dir, `${name}.inspect.json`);
    await writeFile(path, JSON.stringify({ version: 1, data }));
    return path;
  }

  itWithShared('MobileNet sees a goldfish and a tabby', async (shared) => {
    const images = join(dir, 'photos');
    for (const [folder, file] of [
      ['n01443537', 'goldfish.jpg'],
      ['n02123045', 'kitten_224.png'],
    ] as const) {
      await mkdir(join(images, folder), { recursive: true });
      await copyFile(join(shared, 'models/data', file), join(images, folder, file));
    }
    const model = await readModel(join(shared, 'models/mobilenet-v1-025/model.onnx'));
    const path = await inspectFile('mobilenet', {
      path: 'photos',
      inputs: { input: { layout: 'NCHW', color: 'rgb', resize: [224, 224], mean: 127.5, std: 127.5 } },
      labels: { from: 'folder', names: join(shared, 'models/mobilenet-v1-025/synset.txt') },
    });
    const data = await openDataset(path, model);
    assert.deepEqual(data.warnings, []);
    assert.equal(data.labelNames?.length, 1000);
    const [goldfish, tabby] = await predict(model, data, 'probabilities');
    assert.equal(goldfish!.id, 'n01443537/goldfish.jpg');
    assert.equal(data.labelNames[goldfish!.winner], 'n01443537 goldfish, Carassius auratus');
    assert.ok(goldfish!.score > 0.97, String(goldfish!.score));
    assert.match(data.labelNames[tabby!.winner]!, /tabby/);
    assert.ok(Math.abs(tabby!.score - 0.74) < 0.03, String(tabby!.score));
    assert.equal(goldfish!.label, goldfish!.winner);
    assert.equal(tabby!.label, tabby!.winner);
  });

  itWithShared(
    'ResNet-8 is right on 88 of 100 CIFAR-10 rows, and wrong when the layout is',
    async (shared) => {
      const model = await readModel(join(shared, 'models/resnet8-cifar10/model.onnx'));
      const csv = join(shared, 'models/data/cifar10_100.csv');
      const path = await inspectFile('cifar', {
        path: csv,
        inputs: { input: { from: { first: 1, layout: 'HWC' }, layout: 'NCHW', color: 'rgb', scale: 1 } },
        labels: { from: 0 },
      });
      const data = await openDataset(path, model);
      assert.deepEqual(data.warnings, []);
      assert.equal(data.sampleCount, 100);
      assert.equal(rightCount(await predict(model, data, 'probabilities')), 88);
      const bare = await openDataset(csv, model);
      assert.match(bare.warnings.join('\n'), /first column holds the labels/);
      assert.match(bare.warnings.join('\n'), /order of the model's axes, \[3, 32, 32\]/);
      assert.match(bare.warnings.join('\n'), /pixels 0–255/);
      assert.ok(rightCount(await predict(model, bare, 'probabilities')) < 50);
    },
  );

  itWithShared('the MNIST networks read their digits', async (shared) => {
    const csv = join(shared, 'models/data/mnist_100.csv');
    const cases = [
      {
        file: 'mnist-cntk.onnx',
        input: 'Input3',
        output: 'Plus214_Output_0',
        atLeast: 95,
        spec: { scale: 1 },
      },
      {
        file: 'cnn_mnist_pytorch.onnx',
        input: '0',
        output: '21',
        atLeast: 95,
        spec: { scale: 1 / 255, mean: 0.1307, std: 0.3081 },
      },
      {
        file: 'mnist_burn.onnx',
        input: 'input.1',
        output: '33',
        atLeast: 95,
        spec: { scale: 1 / 255, mean: 0.1307, std: 0.3081 },
      },
    ];
    for (const { file, input, output, atLeast, spec } of cases) {
      const model = await readModel(join(shared, 'models/mnist-cnn', file));
      const path = await inspectFile(file, {
        path: csv,
        inputs: { [input]: { layout: 'NCHW', ...spec } },
        labels: { from: 0 },
      });
      const data = await openDataset(path, model);
      assert.deepEqual(data.warnings, []);
      const right = rightCount(await predict(model, data, output));
      assert.ok(right >= atLeast, `${file}: ${right}`);
    }
  });

  itWithShared('the logistic regression on digits takes its 780 columns', async (shared) => {
    const model = await readModel(join(shared, 'models/mnist-cnn/lr_mnist_scikit.onnx'));
    const csv = join(shared, 'models/data/mnist_100.csv');
    await assert.rejects(openDataset(csv, model), {
      code: 'data-shape',
      message: /785 columns.*takes 780 numbers/,
    });
    const path = await inspectFile('lr', {
      path: csv,
      inputs: { float_input: { from: { first: 1, last: 780 }, layout: 'NC', scale: 1 } },
      labels: { from: 0 },
    });
    const right = rightCount(await predict(model, await openDataset(path, model), 'output_label'));
    assert.ok(right >= 90, String(right));
  });

  itWithShared('the language model takes tokens from an .npz', async (shared) => {
    const model = await readModel(join(shared, 'models/stories260k/model.onnx'));
    const path = join(dir, 'tokens.npz');
    await writeNpz(path, { input_ids: int64Tensor([1, 403, 407, 261, 1, 378, 432, 388], [2, 4]) });
    const data = await openDataset(path, model);
    assert.deepEqual([data.kind, data.sampleCount, data.warnings], ['npz', 2, []]);
    const session = await createRuntime({ provider: 'cpu' }).open(model);
    for await (const batch of data.batches({ batchSize: 2 })) {
      assert.deepEqual((await session.run(batch.feeds))['logits']!.dims, [2, 4, 512]);
    }
    await session.close();
  });

  itWithShared('magika tells source files apart from bytes in an .npz', async (shared) => {
    const model = await readModel(join(shared, 'models/magika/model.onnx'));
    const config = JSON.parse(await readFile(join(shared, 'models/magika/magika_config.json'), 'utf8')) as {
      target_labels_space: string[];
      padding_token: number;
    };
    const samples = ['c__code.c', 'css__code.css', 'javascript__code.js', 'ini__doc.ini'];
    const tokens = new Int32Array(samples.length * 2048).fill(config.padding_token);
    for (const [row, name] of samples.entries()) {
      // The first and last 1024 bytes, white space at either end stripped, short ends padded outwards.
      const text = await readFile(join(shared, 'models/magika/samples', name));
      const isSpace = (byte: number | undefined) =>
        byte !== undefined && [9, 10, 11, 12, 13, 32].includes(byte);
      let start = 0;
      while (isSpace(text[start])) start++;
      let end = text.length;
      while (isSpace(text[end - 1])) end--;
      tokens.set(text.subarray(start, Math.min(end, start + 1024)), row * 2048);
      const tail = text.subarray(Math.max(start, end - 1024), end);
      tokens.set(tail, (row + 1) * 2048 - tail.length);
    }
    const path = join(dir, 'magika.npz');
    await writeNpz(path, { bytes: { dtype: 'int32', dims: [samples.length, 2048], data: tokens } });
    const data = await openDataset(path, model);
    const predictions = await predict(model, data, 'target_label');
    assert.deepEqual(
      predictions.map(({ winner }) => config.target_labels_space[winner]),
      samples.map((name) => name.split('__')[0]),
    );
  });

  itWithShared('iris rows come three at a time, as the model prescribes', async (shared) => {
    const model = await readModel(join(shared, 'models/tabular/logreg_iris.onnx'));
    const path = join(dir, 'iris.csv');
    // Fisher's first rows of each species (sepal length and width) and one more.
    await writeFile(
      path,
      'length,width,species\n5.1,3.5,0\n4.9,3.0,0\n4.7,3.2,0\n7.0,3.2,1\n6.4,3.2,1\n6.9,3.1,1\n6.3,3.3,2\n',
    );
    const data = await openDataset(path, model);
    assert.equal(data.sampleCount, 6);
    assert.match(data.warnings.join('\n'), /exactly 3 samples at a time: the last 1 of 7/);
    assert.equal(rightCount((await predict(model, data, 'label')).slice(0, 3)), 3);
  });
});
