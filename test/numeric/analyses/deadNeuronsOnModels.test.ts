import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { deadNeurons } from '../../../src/analyses/health/dead-neurons.js';
import { createRandom, type Random } from '../../../src/base/random.js';
import { tap } from '../../../src/engine/rewrites/tap.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import { layersOf } from '../../../src/onnx/layers/layerTable.js';
import type { Model, ValueInfo } from '../../../src/onnx/model.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { elementCountOf, float32Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { fixturesDir, itWithShared, samplesDir } from '../../support/paths.js';
import { recount } from '../../support/recount.js';
import { arrayOf, runOn } from '../../support/runHealth.js';

/** Samples where the model's batch is free; tokens and the like where another size is. */
const freeBatch = 5;
const freeSize = 8;

const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });

function syntheticInput(input: ValueInfo, random: Random): TensorValue {
  const { type } = input;
  assert.ok(type.kind === 'tensor' && type.shape !== null, input.name);
  const dims = type.shape.map((size, axis) =>
    typeof size === 'number' && size > 0 ? size : axis === 0 ? freeBatch : freeSize,
  );
  const count = elementCountOf(dims);
  if (type.elementType === 'float32') {
    return float32Tensor(
      Float32Array.from({ length: count }, () => random.normal()),
      dims,
    );
  }
  // Classes and tokens: every table of the models has two rows.
  const integers = Array.from({ length: count }, () => random.integer(2));
  if (input.name === 'attention_mask') integers.fill(1);
  if (type.elementType === 'int64') {
    return { dtype: 'int64', dims, data: BigInt64Array.from(integers, BigInt) };
  }
  assert.equal(type.elementType, 'int32', input.name);
  return { dtype: 'int32', dims, data: Int32Array.from(integers) };
}

function syntheticFeeds(model: Model): Feeds {
  const random = createRandom(21);
  const inputs = model.graph.inputs.filter((input) => !model.graph.initializers.has(input.name));
  return Object.fromEntries(inputs.map((input) => [input.name, syntheticInput(input, random)]));
}

/** Runs dead-neurons and recounts every layer that it measured from the raw activations; returns how many there were. */
async function checkModel(path: string): Promise<number> {
  const model = convertToOpset17(await readModel(path));
  const feeds = syntheticFeeds(model);
  const batchSize = Object.values(feeds)[0]!.dims[0]!;
  const draft = await runOn(deadNeurons, model, memoryDataset(feeds), { batchSize });
  const types = inferTypes(model);
  const { byName } = layersOf(model, types);
  const measured = Object.keys(draft.arrays)
    .filter((name) => name.endsWith('.maximum'))
    .map((name) => name.slice(0, -'.maximum'.length));
  const tapped = tap(
    model,
    measured.map((name) => byName.get(name)!.output),
  );
  const session = await runtime.open(tapped.model);
  const outputs = await session.run(feeds);
  await session.close();
  for (const name of measured) {
    const layer = byName.get(name)!;
    const value = outputs[tapped.outputs.get(layer.output)!]!;
    const unitAxis = layer.unitAxis! < 0 ? layer.unitAxis! + value.dims.length : layer.unitAxis!;
    const type = types.get(layer.output);
    const isHalf = type?.kind === 'tensor' && type.elementType === 'float16';
    const assertExtreme = isHalf ? assertHalf : assert.equal;
    for (const [unit, expected] of recount(value, { unitAxis }).entries()) {
      const of = (array: string): number => arrayOf(draft, `${name}.${array}`)[unit]!;
      const where = `${name}[${unit}]`;
      assert.equal(of('elementCount'), expected.elementCount, where);
      assertExtreme(of('maximum'), expected.maximum, where);
      assertExtreme(of('minimum'), expected.minimum, where);
      assert.equal(of('activeCount'), expected.positiveCount, where);
      assert.equal(of('nonZeroFraction'), expected.nonZeroCount / expected.elementCount, where);
    }
  }
  return measured.length;
}

/**
 * The runtime has no half-precision kernels on processors and computes in float32; what leaves it is rounded, what is counted
 * inside is not.
 */
function assertHalf(actual: number, expected: number, where: string): void {
  assert.ok(Math.abs(actual - expected) <= 2 ** -11 * Math.abs(expected), `${where}: ${actual}, ${expected}`);
}

/** Linear classifiers, trees and a quadratic function: nothing to measure. */
const withoutActivations = new Set([
  'lr_mnist_scikit.onnx',
  'logreg_iris.onnx',
  'cart-pole-trees.onnx',
  'crop-yield.onnx',
]);

function onnxFiles(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => join(dir, name))
    .sort();
}

describe('dead-neurons equals a recount of the raw activations', () => {
  const own = onnxFiles(samplesDir).filter((path) => !withoutActivations.has(basename(path)));
  for (const path of [join(fixturesDir, 'oracle', 'lenet.onnx'), ...own]) {
    it(`on ${path.split('/').slice(-2).join('/')}`, async () => {
      assert.ok((await checkModel(path)) > 0);
    });
  }

  itWithShared('on every real model that has activations', async (shared) => {
    for (const path of onnxFiles(join(shared, 'models'))) {
      const name = path.split('/').at(-1)!;
      try {
        assert.ok((await checkModel(path)) > 0, path);
      } catch (error) {
        const isExpected =
          withoutActivations.has(name) &&
          error instanceof Error &&
          'code' in error &&
          error.code === 'no-activations';
        if (!isExpected) throw new Error(path, { cause: error });
      }
    }
  });
});
