import assert from 'node:assert/strict';
import { rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/base/errors.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { type DataType, dataTypes } from '../../../src/onnx/dataTypes.js';
import type { Graph, Model, Tensor } from '../../../src/onnx/model.js';
import { openedModel } from '../../../src/onnx/openedModel.js';
import { readModel } from '../../../src/onnx/readModel.js';
import type { StoredConstant } from '../../../src/onnx/storedConstants.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { loadTensor } from '../../../src/onnx/loadTensor.js';
import { weightList } from '../../../src/onnx/weightList.js';
import { weightStatistics } from '../../../src/onnx/weightStatistics.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import type { WeightInfo, WeightStatistics } from '../../../src/protocol/structure.js';
import { denseModel, emptyModel } from '../../support/modelBuilder.js';
import { itWithShared } from '../../support/paths.js';
import { PlantedModel } from '../../support/plantedModel.js';
import { sharedModels } from '../../support/sharedModels.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

function listed(model: Model): WeightInfo[] {
  return weightList(openedModel(model).constants);
}

function constant(elementType: DataType, dims: readonly number[], bytes: Uint8Array): StoredConstant {
  const tensor: Tensor = { name: 'W', elementType, dims, source: { kind: 'inline', bytes } };
  return { name: 'W', tensor, dims, layer: null, role: '' };
}

function statisticsOf(one: StoredConstant, binCount = 8): Promise<WeightStatistics> {
  return weightStatistics([one], { name: 'W', binCount });
}

function floats(...values: number[]): StoredConstant {
  return constant('float64', [values.length], new Uint8Array(Float64Array.from(values).buffer));
}

function closeTo(actual: number | null, expected: number): void {
  assert.ok(actual !== null);
  // Sums of some thousand float64 numbers in another order.
  assert.ok(
    Math.abs(actual - expected) <= 1e-10 * Math.max(1, Math.abs(expected)),
    `${actual} ≠ ${expected}`,
  );
}

describe('the list of weights', () => {
  it('names what each constant is for and the layer that reads it', () => {
    const planted = new PlantedModel();
    const conv = planted.node('Conv', [
      'x',
      planted.weight([4, 3, 1, 1], 'conv.weight'),
      planted.weight([4], 'b'),
    ]);
    const shape = planted.builder.int64s([0, -1]);
    const flat = planted.node('Reshape', [planted.node('Relu', [conv]), shape]);
    const weights = listed(planted.model(planted.node('Mul', [flat, planted.weight([256], 'gain')])));
    assert.deepEqual(
      weights.map(({ name, layer, role, dtype, dims, sizeBytes }) => [
        name,
        layer,
        role,
        dtype,
        dims,
        sizeBytes,
      ]),
      [
        ['conv.weight', 'conv', 'weight', 'float32', [4, 3, 1, 1], 48],
        ['b', 'conv', 'bias', 'float32', [4], 16],
        [shape, null, 'shape', 'int64', [2], 16],
        ['gain', null, 'factor', 'float32', [256], 1024],
      ],
    );
  });

  it('looks behind Transpose and DequantizeLinear', () => {
    const planted = new PlantedModel(['N', 3]);
    const scale = planted.weight([1], 'q.scale');
    const weight = planted.node('DequantizeLinear', [planted.weight([4, 3], 'q'), scale]);
    const turned = planted.node('Transpose', [weight], { attributes: { perm: [1, 0] } });
    const model = planted.model(planted.node('MatMul', ['x', turned], { name: 'head' }));
    assert.deepEqual(
      listed(model).map(({ name, layer, role }) => [name, layer, role]),
      [
        ['q.scale', 'head', 'quantisation scale'],
        ['q', 'head', 'weight'],
      ],
    );
  });

  it('holds constants of bodies, equal names told apart', () => {
    const body = (): Graph => {
      const builder = new GraphBuilder(emptyModel());
      const weight = builder.constant(float32Tensor([1, 2, 3], [3]), 'inner');
      builder.addOutput(builder.node('Mul', ['x', weight]));
      return builder.build().graph;
    };
    const planted = new PlantedModel(['N', 3]);
    const branch = planted.node('If', [planted.node('IsNaN', ['x'])], {
      attributes: {
        then_branch: { kind: 'graph', value: body() },
        else_branch: { kind: 'graph', value: body() },
      },
    });
    assert.deepEqual(
      listed(planted.model(branch)).map(({ name }) => name),
      ['inner', 'inner_1'],
    );
  });

  it('holds constants that nodes carry', () => {
    const planted = new PlantedModel(['N', 3]);
    const two = planted.node('Constant', [], { attributes: { value_float: { kind: 'float', value: 2 } } });
    const axes = planted.node('Constant', [], { attributes: { value_ints: [1, 2] } });
    planted.node('LinearClassifier', ['x'], {
      domain: 'ai.onnx.ml',
      outputs: ['label', 'scores'],
      attributes: { coefficients: { kind: 'floats', value: [1, 2, 3] } },
    });
    const weights = listed(planted.model(planted.node('Pow', ['x', two]), 'label', axes));
    assert.deepEqual(
      weights.map(({ name, role, dtype, dims }) => [name, role, dtype, dims]),
      [
        [two, 'exponent', 'float32', []],
        [axes, '', 'int64', [2]],
        ['label/coefficients', 'coefficients', 'float32', [3]],
      ],
    );
    assert.notEqual(weights[2]?.layer, null);
  });

  itWithShared(
    'of every real model covers the parameters of its layers, under unique names',
    async (shared) => {
      for (const { path, model } of await sharedModels(shared)) {
        const { constants, layers } = openedModel(model);
        const names = constants.map(({ name }) => name);
        assert.equal(new Set(names).size, names.length, path);
        const total = constants.reduce((sum, { dims }) => sum + dims.reduce((a, b) => a * b, 1), 0);
        const { parameterCount, bufferCount } = layers.counts;
        assert.ok(
          total >= parameterCount + bufferCount,
          `${path}: ${total} < ${parameterCount + bufferCount}`,
        );
      }
    },
  );
});

describe('statistics of a weight', () => {
  const folder = useTemporaryFolder();

  it('are the moments and counts that brute force finds', async () => {
    const random = createRandom(5);
    const values = Array.from({ length: 5000 }, () => random.normal() * 3 + 1);
    const found = await statisticsOf(floats(...values), 16);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    closeTo(found.mean, mean);
    closeTo(
      (found.standardDeviation ?? NaN) ** 2,
      values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length,
    );
    assert.equal(found.minimum, Math.min(...values));
    assert.equal(found.maximum, Math.max(...values));
    assert.equal(found.edges.length, 17);
    found.counts.forEach((count, bin) => {
      const [low, high] = [found.edges[bin]!, found.edges[bin + 1]!];
      const isLast = bin === 15;
      assert.equal(count, values.filter((v) => v >= low && (isLast ? v <= high : v < high)).length);
    });
  });

  it('put 0, 1, 2, 3 into one bin each', async () => {
    const found = await statisticsOf(floats(0, 1, 2, 3, 4), 4);
    assert.deepEqual(found.edges, [0, 1, 2, 3, 4]);
    assert.deepEqual(found.counts, [1, 1, 1, 2]);
    assert.equal(found.mean, 2);
    assert.equal(found.standardDeviation, Math.SQRT2);
    assert.equal(found.zeroCount, 1);
  });

  it('count NaN and ∞ and leave them out of everything else', async () => {
    const found = await statisticsOf(floats(NaN, Infinity, -Infinity, 1, 3, -0), 2);
    assert.deepEqual(
      [found.elementCount, found.nanCount, found.infiniteCount, found.zeroCount],
      [6, 1, 2, 1],
    );
    assert.deepEqual([found.minimum, found.maximum], [-0, 3]);
    closeTo(found.mean, 4 / 3);
    assert.deepEqual(found.counts, [2, 1]);
  });

  it('of nothing but NaN, of no element, and of texts have no histogram', async () => {
    for (const one of [floats(NaN, NaN), floats()]) {
      const { edges, counts, mean } = await statisticsOf(one);
      assert.deepEqual([edges, counts, mean], [[], [], null]);
    }
    const tensor: Tensor = {
      name: 'W',
      elementType: 'string',
      dims: [2],
      source: { kind: 'strings', values: ['a', 'b'] },
    };
    const texts = await statisticsOf({ name: 'W', tensor, dims: [2], layer: null, role: '' });
    assert.deepEqual([texts.elementCount, texts.edges, texts.mean], [2, [], null]);
  });

  it('of one number throughout have it inside their histogram', async () => {
    for (const value of [0, 3, -1e-310, 1.7e308]) {
      const { edges, counts, standardDeviation } = await statisticsOf(floats(value, value, value), 4);
      // The mean of equal numbers is rounded at most once.
      assert.ok((standardDeviation ?? NaN) <= Math.abs(value) * Number.EPSILON, String(standardDeviation));
      assert.equal(
        counts.reduce((a, b) => a + b),
        3,
      );
      assert.ok(edges[0]! < value && value < edges.at(-1)!, String(value));
    }
  });

  it('survive the widest range of float64', async () => {
    const { edges, counts, standardDeviation } = await statisticsOf(floats(-1.7e308, 1.7e308), 4);
    assert.deepEqual(counts, [1, 0, 0, 1]);
    assert.equal(standardDeviation, 1.7e308);
    assert.ok(edges.every(Number.isFinite));
  });

  it('give whole numbers of few values a bin each', async () => {
    const found = await statisticsOf(
      constant('int8', [5], new Uint8Array(Int8Array.of(-1, 0, 2, 2, 1).buffer)),
      32,
    );
    assert.deepEqual(found.edges, [-1.5, -0.5, 0.5, 1.5, 2.5]);
    assert.deepEqual(found.counts, [1, 1, 1, 2]);
  });

  it('read every numeric type, also those of less than a byte', async () => {
    const cases: readonly [DataType, number, Uint8Array, readonly number[]][] = [
      ['float16', 3, new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x3800).buffer), [1, -2, 0.5]],
      ['bfloat16', 2, new Uint8Array(Uint16Array.of(0x3f80, 0xc000).buffer), [1, -2]],
      ['float8e4m3fn', 2, Uint8Array.of(0x38, 0xc0), [1, -2]],
      ['float8e5m2', 2, Uint8Array.of(0x3c, 0xc0), [1, -2]],
      ['float4e2m1', 3, Uint8Array.of(0xa2, 0x07), [1, -1, 6]],
      ['int4', 3, Uint8Array.of(0xf1, 0x08), [1, -1, -8]],
      ['uint4', 3, Uint8Array.of(0xf1, 0x08), [1, 15, 8]],
      ['int2', 4, Uint8Array.of(0b11_10_01_00), [0, 1, -2, -1]],
      ['int64', 2, new Uint8Array(BigInt64Array.of(-5n, 7n).buffer), [-5, 7]],
      ['bool', 2, Uint8Array.of(0, 1), [0, 1]],
    ];
    for (const [type, count, bytes, values] of cases) {
      const found = await statisticsOf(constant(type, [count], bytes));
      assert.equal(found.minimum, Math.min(...values), type);
      assert.equal(found.maximum, Math.max(...values), type);
      closeTo(found.mean, values.reduce((a, b) => a + b) / values.length);
    }
  });

  it('exist for every element type that holds numbers', async () => {
    for (const { name, bits } of dataTypes) {
      if (bits === 0) continue;
      const found = await statisticsOf(constant(name, [16], new Uint8Array((16 * bits) / 8)));
      assert.equal(found.elementCount, 16, name);
    }
  });

  it('count what a sparse constant does not store as zeros', async () => {
    const stored = floats(5, -1);
    const found = await statisticsOf({ ...stored, dims: [2, 5] }, 6);
    assert.deepEqual([found.elementCount, found.zeroCount], [10, 8]);
    closeTo(found.mean, 0.4);
    closeTo(found.standardDeviation, Math.sqrt(26 / 10 - 0.16));
    assert.deepEqual(found.counts, [1, 8, 0, 0, 0, 1]);
  });

  it('read a large weight in chunks, from the model or from its data file', async () => {
    // Three chunks of about a million elements, the last one short.
    for (const options of [{}, { maxEmbeddedBytes: 0 }]) {
      const path = join(folder(), 'large.onnx');
      await writeModel(denseModel([1600, 1600]), path, options);
      const { constants, model } = openedModel(await readModel(path));
      const found = await weightStatistics(constants, { name: 'fc1.weight', binCount: 10 });
      const values = toFloat64(await loadTensor(model.graph.initializers.get('fc1.weight')!));
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      closeTo(found.mean, mean);
      closeTo(
        found.standardDeviation,
        Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length),
      );
      assert.equal(
        found.counts.reduce((a, b) => a + b),
        1600 * 1600,
      );
      assert.equal(
        found.maximum,
        values.reduce((a, b) => Math.max(a, b)),
      );
    }
  });

  it('say which file is missing or too short, and which name is unknown', async () => {
    const path = join(folder(), 'external.onnx');
    await writeModel(denseModel([32, 32]), path, { maxEmbeddedBytes: 0 });
    const { constants } = openedModel(await readModel(path));
    const failsWith = (code: string, name: string): Promise<void> =>
      assert.rejects(
        weightStatistics(constants, { name, binCount: 4 }),
        (error) => error instanceof UserError && error.code === code && error.message.includes(name),
      );
    truncateSync(`${path}.data`, 100);
    await failsWith('external-data-too-short', 'fc1.weight');
    rmSync(`${path}.data`);
    await failsWith('external-data-missing', 'fc1.weight');
    await failsWith('weight-unknown', 'nothing');
  });
});
