import assert from 'node:assert/strict';
import { float32Tensor, int64Tensor } from '../../../src/onnx/tensorValue.js';
import { layerNamed, leafNames, PlantedModel } from '../../support/plantedModel.js';

// Expected values follow from the contract and from the shapes planted here.
describe('values of layers', () => {
  it('include a bias that an Add gives per unit', () => {
    const planted = new PlantedModel(['N', 3]);
    const a = planted.matMul('x', [3, 4], { name: '/fc/MatMul', weight: 'k' });
    const b = planted.node('Add', [planted.weight([4], 'b'), a], { name: '/fc/Add', outputs: ['biased'] });
    const fc = layerNamed(planted.layers(b), 'fc');
    assert.equal(fc.output, 'biased');
    assert.equal(fc.parameterCount, 3 * 4 + 4);
    assert.equal(fc.input, 'x');
  });

  it('include the bias of a convolution that broadcasts along channels only', () => {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 4], { name: 'c1', weight: 'k' });
    const b = planted.node('Add', [a, planted.weight([4, 1, 1], 'b')], { outputs: ['biased'] });
    const c = planted.conv(b, [4, 4], { name: 'c2', weight: 'k2', outputs: ['raw'] });
    const d = planted.node('Add', [c, planted.weight([1, 8], 'not-per-channel')]);
    const table = planted.layers(d);
    assert.equal(layerNamed(table, 'c1').output, 'biased');
    assert.equal(layerNamed(table, 'c2').output, 'raw');
  });

  it('stay the operator’s where its value has another reader or is an output', () => {
    const planted = new PlantedModel(['N', 3]);
    const a = planted.matMul('x', [3, 4], { name: '/fc/MatMul', weight: 'k', outputs: ['raw'] });
    const b = planted.node('Add', [a, planted.weight([4], 'b')]);
    const c = planted.node('Mul', [b, a]);
    assert.equal(layerNamed(planted.layers(c), 'fc').output, 'raw');
    assert.equal(layerNamed(planted.layers(b, a), 'fc').output, 'raw');
  });
});

describe('unit axes', () => {
  it('are channels for convolutions and features for products, from the operator', () => {
    const planted = new PlantedModel(['N', 3, 8, 8]);
    const a = planted.conv('x', [3, 5], { name: 'c', weight: 'k' });
    const b = planted.matMul(a, [8, 7], { name: 'm', weight: 'k2' });
    const table = planted.layers(b);
    assert.deepEqual([layerNamed(table, 'c').unitAxis, layerNamed(table, 'c').unitCount], [1, 5]);
    assert.deepEqual([layerNamed(table, 'm').unitAxis, layerNamed(table, 'm').unitCount], [3, 7]);
    assert.deepEqual(layerNamed(table, 'm').shape, ['N', 5, 8, 7]);
  });

  it('are the second-last where the weight stands on the left', () => {
    const planted = new PlantedModel(['N', 3, 9]);
    const y = planted.node('MatMul', [planted.weight([6, 3], 'mix.weight'), 'x']);
    const mix = layerNamed(planted.layers(y), 'mix');
    assert.deepEqual([mix.unitAxis, mix.unitCount, mix.kind], [1, 6, 'dense']);
  });

  it('follow transA, transB and groups', () => {
    const planted = new PlantedModel(['N', 3]);
    const a = planted.node('Gemm', ['x', planted.weight([4, 3], 'fc1.weight')], {
      attributes: { transB: 1 },
    });
    const b = planted.node('Gemm', [a, planted.weight([4, 6], 'fc2.weight')]);
    const table = planted.layers(b);
    assert.equal(layerNamed(table, 'fc1').unitCount, 4);
    assert.equal(layerNamed(table, 'fc2').unitCount, 6);
    const images = new PlantedModel(['N', 4, 8, 8]);
    const up = images.node('ConvTranspose', ['x', images.weight([4, 3, 2, 2], 'up.weight')], {
      attributes: { group: 2 },
    });
    assert.equal(layerNamed(images.layers(up), 'up').unitCount, 6);
  });

  it('are hidden units for recurrent layers and columns for embeddings', () => {
    const planted = new PlantedModel(['T', 'N', 3]);
    const lstm = planted.node(
      'LSTM',
      ['x', planted.weight([1, 20, 3], 'W'), planted.weight([1, 20, 5], 'R')],
      {
        attributes: { hidden_size: 5 },
        name: 'lstm',
      },
    );
    const found = layerNamed(planted.layers(lstm), 'lstm');
    assert.deepEqual([found.kind, found.unitAxis, found.unitCount], ['recurrent', 3, 5]);
    // [time, directions, batch, hidden]: what the operator gives with `layout` 0.
    assert.equal(found.batchAxis, 2);
    assert.equal(found.parameterCount, 20 * 3 + 20 * 5);
    const text = new PlantedModel(['N']);
    text.builder.addInput('ids', { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] });
    const e = text.node('Gather', [text.weight([50, 16], 'tok.weight'), 'ids']);
    const embedding = layerNamed(text.layers(e), 'tok');
    assert.deepEqual([embedding.kind, embedding.unitAxis, embedding.unitCount], ['embedding', 2, 16]);
  });

  it('of activations are those of what feeds them, through pooling, Identity and Transpose', () => {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 5], { name: 'c', weight: 'k' });
    const b = planted.node('MaxPool', [a], { attributes: { kernel_shape: [2, 2] } });
    const c = planted.node('Identity', [b]);
    const d = planted.node('Transpose', [c], { attributes: { perm: [0, 2, 3, 1] } });
    const e = planted.node('Relu', [d], { name: 'act' });
    const relu = layerNamed(planted.layers(e), 'act');
    assert.deepEqual([relu.unitAxis, relu.unitCount], [3, 5]);
  });

  it('are none where nothing says so', () => {
    const planted = new PlantedModel();
    const a = planted.node('Relu', ['x'], { name: 'first' });
    const first = layerNamed(planted.layers(a), 'first');
    assert.deepEqual([first.unitAxis, first.unitCount], [null, null]);
  });
});

describe('weights', () => {
  it('are found through Reshape, Transpose, Cast and DequantizeLinear of constants', () => {
    const planted = new PlantedModel(['N', 3]);
    const t = planted.node('Transpose', [planted.weight([4, 3], 'a.weight')], {
      attributes: { perm: [1, 0] },
    });
    const a = planted.node('MatMul', ['x', t]);
    const flat = planted.weight([20], 'b.weight');
    const r = planted.node('Reshape', [flat, planted.builder.constant(int64Tensor([4, 5], [2]))]);
    const b = planted.node('MatMul', [a, r]);
    const stored = planted.builder.constant(
      { dtype: 'int8', dims: [5, 6], data: new Int8Array(30) },
      'c.weight',
    );
    const scale = planted.builder.constant(float32Tensor([0.1], []), 'c.scale');
    const c = planted.node('MatMul', [b, planted.node('DequantizeLinear', [stored, scale])]);
    const table = planted.layers(c);
    assert.deepEqual(
      ['a', 'b', 'c'].map((name) => layerNamed(table, name).unitCount),
      [4, 5, 6],
    );
    assert.equal(table.counts.parameterCount, 12 + 20 + 30);
    // The shape of the Reshape (2) and the scale.
    assert.equal(table.counts.constantCount, 2 + 1);
  });

  it('are counted once when tied', () => {
    const planted = new PlantedModel(['N', 6]);
    const table = planted.weight([6, 6], 'shared.weight');
    const a = planted.node('MatMul', ['x', table], { name: 'a' });
    const b = planted.node('MatMul', [planted.node('Relu', [a]), table], { name: 'b' });
    const found = planted.layers(b);
    assert.equal(found.counts.parameterCount, 36);
    const dense = found.layers.filter((layer) => layer.kind === 'dense');
    assert.deepEqual(
      dense.map((layer) => layer.parameterCount),
      [36, 36],
    );
  });

  it('of BatchNormalization are scale and bias; its statistics are buffers', () => {
    const planted = new PlantedModel();
    const inputs = ['gamma', 'beta', 'mean', 'var'].map((name) => planted.weight([3], `bn.${name}`));
    const y = planted.node('BatchNormalization', ['x', ...inputs], { name: 'bn' });
    const table = planted.layers(y);
    assert.deepEqual(table.counts, { parameterCount: 6, bufferCount: 6, constantCount: 0 });
    const bn = layerNamed(table, 'bn');
    assert.deepEqual([bn.kind, bn.parameterCount, bn.unitAxis, bn.unitCount], ['normalization', 6, 1, 3]);
  });

  it('are also constants of more than one element that an Add or Mul reads; scalars are not', () => {
    const planted = new PlantedModel(['N', 12, 32]);
    const a = planted.node('Add', ['x', planted.weight([12, 32], 'positions')]);
    const b = planted.node('Mul', [a, planted.builder.constant(float32Tensor([2], []), 'two')]);
    const table = planted.layers(planted.matMul(b, [32, 2], { name: 'fc', weight: 'k' }));
    assert.equal(table.counts.parameterCount, 12 * 32 + 64);
    assert.equal(table.counts.constantCount, 1);
  });
});

describe('composites', () => {
  const scalar = (planted: PlantedModel, value: number): string =>
    planted.builder.constant(float32Tensor([value], []), 'scalar');

  function composite(build: (planted: PlantedModel, input: string) => string): ReturnType<typeof leafNames> {
    const planted = new PlantedModel(['N', 3]);
    const fc = planted.matMul('x', [3, 4], { name: '/mlp/fc1/MatMul', weight: 'k' });
    const act = build(planted, fc);
    const out = planted.matMul(act, [4, 2], { name: '/mlp/fc2/MatMul', weight: 'k2' });
    const table = planted.layers(out);
    const layer = layerNamed(table, 'mlp.act');
    assert.deepEqual([layer.kind, layer.input, layer.output], ['activation', fc, act]);
    assert.deepEqual([layer.unitAxis, layer.unitCount], [1, 4]);
    assert.equal(layer.family?.kind, 'smooth-rectifier');
    assert.deepEqual(layerNamed(table, 'mlp.fc1').states, { kind: 'activation', layer: 'mlp.act' });
    assert.deepEqual(leafNames(table), ['mlp.fc1', 'mlp.act', 'mlp.fc2']);
    return [layer.operator];
  }

  const inAct = (opType: string): { name: string } => ({ name: `/mlp/act/${opType}` });

  it('SiLU is one activation named by its scope', () => {
    assert.deepEqual(
      composite((p, x) => p.node('Mul', [x, p.node('Sigmoid', [x], inAct('Sigmoid'))], inAct('Mul'))),
      ['Silu'],
    );
  });

  it('exact GELU is one activation', () => {
    const operators = composite((p, x) => {
      const erf = p.node('Erf', [p.node('Div', [x, scalar(p, Math.SQRT2)], inAct('Div'))], inAct('Erf'));
      const plus = p.node('Add', [erf, scalar(p, 1)], inAct('Add'));
      return p.node('Mul', [p.node('Mul', [x, plus], inAct('Mul')), scalar(p, 0.5)], inAct('Mul_1'));
    });
    assert.deepEqual(operators, ['Gelu']);
  });

  it('exact GELU with ½ x first is one activation', () => {
    const operators = composite((p, x) => {
      const half = p.node('Mul', [x, scalar(p, 0.5)], inAct('Mul'));
      const erf = p.node('Erf', [p.node('Mul', [x, scalar(p, Math.SQRT1_2)], inAct('Mul_1'))], inAct('Erf'));
      return p.node('Mul', [half, p.node('Add', [erf, scalar(p, 1)], inAct('Add'))], inAct('Mul_2'));
    });
    assert.deepEqual(operators, ['Gelu']);
  });

  it('tanh GELU is one activation', () => {
    const operators = composite((p, x) => {
      const cube = p.node('Pow', [x, scalar(p, 3)], inAct('Pow'));
      const inner = p.node(
        'Add',
        [x, p.node('Mul', [cube, scalar(p, 0.044715)], inAct('Mul'))],
        inAct('Add'),
      );
      const scaled = p.node('Mul', [inner, scalar(p, Math.sqrt(2 / Math.PI))], inAct('Mul_1'));
      const plus = p.node('Add', [p.node('Tanh', [scaled], inAct('Tanh')), scalar(p, 1)], inAct('Add_1'));
      const half = p.node('Mul', [x, scalar(p, 0.5)], inAct('Mul_2'));
      return p.node('Mul', [half, plus], inAct('Mul_3'));
    });
    assert.deepEqual(operators, ['Gelu']);
  });

  it('Mish and HardSwish are one activation each', () => {
    const mish = composite((p, x) => {
      const tanh = p.node('Tanh', [p.node('Softplus', [x], inAct('Softplus'))], inAct('Tanh'));
      return p.node('Mul', [x, tanh], inAct('Mul'));
    });
    assert.deepEqual(mish, ['Mish']);
    const hard = composite((p, x) => {
      const shifted = p.node('Add', [x, scalar(p, 3)], inAct('Add'));
      const clipped = p.node('Clip', [shifted, scalar(p, 0), scalar(p, 6)], inAct('Clip'));
      return p.node('Div', [p.node('Mul', [x, clipped], inAct('Mul')), scalar(p, 6)], inAct('Div'));
    });
    assert.deepEqual(hard, ['HardSwish']);
  });

  it('LayerNorm and RMSNorm are one normalisation each, scale and shift included', () => {
    const planted = new PlantedModel(['N', 7, 16]);
    const inNorm = (opType: string): { name: string } => ({ name: `/ln/${opType}` });
    const attributes = { axes: [-1] };
    const mean = planted.node('ReduceMean', ['x'], { attributes, ...inNorm('ReduceMean') });
    const centred = planted.node('Sub', ['x', mean], inNorm('Sub'));
    const squared = planted.node('Pow', [centred, scalar(planted, 2)], inNorm('Pow'));
    const variance = planted.node('ReduceMean', [squared], { attributes, ...inNorm('ReduceMean_1') });
    const root = planted.node(
      'Sqrt',
      [planted.node('Add', [variance, scalar(planted, 1e-5)])],
      inNorm('Sqrt'),
    );
    const unit = planted.node('Div', [centred, root], inNorm('Div'));
    const scaled = planted.node('Mul', [unit, planted.weight([16], 'ln.weight')], inNorm('Mul'));
    const ln = planted.node('Add', [scaled, planted.weight([16], 'ln.bias')], inNorm('Add'));
    const inRms = (opType: string): { name: string } => ({ name: `/rms/${opType}` });
    const square = planted.node('Mul', [ln, ln], inRms('Mul'));
    const power = planted.node('ReduceMean', [square], { attributes, ...inRms('ReduceMean') });
    const norm = planted.node('Sqrt', [planted.node('Add', [power, scalar(planted, 1e-6)])], inRms('Sqrt'));
    const ratio = planted.node('Div', [ln, norm], inRms('Div'));
    const rms = planted.node('Mul', [ratio, planted.weight([16], 'rms.weight')], inRms('Mul_1'));
    const table = planted.layers(rms);
    assert.deepEqual(
      table.layers.map(({ name, kind, operator, unitCount, unitAxis, parameterCount, output }) => [
        ...[name, kind, operator, unitCount, unitAxis, parameterCount, output],
      ]),
      [
        ['ln', 'normalization', 'LayerNormalization', 16, 2, 32, ln],
        ['rms', 'normalization', 'RMSNormalization', 16, 2, 16, rms],
      ],
    );
  });
});

describe('states', () => {
  it('of a layer are read at an activation behind bias, BatchNormalization and Identity', () => {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 4], { name: 'c', weight: 'k' });
    const biased = planted.node('Add', [a, planted.weight([4, 1, 1], 'b')]);
    const statistics = ['gamma', 'beta', 'mean', 'var'].map((name) => planted.weight([4], name));
    const bn = planted.node('BatchNormalization', [biased, ...statistics], { name: 'bn' });
    const relu = planted.node('Relu', [planted.node('Identity', [bn])], { name: 'relu' });
    const table = planted.layers(planted.node('MaxPool', [relu], { attributes: { kernel_shape: [2, 2] } }));
    for (const name of ['c', 'bn', 'relu']) {
      assert.deepEqual(layerNamed(table, name).states, { kind: 'activation', layer: 'relu' }, name);
    }
  });

  it('are not judged behind an Add, and the next activation is named', () => {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 3], { name: 'c', weight: 'k' });
    const relu = planted.node('Relu', [planted.node('Add', [a, 'x'])], { name: 'relu' });
    const { states } = layerNamed(planted.layers(relu), 'c');
    assert.ok(states.kind === 'not-judged');
    assert.match(states.reason, /feeds an Add/);
    assert.equal(states.next, 'relu');
  });

  it('are not judged with several consumers, behind a Concat, and at an output', () => {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 3], { name: 'twice', weight: 'k' });
    const relu = planted.node('Relu', [a], { name: 'r' });
    const b = planted.conv(planted.node('Mul', [a, relu]), [3, 3], { name: 'joined', weight: 'k2' });
    const joined = planted.node('Concat', [b, relu], { attributes: { axis: 1 } });
    const c = planted.conv(joined, [6, 3], { name: 'last', weight: 'k3' });
    const table = planted.layers(c);
    const reasonOf = (name: string): string => {
      const { states } = layerNamed(table, name);
      return states.kind === 'not-judged' ? states.reason : 'judged';
    };
    assert.match(reasonOf('twice'), /several consumers|several/);
    assert.match(reasonOf('joined'), /Concat/);
    assert.match(reasonOf('last'), /output/);
  });

  it('are not kept for gates', () => {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 3], { name: 'c', weight: 'k' });
    const pooled = planted.node('GlobalAveragePool', [a]);
    const squeezed = planted.conv(pooled, [3, 3], { name: 'se', weight: 'k2' });
    const gate = planted.node('Sigmoid', [squeezed], { name: 'gate' });
    const table = planted.layers(planted.node('Mul', [a, gate]));
    const layer = layerNamed(table, 'gate');
    assert.deepEqual([layer.kind, layer.family, layer.states.kind], ['gate', null, 'not-judged']);
    assert.equal(layerNamed(table, 'se').states.kind, 'not-judged');
  });
});
