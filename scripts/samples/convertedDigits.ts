import { join } from 'node:path';
import { createRandom } from '../../src/base/random.js';
import { tap } from '../../src/engine/rewrites/tap.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import type { Model } from '../../src/onnx/model.js';
import { readModel } from '../../src/onnx/readModel.js';
import { toFloat64 } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { accuracyOf } from './classifier.js';
import { toHalfPrecision } from './halfPrecision.js';
import { imageFeed, pickImages, readMnist, sliceImages } from './images.js';
import { loaded } from './loaded.js';
import { quantize, quantizedValues, type ValueRange } from './quantize.js';
import type { Sample, SampleContext, SampleFacts } from './sample.js';

const calibrationCount = 1000;
const seed = 1;

/** digits-cnn with 8-bit weights and values. */
export const digitsInt8 = convertedSample('digits-int8', {
  description: 'digits-cnn with weights and values in 8 bits, in the QDQ form of quantisation tools.',
  recipe: {
    weights: 'int8, symmetric, 7 bits in use, a scale per output channel',
    values: `uint8, over the range seen on ${calibrationCount} training images`,
    seed,
  },
  convert: async (model) => quantize(model, await rangesOf(model)),
});

/** digits-cnn in half precision. */
export const digitsFp16 = convertedSample('digits-fp16', {
  description: 'digits-cnn in half precision, with float32 inputs and outputs.',
  recipe: { weights: 'float16, rounded to nearest', values: 'float16' },
  convert: toHalfPrecision,
});

interface Conversion {
  readonly description: string;
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly convert: (model: Model) => Promise<Model>;
}

function convertedSample(name: string, conversion: Conversion): Sample {
  return { name, make: (context) => makeConverted(name, conversion, context) };
}

async function makeConverted(
  name: string,
  { description, recipe, convert }: Conversion,
  { dir }: SampleContext,
): Promise<SampleFacts> {
  const original = await loaded(await readModel(join(dir, '..', 'digits-cnn', 'digits-cnn.onnx')));
  const model = await convert(original);
  const graph = { ...model.graph, name };
  await writeModel({ ...model, graph }, join(dir, `${name}.onnx`));
  const images = readMnist('t10k');
  return {
    description,
    recipe: { from: '../digits-cnn/digits-cnn.onnx', ...recipe },
    data: { committed: 'the test images of ../digits-cnn/data', notice: '../NOTICE.md' },
    metric: {
      name: 'accuracy',
      value: await accuracyOf(model, images),
      on: 'the 10,000 MNIST test images',
    },
    more: { originalAccuracy: await accuracyOf(original, images) },
    files: [`${name}.onnx`],
  };
}

/** Returns the smallest and largest element of every value that is to be quantised, over some training images. */
async function rangesOf(model: Model): Promise<ReadonlyMap<string, ValueRange>> {
  const images = readMnist('train');
  const picked = pickImages(images, createRandom(seed).permutation(images.count).slice(0, calibrationCount));
  const values = quantizedValues(model);
  const tapped = tap(model, values);
  const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(tapped.model);
  const ranges = new Map<string, ValueRange>();
  for (let start = 0; start < picked.count; start += 100) {
    const outputs = await session.run(imageFeed(sliceImages(picked, start, start + 100)));
    for (const value of values) {
      const output = outputs[tapped.outputs.get(value) ?? ''];
      if (output === undefined) throw new Error(`The model returned no ${value}.`);
      const { low, high } = ranges.get(value) ?? { low: Infinity, high: -Infinity };
      const elements = toFloat64(output);
      ranges.set(value, {
        low: elements.reduce((a, b) => Math.min(a, b), low),
        high: elements.reduce((a, b) => Math.max(a, b), high),
      });
    }
  }
  await session.close();
  return ranges;
}
