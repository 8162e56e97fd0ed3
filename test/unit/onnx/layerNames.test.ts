import assert from 'node:assert/strict';
import { layerNamed, leafNames, PlantedModel } from '../../support/plantedModel.js';

// Expected names follow from the contract, "Layers, units, addresses".
describe('names of layers', () => {
  it('come first from the metadata of the dynamo exporter', () => {
    const planted = new PlantedModel();
    const y = planted.conv('x', [3, 4], { name: 'node_Conv_7', weight: 'p_other.weight', outputs: ['y'] });
    planted.describe(y, { 'pkg.torch.onnx.name_scopes': "['', 'features', 'features.0', 'conv2d']" });
    assert.deepEqual(leafNames(planted.layers(y)), ['features.0']);
  });

  for (const [weight, name] of [
    ['encoder.fc.weight', 'encoder.fc'],
    ['encoder.fc.kernel', 'encoder.fc'],
    ['dense/kernel:0', 'dense'],
    ['block/dense/MatMul/ReadVariableOp:0', 'block.dense'],
  ] as const) {
    it(`come from the stem of a weight like ${weight}`, () => {
      const planted = new PlantedModel(['N', 3]);
      const y = planted.matMul('x', [3, 4], { weight, name: 'MatMul_12' });
      assert.deepEqual(leafNames(planted.layers(y)), [name]);
    });
  }

  it('come from the components of the node name when the weight says nothing', () => {
    const planted = new PlantedModel();
    const y = planted.conv('x', [3, 4], { weight: 'onnx::Conv_12', name: '/features/features.3/Conv' });
    const z = planted.conv(y, [4, 5], { weight: 'onnx::Conv_13', name: '/head/proj/Conv' });
    assert.deepEqual(leafNames(planted.layers(z)), ['features.3', 'head.proj']);
    assert.equal(layerNamed(planted.layers(z), 'features.3').path, '/features/features.3/Conv');
  });

  it('are the node name as written when it has no slash, and kind and count when there is none', () => {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 4], { weight: 'k1', name: 'Convolution28' });
    const b = planted.conv(a, [4, 5], { weight: 'k2' });
    const c = planted.conv(b, [5, 6], { weight: 'k3' });
    assert.deepEqual(leafNames(planted.layers(c)), ['Convolution28', 'conv_0', 'conv_1']);
  });

  it('drop a first component that all nodes share and that says nothing', () => {
    for (const first of ['model_1', 'StatefulPartitionedCall', 'jax2tf_f_', 'pjit_train']) {
      const planted = new PlantedModel(['N', 3]);
      const a = planted.matMul('x', [3, 4], { weight: 'k1', name: `${first}/dense/MatMul` });
      const b = planted.matMul(a, [4, 5], { weight: 'k2', name: `${first}/dense_1/MatMul` });
      assert.deepEqual(leafNames(planted.layers(b)), ['dense', 'dense_1'], first);
    }
    const planted = new PlantedModel(['N', 3]);
    const a = planted.matMul('x', [3, 4], { weight: 'k1', name: 'model_1/dense/MatMul' });
    const b = planted.matMul(a, [4, 5], { weight: 'k2', name: 'other/dense_1/MatMul' });
    assert.deepEqual(leafNames(planted.layers(b)), ['model_1.dense', 'other.dense_1']);
  });

  it('of activations without a name are <layer>.act, and .act_1 for the second', () => {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 4], { weight: 'conv1.weight', name: 'Conv_0' });
    const b = planted.node('Relu', [a]);
    const c = planted.node('Tanh', [b]);
    assert.deepEqual(leafNames(planted.layers(c)), ['conv1', 'conv1.act', 'conv1.act_1']);
  });

  it('of activations with the scope of the layer that feeds them are <layer>.act', () => {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 4], { weight: 'k', name: '/stem/conv/Conv' });
    const b = planted.node('Relu', [a], { name: '/stem/conv/Relu' });
    assert.deepEqual(leafNames(planted.layers(b)), ['stem.conv', 'stem.conv.act']);
  });

  it('of activations with a scope of their own are that scope', () => {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 4], { weight: 'k', name: '/stem/conv/Conv' });
    const b = planted.node('Relu', [a], { name: '/stem/relu/Relu' });
    assert.deepEqual(leafNames(planted.layers(b)), ['stem.conv', 'stem.relu']);
  });

  it('of activations behind an Add are <scope>.act, and relu_N at the root', () => {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 3], { weight: 'k1', name: '/block/conv/Conv' });
    const sum = planted.node('Add', [a, 'x'], { name: '/block/Add' });
    const b = planted.node('Relu', [sum], { name: '/block/Relu' });
    const root = planted.node('Relu', [planted.node('Add', [b, a])]);
    const second = planted.node('Relu', [planted.node('Concat', [root, a], { attributes: { axis: 1 } })]);
    const names = leafNames(planted.layers(second));
    assert.deepEqual(names, ['block.conv', 'block.act', 'relu_0', 'relu_1']);
  });

  it('that collide get _1, _2 in file order', () => {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 4], { weight: 'k1', name: '/a/b/Conv' });
    const b = planted.conv(a, [4, 5], { weight: 'k2', name: '/a/b/Conv_1' });
    const c = planted.conv(b, [5, 6], { weight: 'k3', name: '/a/b/Conv_2' });
    assert.deepEqual(leafNames(planted.layers(c)), ['a.b', 'a.b_1', 'a.b_2']);
  });

  it('are unique whatever the file says', () => {
    const planted = new PlantedModel();
    let value = 'x';
    for (const name of ['a', 'a', 'a_1', '', '/a/Conv', '/a/Conv_1', 'conv_0']) {
      value = planted.conv(value, [3, 3], { weight: `k${name}`, name });
    }
    const names = planted.layers(value).layers.map((layer) => layer.name);
    assert.equal(new Set(names).size, names.length);
  });
});

describe('scopes', () => {
  function twoBlocks(): PlantedModel {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 4], { weight: 'k1', name: '/enc/conv1/Conv', outputs: ['a'] });
    const b = planted.conv(a, [4, 5], { weight: 'k2', name: '/enc/conv2/Conv', outputs: ['b'] });
    planted.conv(b, [5, 6], { weight: 'k3', name: '/head/conv/Conv', outputs: ['c'] });
    planted.conv(a, [4, 6], { weight: 'k4', name: '/skip/conv/Conv', outputs: ['d'] });
    return planted;
  }

  it('hold the layers inside them', () => {
    const table = twoBlocks().layers('c', 'd');
    assert.equal(layerNamed(table, 'enc').kind, 'scope');
    assert.equal(layerNamed(table, 'enc.conv1').parent, 'enc');
    assert.equal(layerNamed(table, 'enc.conv2').parent, 'enc');
    assert.equal(layerNamed(table, 'enc').parameterCount, 4 * 3 + 5 * 4);
  });

  it('give out the last value that is read outside, and number the others', () => {
    const enc = layerNamed(twoBlocks().layers('c', 'd'), 'enc');
    assert.equal(enc.output, 'b');
    assert.deepEqual(enc.furtherOutputs, ['a']);
  });

  it('whose output is their only layer’s output are that layer', () => {
    const table = twoBlocks().layers('c', 'd');
    assert.equal(layerNamed(table, 'head.conv').parent, null);
    assert.ok(!table.byName.has('head'));
  });
});
