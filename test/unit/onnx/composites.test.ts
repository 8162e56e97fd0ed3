import assert from 'node:assert/strict';
import { float32Tensor } from '../../../src/onnx/tensorValue.js';
import { layerNamed, leafNames, PlantedModel } from '../../support/plantedModel.js';

const scalar = (planted: PlantedModel, value: number): string =>
  planted.builder.constant(float32Tensor([value], []), 'scalar');

/** clip(x + 3, low, high) · factor. */
function ramp(planted: PlantedModel, input: string, high = 6): string {
  const shifted = planted.node('Add', [input, scalar(planted, 3)]);
  const clipped = planted.node('Clip', [shifted, scalar(planted, 0), scalar(planted, high)]);
  return planted.node('Mul', [clipped, scalar(planted, 1 / 6)]);
}

/** √(mean(x²) + ε) of a value. */
function rootMeanSquare(planted: PlantedModel, input: string, exponent = 2): string {
  const square = planted.node('Pow', [input, scalar(planted, exponent)]);
  const mean = planted.node('ReduceMean', [square], { attributes: { axes: [-1] } });
  return planted.node('Sqrt', [planted.node('Add', [mean, scalar(planted, 1e-6)])]);
}

const kindsOf = (planted: PlantedModel, output: string): string[] =>
  planted.layers(output).layers.map(({ kind, operator }) => `${kind} ${operator}`);

describe('recognising composites', () => {
  it('takes a hard sigmoid that multiplies another value as a gate, and one alone as an activation', () => {
    const gated = new PlantedModel();
    const a = gated.conv('x', [3, 3], { name: 'c', weight: 'k' });
    const gate = ramp(
      gated,
      gated.conv(gated.node('GlobalAveragePool', [a]), [3, 3], { weight: 'se.weight' }),
    );
    const table = gated.layers(gated.node('Mul', [a, gate]));
    const layer = layerNamed(table, 'se.act');
    assert.deepEqual([layer.kind, layer.operator, layer.family], ['gate', 'HardSigmoid', null]);

    const plain = new PlantedModel();
    const b = ramp(plain, plain.conv('x', [3, 3], { weight: 'c.weight' }));
    const act = layerNamed(plain.layers(b), 'c.act');
    assert.deepEqual([act.kind, act.family], ['activation', { kind: 'bounded', low: 0, high: 1 }]);
  });

  it('leaves a Clip to another width alone', () => {
    const planted = new PlantedModel();
    const a = ramp(planted, planted.conv('x', [3, 3], { weight: 'c.weight' }), 5);
    assert.deepEqual(kindsOf(planted, a), ['conv Conv', 'activation Clip']);
  });

  it('leaves x · σ(x · y) of two computed values alone', () => {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 3], { weight: 'a.weight' });
    const b = planted.conv('x', [3, 3], { weight: 'b.weight' });
    const sigmoid = planted.node('Sigmoid', [planted.node('Mul', [a, b])]);
    const kinds = kindsOf(planted, planted.node('Mul', [a, sigmoid]));
    assert.deepEqual(kinds, ['conv Conv', 'conv Conv', 'gate Sigmoid']);
  });

  it('needs the norm of a value to divide that very value, and a square', () => {
    const other = new PlantedModel(['N', 8]);
    const fc = other.matMul('x', [8, 8], { weight: 'fc.weight' });
    const divided = other.node('Div', [fc, rootMeanSquare(other, 'x')]);
    assert.deepEqual(kindsOf(other, divided), ['dense MatMul']);
    const cubed = new PlantedModel(['N', 8]);
    const ratio = cubed.node('Div', ['x', rootMeanSquare(cubed, 'x', 3)]);
    assert.deepEqual(kindsOf(cubed, cubed.matMul(ratio, [8, 8], { weight: 'fc.weight' })), ['dense MatMul']);
  });

  it('sees the scale of an RMSNorm behind a cast', () => {
    const planted = new PlantedModel(['N', 8]);
    const ratio = planted.node('Div', ['x', rootMeanSquare(planted, 'x')]);
    const cast = planted.node('Cast', [ratio], { attributes: { to: 1 } });
    const y = planted.node('Mul', [planted.weight([8], 'norm.weight'), cast]);
    const table = planted.layers(y);
    assert.deepEqual(leafNames(table), ['norm']);
    const { operator, parameterCount, output } = layerNamed(table, 'norm');
    assert.deepEqual([operator, parameterCount, output], ['RMSNormalization', 8, y]);
  });

  it('names the first node of the file as path, however the composite was found', () => {
    const planted = new PlantedModel(['N', 8]);
    const fc = planted.matMul('x', [8, 8], { weight: 'fc.weight' });
    const inAct = (name: string): { name: string } => ({ name: `/act/${name}` });
    const square = planted.node('Mul', [fc, fc], inAct('first'));
    const cube = planted.node('Mul', [square, fc], inAct('cube'));
    const inner = planted.node(
      'Add',
      [fc, planted.node('Mul', [cube, scalar(planted, 0.044715)])],
      inAct('sum'),
    );
    const tanh = planted.node(
      'Tanh',
      [planted.node('Mul', [inner, scalar(planted, 0.7978846)])],
      inAct('tanh'),
    );
    const plus = planted.node('Add', [tanh, scalar(planted, 1)], inAct('plus'));
    const y = planted.node('Mul', [fc, planted.node('Mul', [plus, scalar(planted, 0.5)])], inAct('last'));
    const layer = planted.layers(y).layers.find(({ kind }) => kind === 'activation');
    assert.deepEqual([layer?.operator, layer?.path, layer?.index], ['Gelu', '/act/first', 1]);
  });
});
