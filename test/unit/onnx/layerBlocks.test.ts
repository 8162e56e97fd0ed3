import assert from 'node:assert/strict';
import { resolveAddress } from '../../../src/onnx/addresses.js';
import { float32Tensor, int64Tensor } from '../../../src/onnx/tensorValue.js';
import type { LayerTable } from '../../../src/onnx/layers/layer.js';
import { addressTableOf } from '../../../src/onnx/layers/layerTable.js';
import { layerNamed, PlantedModel } from '../../support/plantedModel.js';

/** One pre-norm block: attention of 2 heads with a Softmax module, and a gated MLP of 12 hidden units. */
function block(): LayerTable {
  const planted = new PlantedModel(['N', 5, 8]);
  const named = (scope: string, opType: string): { name: string } => ({
    name: `/blocks.3/${scope}/${opType}`,
  });
  const heads = planted.builder.constant(int64Tensor([0, 5, 2, 4], [4]), 'heads');
  const projected = (name: string): string => {
    const dense = planted.matMul('x', [8, 8], { ...named(`attn/${name}`, 'MatMul'), weight: `k${name}` });
    const split = planted.node('Reshape', [dense, heads], named('attn', 'Reshape'));
    const perm = name === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3];
    return planted.node('Transpose', [split], { ...named('attn', 'Transpose'), attributes: { perm } });
  };
  const scores = planted.node('MatMul', [projected('q'), projected('k')], named('attn', 'MatMul'));
  const half = planted.builder.constant(float32Tensor([0.5], []), 'half');
  const scaled = planted.node('Mul', [scores, half], named('attn', 'Mul'));
  const softmax = planted.node('Softmax', [scaled], {
    ...named('attn/softmax', 'Softmax'),
    attributes: { axis: -1 },
    outputs: ['probabilities'],
  });
  const mixed = planted.node('MatMul', [softmax, projected('v')], named('attn', 'MatMul_1'));
  const back = planted.node('Transpose', [mixed], {
    ...named('attn', 'Transpose_3'),
    attributes: { perm: [0, 2, 1, 3] },
  });
  const joined = planted.node('Reshape', [
    back,
    planted.builder.constant(int64Tensor([0, 5, 8], [3]), 'joined'),
  ]);
  const attended = planted.matMul(joined, [8, 8], { ...named('attn/o', 'MatMul'), weight: 'ko' });
  const gate = planted.matMul(attended, [8, 12], { ...named('mlp/gate', 'MatMul'), weight: 'kg' });
  const sigmoid = planted.node('Sigmoid', [gate], named('mlp/act', 'Sigmoid'));
  const silu = planted.node('Mul', [gate, sigmoid], named('mlp/act', 'Mul'));
  const up = planted.matMul(attended, [8, 12], { ...named('mlp/up', 'MatMul'), weight: 'ku' });
  const hidden = planted.node('Mul', [silu, up], { ...named('mlp', 'Mul'), outputs: ['hidden'] });
  const down = planted.matMul(hidden, [12, 8], { ...named('mlp/down', 'MatMul'), weight: 'kd' });
  return planted.layers(down);
}

describe('recognised blocks', () => {
  it('name attention by its module and count its heads', () => {
    const table = block();
    assert.deepEqual(table.attentions, [
      { name: 'blocks.3.attn', probabilities: 'probabilities', headAxis: 1, headCount: 2 },
    ]);
    assert.deepEqual(layerNamed(table, 'blocks.3.attn').blocks, ['attention']);
    const head = resolveAddress('blocks.3.attn.head[1]@-1,0', table);
    assert.deepEqual([head.value, head.unitAxis, head.positionAxes], ['probabilities', 1, [2, 3]]);
  });

  it('find what enters the down projection of a gated MLP, under every spelling', () => {
    const table = block();
    assert.deepEqual(table.mlps, [
      {
        name: 'blocks.3.mlp',
        block: 3,
        hidden: 'hidden',
        unitCount: 12,
        downProjection: 'blocks.3.mlp.down',
      },
    ]);
    for (const text of ['blocks.3.mlp.hidden[7]@-1', 'L3N7@-1', 'blocks.3.mlp.hook_post[..., 7]@-1']) {
      const found = resolveAddress(text, table);
      assert.deepEqual(
        [found.value, found.unitAxis, found.unit, found.positionAxes, found.address],
        ['hidden', 2, 7, [1], 'blocks.3.mlp.hidden[7]@-1'],
      );
    }
  });

  it('see the activation of the gate and no activation of the other factor', () => {
    const table = block();
    const act = layerNamed(table, 'blocks.3.mlp.act');
    assert.deepEqual([act.operator, act.unitCount], ['Silu', 12]);
    assert.deepEqual(layerNamed(table, 'blocks.3.mlp.gate').states, { kind: 'activation', layer: act.name });
    assert.equal(layerNamed(table, 'blocks.3.mlp.up').states.kind, 'not-judged');
  });

  it('resolve the same from what crosses to another process, which holds no nodes', () => {
    const table = block();
    const crossed = structuredClone(addressTableOf(table));
    for (const text of [
      'blocks.3.attn.head[1]@-1,0',
      'L3N5',
      'blocks.3.mlp.hidden[5]',
      'blocks.3.mlp.gate[2]',
    ]) {
      const { layer, ...rest } = resolveAddress(text, table);
      const { layer: crossedLayer, ...crossedRest } = resolveAddress(text, crossed);
      assert.deepEqual(crossedRest, rest);
      assert.equal(crossedLayer?.name, layer?.name);
    }
    assert.ok(crossed.layers.every((layer) => !('nodes' in layer)));
    assert.equal(
      crossed.byName.get('blocks.3.mlp.gate'),
      crossed.layers.find(({ name }) => name === 'blocks.3.mlp.gate'),
    );
  });
});

describe('a normalisation written by moments', () => {
  it('is one layer whose units stand on the axis of its scale', () => {
    const planted = new PlantedModel(['N', 6, 9]);
    const named = (opType: string): { name: string } => ({ name: `/net/LayerNorm_0/${opType}` });
    const scalar = (value: number): string => planted.builder.constant(float32Tensor([value], []), 's');
    const axes = planted.builder.constant(int64Tensor([1], [1]), 'axes');
    const sum = planted.node('ReduceSum', ['x', axes], named('Sum'));
    const square = planted.node('Mul', ['x', 'x'], named('Square'));
    const squares = planted.node('ReduceSum', [square, axes], named('Sum_1'));
    const mean = planted.node('Mul', [sum, scalar(1 / 6)], named('truediv'));
    const power = planted.node('Mul', [squares, scalar(1 / 6)], named('truediv_1'));
    const meanSquare = planted.node('Mul', [mean, mean], named('Square_1'));
    const variance = planted.node('Sub', [power, meanSquare], named('Sub'));
    const clipped = planted.node('Max', [scalar(0), variance], named('Maximum'));
    const root = planted.node(
      'Sqrt',
      [planted.node('Add', [clipped, scalar(1e-6)], named('Add'))],
      named('Sqrt'),
    );
    const rate = planted.node('Reciprocal', [root], named('Rsqrt'));
    const scaled = planted.node('Mul', [rate, planted.weight([1, 6, 1], 'gamma')], named('Mul'));
    const centred = planted.node('Sub', ['x', mean], named('Sub_1'));
    const product = planted.node('Mul', [centred, scaled], named('Mul_1'));
    const output = planted.node('Add', [product, planted.weight([1, 6, 1], 'beta')], named('Add_1'));
    const [layer, ...others] = planted.layers(output).layers;
    assert.deepEqual(others, []);
    assert.deepEqual(
      [layer?.name, layer?.operator, layer?.unitAxis, layer?.unitCount, layer?.parameterCount, layer?.input],
      ['net.LayerNorm_0', 'LayerNormalization', 1, 6, 12, 'x'],
    );
    assert.equal(layer?.output, output);
  });
});
