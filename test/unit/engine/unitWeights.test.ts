import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { unitWeights } from '../../../src/engine/weights/unitWeights.js';
import { openedModel } from '../../../src/onnx/openedModel.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import type { UnitWeights } from '../../../src/protocol/units.js';
import { emptyModel, normalTensor } from '../../support/modelBuilder.js';
import { at, PlantedWeights } from '../../support/plantedWeights.js';
import { samplesDir } from '../../support/paths.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { isCode, range } from '../../support/tensors.js';

function assertSlice(weights: UnitWeights, slice: readonly number[]): void {
  assert.equal(weights.count, slice.length);
  const norm = Math.sqrt(slice.reduce((sum, value) => sum + value * value, 0));
  assert(Math.abs(weights.norm - norm) < 1e-6 * norm, `norm ${weights.norm}, not ${norm}`);
  assert.equal(weights.positiveShare, slice.filter((value) => value > 0).length / slice.length);
  assert.equal(
    weights.histogram.counts.reduce((a, b) => a + b, 0),
    slice.length,
  );
}

/** Values of all inputs, by what they come from. */
function byOrigin(weights: UnitWeights): Map<string, number> {
  return new Map(weights.largest.map(({ from, value }) => [from, value]));
}

describe('the weights of a neuron', () => {
  it('of a convolution in groups: its channels, kernels, bias and rank', async () => {
    const planted = new PlantedWeights(['N', 6, 8, 8]);
    const w = planted.weight('conv.weight', [4, 3, 2, 2]);
    const b = planted.weight('conv.bias', [4]);
    const y = planted.node('Conv', ['x', 'conv.weight', 'conv.bias'], { attributes: { group: 2 } });
    const weights = await planted.weightsOf('conv[3]', y);
    const slice = range(0, 12).map((i) => at(w, 3, Math.floor(i / 4), Math.floor(i / 2) % 2, i % 2));
    assertSlice(weights, slice);
    assert.deepEqual(weights.dims, [3, 2, 2]);
    assert.equal(weights.bias, at(b, 3));
    // Units 2 and 3 are the second group, which reads channels 3 to 5.
    assert.deepEqual(
      weights.kernels?.map(({ from, width, height, values }) => [from, width, height, values]),
      range(0, 3).map((c) => [`x[${c + 3}]`, 2, 2, slice.slice(4 * c, 4 * c + 4)]),
    );
    const norms = range(0, 4).map((m) =>
      toFloat64(w)
        .subarray(12 * m, 12 * m + 12)
        .reduce((s, v) => s + v * v, 0),
    );
    assert.equal(weights.normRank, 1 + norms.filter((norm) => norm > norms[3]!).length);
    assert.equal(weights.unitCount, 4);
    for (const c of range(0, 3)) {
      const kernel = slice.slice(4 * c, 4 * c + 4);
      const length = Math.sqrt(kernel.reduce((s, v) => s + v * v, 0));
      const sign = kernel.reduce((s, v) => s + v, 0) < 0 ? -1 : 1;
      assert(Math.abs(byOrigin(weights).get(`x[${c + 3}]`)! - sign * length) < 1e-9);
    }
    const sizes = weights.largest.map(({ value }) => Math.abs(value));
    assert.deepEqual(
      [...sizes].sort((p, q) => q - p),
      sizes,
    );
  });

  it('of a transposed convolution in groups', async () => {
    const planted = new PlantedWeights(['N', 4, 5, 5]);
    const w = planted.weight('up.weight', [4, 3, 2, 1]);
    const y = planted.node('ConvTranspose', ['x', 'up.weight'], { attributes: { group: 2 } });
    // Unit 4 is the second of the second group: inputs 2 and 3.
    const weights = await planted.weightsOf('up[4]', y);
    assertSlice(
      weights,
      [2, 3].flatMap((c) => range(0, 2).map((k) => at(w, c, 1, k, 0))),
    );
    assert.deepEqual(weights.dims, [2, 2, 1]);
    assert.equal(weights.unitCount, 6);
    assert.equal(weights.bias, null);
    assert.deepEqual(
      weights.kernels?.map(({ from }) => from),
      ['x[2]', 'x[3]'],
    );
  });

  for (const transB of [0, 1]) {
    it(`of a Gemm with transB=${transB}: scaled by alpha, its bias by beta`, async () => {
      const planted = new PlantedWeights(['N', 5]);
      const w = planted.weight('fc.weight', transB === 1 ? [3, 5] : [5, 3]);
      const b = planted.weight('fc.bias', [1, 3]);
      const attributes = {
        transB,
        alpha: { kind: 'float', value: 0.5 },
        beta: { kind: 'float', value: 2 },
      } as const;
      const y = planted.node('Gemm', ['x', 'fc.weight', 'fc.bias'], { attributes });
      const weights = await planted.weightsOf('fc[2]', y);
      const slice = range(0, 5).map((k) => 0.5 * (transB === 1 ? at(w, 2, k) : at(w, k, 2)));
      assertSlice(weights, slice);
      assert.deepEqual(weights.dims, [5]);
      assert.equal(weights.bias, 2 * at(b, 0, 2));
      for (const [k, value] of slice.entries()) assert.equal(byOrigin(weights).get(`x[${k}]`), value);
    });
  }

  it('of a product with the weight on the left, whose units are its rows', async () => {
    const planted = new PlantedWeights(['N', 5, 7]);
    const w = planted.weight('mix.weight', [4, 5]);
    const y = planted.node('MatMul', ['mix.weight', 'x']);
    const weights = await planted.weightsOf('mix[1]', y);
    assertSlice(
      weights,
      range(0, 5).map((k) => at(w, 1, k)),
    );
    assert.deepEqual(
      weights.largest.map(({ from }) => from).sort(),
      range(0, 5).map((k) => `input ${k}`),
    );
  });

  it('of a product with an Add behind it, through Transpose and Reshape of the stored weight', async () => {
    const planted = new PlantedWeights(['N', 6]);
    const w = planted.weight('fc.weight', [4, 2, 3]);
    const b = planted.weight('fc.bias', [4]);
    planted.builder.constant(int64Tensor([4, 6], [2]), 'shape');
    const flat = planted.node('Reshape', ['fc.weight', 'shape']);
    const turned = planted.node('Transpose', [flat], { attributes: { perm: [1, 0] } });
    const product = planted.node('MatMul', ['x', turned]);
    const weights = await planted.weightsOf('fc[3]', planted.node('Add', [product, 'fc.bias']));
    assertSlice(
      weights,
      range(0, 6).map((k) => at(w, 3, Math.floor(k / 3), k % 3)),
    );
    for (const k of range(0, 6)) {
      assert.equal(byOrigin(weights).get(`x[${k}]`), at(w, 3, Math.floor(k / 3), k % 3));
    }
    assert.equal(weights.bias, at(b, 3));
  });

  it('of an embedding: one for each id', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('ids', { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] });
    const table = normalTensor(createRandom(1), [30, 4]);
    builder.constant(table, 'tokens.weight');
    builder.addOutput(builder.node('Gather', ['tokens.weight', 'ids']));
    const weights = await unitWeights(openedModel(builder.build()), { address: 'tokens[2]' });
    assertSlice(
      weights,
      range(0, 30).map((id) => at(table, id, 2)),
    );
    assert.equal(weights.largest.length, 20);
    const [first] = weights.largest;
    const largest = range(0, 30).reduce((a, b) =>
      Math.abs(at(table, b, 2)) > Math.abs(at(table, a, 2)) ? b : a,
    );
    assert.deepEqual(first, { from: `id ${largest}`, value: at(table, largest, 2) });
  });

  it('of quantised weights, dequantised along their axis', async () => {
    const planted = new PlantedWeights(['N', 3, 4, 4]);
    const stored = Int8Array.from({ length: 2 * 3 * 4 }, (_, i) => ((i * 37) % 251) - 125);
    planted.builder.constant({ dtype: 'int8', dims: [2, 3, 2, 2], data: stored }, 'conv.weight');
    planted.builder.constant(float32Tensor([0.5, 0.25], [2]), 'scale');
    planted.builder.constant({ dtype: 'int8', dims: [2], data: Int8Array.of(3, -5) }, 'zero');
    const w = planted.node('DequantizeLinear', ['conv.weight', 'scale', 'zero'], { attributes: { axis: 0 } });
    const weights = await planted.weightsOf('conv[1]', planted.node('Conv', ['x', w]));
    assertSlice(
      weights,
      [...stored.subarray(12)].map((q) => (q + 5) * 0.25),
    );
  });

  it('of operators that dequantise inside, with a bias in their steps', async () => {
    const planted = new PlantedWeights(['N', 3, 4, 4]);
    const { builder } = planted;
    builder.constant(float32Tensor([0.1], []), 'xs');
    builder.constant({ dtype: 'uint8', dims: [], data: Uint8Array.of(128) }, 'xz');
    const stored = Int8Array.from({ length: 6 }, (_, i) => 20 * i - 60);
    builder.constant({ dtype: 'int8', dims: [2, 3, 1, 1], data: stored }, 'conv.weight');
    builder.constant(float32Tensor([0.5, 0.25], [2]), 'ws');
    builder.constant({ dtype: 'int8', dims: [2], data: Int8Array.of(0, 1) }, 'wz');
    builder.constant({ dtype: 'int32', dims: [2], data: Int32Array.of(10, -30) }, 'b');
    const q = planted.node('QuantizeLinear', ['x', 'xs', 'xz']);
    const y = planted.node('QLinearConv', [q, 'xs', 'xz', 'conv.weight', 'ws', 'wz', 'xs', 'xz', 'b']);
    const weights = await planted.weightsOf('conv[1]', y);
    assertSlice(
      weights,
      [0, 20, 40].map((value) => (value - 1) * 0.25),
    );
    assert(Math.abs(weights.bias! - -30 * Math.fround(0.1) * 0.25) < 1e-9);
    assert.equal(weights.kernels, undefined);
  });

  it('of packed four-bit weights in blocks', async () => {
    const planted = new PlantedWeights(['N', 8]);
    const levels = Int8Array.from({ length: 16 }, (_, i) => (i % 16) - 8);
    const packed = new Uint8Array(8);
    for (const [i, level] of levels.entries()) packed[i >> 1]! |= (level & 15) << (4 * (i % 2));
    planted.builder.constant(float32Tensor([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]), 'scale');
    planted.builder.initializer({
      name: 'fc.weight',
      elementType: 'int4',
      dims: [8, 2],
      source: { kind: 'inline', bytes: packed },
    });
    const w = planted.node('DequantizeLinear', ['fc.weight', 'scale'], {
      attributes: { axis: 0, block_size: 2 },
    });
    const weights = await planted.weightsOf('fc[1]', planted.node('MatMul', ['x', w]));
    const slice = range(0, 8).map((k) => levels[2 * k + 1]! * (2 * Math.floor(k / 2) + 2));
    assertSlice(weights, slice);
    for (const [k, value] of slice.entries()) assert.equal(byOrigin(weights).get(`x[${k}]`), value);
  });

  it('of float weights that a model rounds to eight bits before it uses them', async () => {
    const planted = new PlantedWeights(['N', 3]);
    planted.builder.constant(float32Tensor([0.26, 0.25, 100, -0.75, -9, 1], [3, 2]), 'fc.weight');
    planted.builder.constant(float32Tensor([0.5], []), 'scale');
    planted.builder.constant({ dtype: 'int8', dims: [], data: Int8Array.of(0) }, 'zero');
    const q = planted.node('QuantizeLinear', ['fc.weight', 'scale', 'zero']);
    const w = planted.node('DequantizeLinear', [q, 'scale', 'zero']);
    const weights = await planted.weightsOf('fc[0]', planted.node('MatMul', ['x', w]));
    // 0.26 / 0.5 → 1 step, 100 / 0.5 is cut at 127 steps, −9 / 0.5 → −18 steps.
    assert.deepEqual([...byOrigin(weights)].sort(), [
      ['x[0]', 0.5],
      ['x[1]', 63.5],
      ['x[2]', -9],
    ]);
  });

  it('of a normalisation: its scale, and what it scales', async () => {
    const planted = new PlantedWeights(['N', 3, 4, 4]);
    planted.weight('conv.weight', [5, 3, 1, 1]);
    const conv = planted.node('Conv', ['x', 'conv.weight']);
    const scale = planted.weight('bn.weight', [5]);
    const shift = planted.weight('bn.bias', [5]);
    planted.weight('mean', [5]);
    planted.weight('variance', [5]);
    const y = planted.node('BatchNormalization', [conv, 'bn.weight', 'bn.bias', 'mean', 'variance']);
    const weights = await planted.weightsOf('bn[4]', y);
    assert.deepEqual(weights.largest, [{ from: 'conv[4]', address: 'conv[4]', value: at(scale, 4) }]);
    assert.equal(weights.bias, at(shift, 4));
  });

  it('name the neurons that they come from, through activation, pooling and flattening', async () => {
    const planted = new PlantedWeights(['N', 1, 6, 6]);
    planted.weight('conv1.weight', [2, 1, 3, 3]);
    planted.weight('conv2.weight', [3, 2, 1, 1]);
    const w = planted.weight('fc.weight', [12, 4]);
    const first = planted.node('Relu', [planted.node('Conv', ['x', 'conv1.weight'])]);
    const second = planted.node('Conv', [first, 'conv2.weight']);
    const pooled = planted.node('MaxPool', [planted.node('Relu', [second])], {
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    });
    const flat = planted.node('Flatten', [pooled]);
    const y = planted.node('MatMul', [flat, 'fc.weight']);
    const model = openedModel(
      (() => {
        planted.builder.addOutput(y);
        return planted.builder.build();
      })(),
    );
    const byPixels = await unitWeights(model, { address: 'conv1[1]' });
    assert.deepEqual(
      byPixels.largest.map(({ from, address }) => [from, address]),
      [['x', undefined]],
    );
    const byChannels = await unitWeights(model, { address: 'conv2[1]' });
    assert.deepEqual(byChannels.largest.map(({ from, address }) => [from, address]).sort(), [
      ['conv1[0]', 'conv1[0]'],
      ['conv1[1]', 'conv1[1]'],
    ]);
    const byPlaces = await unitWeights(model, { address: 'fc[3]' });
    // Element 7 of [3, 2, 2] is channel 1 at row 1, column 1 of the pooled map.
    const seventh = byPlaces.largest.find(({ value }) => value === at(w, 7, 3));
    assert.deepEqual(seventh, { from: 'conv2[1] at 1,1', address: 'conv2[1]', value: at(w, 7, 3) });
  });

  it('are those of the layer that feeds it, for an activation', async () => {
    const path = join(samplesDir, 'digits-cnn', 'digits-cnn.onnx');
    const model = openedModel(await readModel(path));
    const [own, fed] = [
      await unitWeights(model, { address: 'conv2[3]' }),
      await unitWeights(model, { address: 'relu2[3]@1,1' }),
    ];
    assert.equal(fed.layer, 'conv2');
    assert.deepEqual({ ...fed, address: own.address }, own);
    const first = await unitWeights(model, { address: 'conv1[0]' });
    assert.deepEqual(
      first.largest.map(({ from }) => from),
      ['image'],
    );
  });

  describe('in a file', () => {
    const folder = useTemporaryFolder();

    it('are found at their place in a weight that is read in pieces', async () => {
      const planted = new PlantedWeights(['N', 1100]);
      // Longer than a piece of a million elements; no two of a column are equal.
      const data = new Float32Array(1100 * 1000);
      for (let i = 0; i < data.length; i++) data[i] = (i % 2 === 0 ? 1 : -1) * Math.floor(i / 1000);
      planted.builder.constant(float32Tensor(data, [1100, 1000]), 'fc.weight');
      planted.builder.addOutput(planted.node('MatMul', ['x', 'fc.weight']));
      const path = join(folder(), 'wide.onnx');
      await writeModel(planted.builder.build(), path);
      const weights = await unitWeights(openedModel(await readModel(path)), { address: 'fc[123]' });
      assertSlice(
        weights,
        range(0, 1100).map((k) => -k),
      );
      assert.deepEqual(weights.largest[0], { from: 'x[1099]', value: -1099 });
    });
  });

  const refusals: readonly [string, (planted: PlantedWeights) => string, string, RegExp][] = [
    [
      'a head',
      (planted) => {
        for (const name of ['q', 'k', 'v']) planted.weight(`attn.${name}.weight`, [6, 6]);
        planted.builder.constant(int64Tensor([0, 3, 2, 3], [4]), 'heads');
        const split = (name: string, perm: number[]): string => {
          const product = planted.node('MatMul', ['x', `attn.${name}.weight`]);
          const parts = planted.node('Reshape', [product, 'heads']);
          return planted.node('Transpose', [parts], { attributes: { perm } });
        };
        const scores = planted.node('MatMul', [split('q', [0, 2, 1, 3]), split('k', [0, 2, 3, 1])]);
        const chances = planted.node('Softmax', [scores], {
          name: '/attn/Softmax',
          attributes: { axis: -1 },
        });
        return planted.node('MatMul', [chances, split('v', [0, 2, 1, 3])]);
      },
      'attn.head[1]',
      /a head is made of queries and keys/,
    ],
    [
      'an activation behind an Add of two layers',
      (planted) => {
        planted.weight('a.weight', [6, 4]);
        planted.weight('b.weight', [6, 4]);
        const sum = planted.node('Add', [
          planted.node('MatMul', ['x', 'a.weight']),
          planted.node('MatMul', ['x', 'b.weight']),
        ]);
        return planted.node('Relu', [sum], { name: '/act/Relu' });
      },
      'act[1]',
      /input comes from no single layer with weights/,
    ],
    [
      'an address without a unit',
      (planted) => {
        planted.weight('fc.weight', [6, 4]);
        return planted.node('MatMul', ['x', 'fc.weight']);
      },
      'fc',
      /names no single neuron; add its number, as in fc\[0\]/,
    ],
  ];
  for (const [name, plant, address, said] of refusals) {
    it(`are refused with the reason for ${name}`, async () => {
      const planted = new PlantedWeights(['N', 3, 6]);
      await assert.rejects(planted.weightsOf(address, plant(planted)), (error) => {
        return isCode('no-weights')(error) && said.test((error as Error).message);
      });
    });
  }

  it('of what enters a down projection are those of the up projection, unless it is a product of two', async () => {
    const mlp = (isGated: boolean): PlantedWeights & { readonly output: string } => {
      const planted = new PlantedWeights(['N', 4]);
      const dense = (value: string, name: string, sizes: number[]): string => {
        planted.weight(`blocks.2.mlp.${name}.weight`, sizes);
        const inputs = [value, `blocks.2.mlp.${name}.weight`];
        return planted.node('MatMul', inputs, { name: `/blocks.2/mlp/${name}/MatMul` });
      };
      const act = planted.node('Relu', [dense('x', 'fc1', [4, 6])], { name: '/blocks.2/mlp/act/Relu' });
      const hidden = isGated ? planted.node('Mul', [act, dense('x', 'up', [4, 6])]) : act;
      return Object.assign(planted, { output: dense(hidden, 'fc2', [6, 4]) });
    };
    const plain = mlp(false);
    const weights = await plain.weightsOf('L2N5', plain.output);
    assert.deepEqual([weights.address, weights.layer], ['blocks.2.mlp.hidden[5]', 'blocks.2.mlp.fc1']);
    const gated = mlp(true);
    await assert.rejects(gated.weightsOf('L2N5', gated.output), (error) => {
      const said = /the product of two neurons \(blocks\.2\.mlp\.act\[5\] and blocks\.2\.mlp\.up\[5\]\)/;
      return isCode('no-weights')(error) && said.test((error as Error).message);
    });
  });

  it('of a layer inside a body are read like others', async () => {
    const inner = new GraphBuilder(emptyModel());
    const w = normalTensor(createRandom(3), [6, 4]);
    inner.constant(w, 'inner.weight');
    inner.addOutput(inner.node('MatMul', ['x', 'inner.weight'], { outputs: ['inner_out'] }));
    const planted = new PlantedWeights(['N', 6]);
    const yes = planted.builder.constant({ dtype: 'bool', dims: [], data: Uint8Array.of(1) }, 'yes');
    const value = { kind: 'graph', value: inner.build().graph } as const;
    const y = planted.node('If', [yes], { attributes: { then_branch: value, else_branch: value } });
    const weights = await planted.weightsOf('inner[2]', y);
    assertSlice(
      weights,
      range(0, 6).map((k) => at(w, k, 2)),
    );
  });

  it('are refused for units that are not there', async () => {
    const planted = new PlantedWeights(['N', 6]);
    planted.weight('fc.weight', [6, 4]);
    const y = planted.node('MatMul', ['x', 'fc.weight']);
    await assert.rejects(planted.weightsOf('fc[4]', y), isCode('unit-out-of-range'));
  });
});
