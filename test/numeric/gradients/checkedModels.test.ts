import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import { checkGradients } from '../../../src/engine/gradients/checkGradients.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { int64Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import type { GradientCheckTable } from '../../../src/protocol/gradientCheck.js';
import { normalTensor } from '../../support/modelBuilder.js';
import { feedsFor } from '../../support/modelFeeds.js';
import { itWithPackage, modelPackages } from '../../support/modelPackages.js';
import { itWithShared, samplesDir } from '../../support/paths.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });

/** The models that gradients flow through. */
const sharedModels = [
  'detectors/fastestdet.onnx',
  'detectors/ultraface-RFB-320.onnx',
  'magika/model.onnx',
  'mnist-cnn/cnn_mnist_pytorch.onnx',
  'mnist-cnn/mnist-cntk.onnx',
  'mnist-cnn/mnist_burn.onnx',
  'mobilenet-v1-025/model.onnx',
  'resnet8-cifar10/model.onnx',
  'stories260k/model.onnx',
  'stories260k/stories260K_ext.onnx',
  'verification/acasxu_1_1.onnx',
  'verification/cifar_wide_kw.onnx',
  'verification/cnn_max_mnist3.onnx',
  'verification/gtsrb_fast.onnx',
  'verification/mnist5x20_leaky.onnx',
  'verification/mnist_selfattn.onnx',
];

const map =
  'its results are a class and a ZipMap, a list of maps from class to number: neither is a tensor of reals';

/** The others, each with the reason. */
const notDifferentiable: Readonly<Record<string, string>> = {
  'mnist-cnn/lr_mnist_scikit.onnx': map,
  'tabular/logreg_iris.onnx': map,
};

const samples = [
  'digits-cnn/digits-cnn',
  'dying-relu/dying-relu',
  'fashion-cnn/fashion-cnn',
  'cross-network/cross-network',
  'in-context/in-context',
  'interest-network/interest-network',
  'marketing-mix/marketing-mix',
  'modular-addition/modular-addition',
  'story-lm/story-lm',
  'digits-vae/digits-vae-encoder',
  'digits-vae/digits-vae-decoder',
];

function check(model: Model, feeds: Feeds): Promise<GradientCheckTable> {
  return checkGradients(model, runtime, { feeds, seed: 1, nodesPerOperator: 1 });
}

/** Everything passed, or has no gradient for a mathematical reason; the model as a whole passed. */
function assertPassed({ rows }: GradientCheckTable, unchecked: readonly string[] = []): void {
  const bad = rows.filter(
    ({ status, operator }) =>
      status !== 'passed' &&
      status !== 'no-gradient' &&
      !(status === 'not-checked' && unchecked.includes(operator)),
  );
  assert.deepEqual(bad, []);
  assert.equal(rows.at(-1)?.operator, '(whole model)');
  assert.equal(rows.at(-1)?.status, 'passed');
}

describe('gradient-check', () => {
  for (const name of samples) {
    it(`passes the sample ${name}`, async () => {
      const model = await readModel(join(samplesDir, `${name}.onnx`));
      const isInContext = name.startsWith('in-context');
      // The classes that it reads are two, and what it expands is a single zero.
      const feeds = feedsFor(model, { batch: 1, size: 8, tokenCount: isInContext ? 2 : 20 });
      assertPassed(await check(model, feeds), isInContext ? ['Expand'] : []);
    }).timeout(60_000);
  }

  itWithShared('knows of every shared model whether gradients flow through it', (shared) => {
    const found = readdirSync(join(shared, 'models'), { recursive: true, encoding: 'utf8' });
    assert.deepEqual(
      found.filter((path) => path.endsWith('.onnx')).sort(),
      [...sharedModels, ...Object.keys(notDifferentiable)].sort(),
    );
  });

  for (const name of sharedModels) {
    itWithShared(`passes ${name}`, async (shared) => {
      const model = await readModel(join(shared, 'models', name));
      // Token numbers are cast once.
      assertPassed(await check(model, feedsFor(model, { batch: 1, size: 12 })), ['Cast']);
    });
  }

  for (const [name, reason] of Object.entries(notDifferentiable)) {
    itWithShared(`finds no gradient to compare in ${name}: ${reason}`, async (shared) => {
      const model = await readModel(join(shared, 'models', name));
      const { rows, isPassed } = await check(model, feedsFor(model, { size: 4 }));
      assert.equal(isPassed, true);
      assert.equal(rows.at(-1)?.status, 'not-checked');
      assert.ok(rows.some(({ operator }) => operator === 'ai.onnx.ml:ZipMap'));
    });
  }
});

const random = createRandom(5);
const chunk = normalTensor(random, [1, 512]);
const state = normalTensor(random, [2, 1, 128]);
const rate = int64Tensor([16_000], []);

/** Dark strokes on a light ground: without any, every pixel's chance to be text is 0 in float32, and nothing has a slope. */
function strokes(side: number): TensorValue {
  const isInk = (row: number, column: number): boolean =>
    row > 24 && row < 40 && column > 8 && column < 56 && (column % 8 < 3 || row % 8 === 0);
  const noise = normalTensor(random, [1, 3, side, side], 0.05);
  const data = Float32Array.from(noise.data as Float32Array, (value, i) => {
    const [row, column] = [Math.floor(i / side) % side, i % side];
    return value + (isInk(row, column) ? -2 : 2);
  });
  return { ...noise, data };
}

/** Models of packages: file, what they are fed, and operators that work on one number only in this run. */
const packaged: readonly {
  readonly source: keyof typeof modelPackages;
  readonly file: string;
  readonly feeds: Feeds;
  readonly unchecked?: readonly string[];
}[] = [
  {
    source: 'voice',
    file: 'weights/silero_vad.onnx',
    feeds: { input: chunk, state, sr: rate },
    unchecked: ['Identity'],
  },
  {
    source: 'voice',
    file: 'weights/silero_vad_16k_op15.onnx',
    feeds: { input: chunk, state, sr: rate },
    unchecked: ['ReduceMean', 'Sigmoid'],
  },
  {
    source: 'voice',
    file: 'weights/silero_vad_half.onnx',
    feeds: { input: chunk, state },
    unchecked: ['ReduceMean', 'Sigmoid'],
  },
  { source: 'voice', file: 'weights/silero_vad_op18_ifless.onnx', feeds: { input: chunk, state, sr: rate } },
  {
    source: 'text',
    file: 'assets/ch_PP-OCRv4_det_infer.onnx',
    feeds: { x: strokes(64) },
  },
  {
    source: 'text',
    file: 'assets/ch_PP-OCRv4_rec_infer.onnx',
    feeds: { x: normalTensor(random, [1, 3, 48, 32]) },
  },
  {
    source: 'text',
    file: 'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
    feeds: { x: normalTensor(random, [1, 3, 48, 48]) },
  },
  {
    source: 'faces',
    file: 'ONNX/face_detection_front_128x128_barracuda.onnx',
    feeds: { 'input:0': normalTensor(random, [1, 128, 128, 3]) },
  },
];

describe('gradient-check on models of npm packages', () => {
  for (const { source, file, feeds, unchecked = [] } of packaged) {
    itWithPackage(`passes ${file}`, modelPackages[source], async (dir) => {
      assertPassed(await check(await readModel(join(dir, file)), feeds), unchecked);
    });
  }
});
