import assert from 'node:assert/strict';
import { resolveAddress } from '../../../src/onnx/addresses.js';
import { layerNamed, PlantedModel } from '../../support/plantedModel.js';

describe('scopes of exporters', () => {
  it('of dynamo hold what its metadata says, so that a residual sum is inside its block', () => {
    const planted = new PlantedModel(['N', 8]);
    const scoped = (value: string, scopes: string): string => {
      planted.describe(value, { 'pkg.torch.onnx.name_scopes': scopes });
      return value;
    };
    const fc = scoped(planted.matMul('x', [8, 8], { name: 'n0' }), "['', 'b.0', 'b.0.fc', 'linear']");
    const act = scoped(planted.node('Relu', [fc], { name: 'n1' }), "['', 'b.0', 'b.0.act', 'relu']");
    const down = scoped(planted.matMul(act, [8, 8], { name: 'n2' }), "['', 'b.0', 'b.0.down', 'linear_1']");
    const sum = scoped(planted.node('Add', [down, 'x'], { name: 'n3' }), "['', 'b.0', 'add']");
    const head = scoped(planted.matMul(sum, [8, 2], { name: 'n4' }), "['', 'head', 'linear_2']");
    const table = planted.layers(head);
    assert.deepEqual(
      table.layers.map(({ name, kind, parent }) => [name, kind, parent]),
      [
        ['b', 'scope', null],
        ['b.0', 'scope', 'b'],
        ['b.0.fc', 'dense', 'b.0'],
        ['b.0.act', 'activation', 'b.0'],
        ['b.0.down', 'dense', 'b.0'],
        ['head', 'dense', null],
      ],
    );
    assert.equal(layerNamed(table, 'b.0').output, sum);
    assert.deepEqual(layerNamed(table, 'b.0').blocks, ['mlp']);
  });

  it('keep the path that the exporter wrote, which addresses accept', () => {
    const planted = new PlantedModel();
    const a = planted.conv('x', [3, 4], { name: '/features/features.0/conv/Conv', weight: 'k1' });
    const b = planted.node('Relu', [a], { name: '/features/features.0/relu/Relu' });
    const c = planted.conv(b, [4, 2], { name: '/head/Conv', weight: 'k2' });
    const table = planted.layers(c);
    assert.equal(layerNamed(table, 'features.0').path, '/features/features.0');
    assert.equal(layerNamed(table, 'features').path, '/features');
    assert.equal(resolveAddress('/features/features.0', table).name, 'features.0');
  });

  it('count the positions, scales and shifts inside that no layer holds', () => {
    const planted = new PlantedModel(['N', 12, 32]);
    const a = planted.node('Add', ['x', planted.weight([1, 12, 32], 'pos')], { name: '/enc/Add' });
    const b = planted.matMul(a, [32, 8], { name: '/enc/fc/MatMul', weight: 'k' });
    const c = planted.node('Softmax', [b], { name: '/enc/Softmax' });
    const table = planted.layers(planted.matMul(c, [8, 2], { name: '/head/MatMul', weight: 'k2' }));
    assert.equal(layerNamed(table, 'enc').parameterCount, 12 * 32 + 32 * 8);
    assert.equal(table.counts.parameterCount, 12 * 32 + 32 * 8 + 8 * 2);
  });

  it('are MLPs only where they hold nothing else', () => {
    const planted = new PlantedModel(['N', 8]);
    const named = (name: string): { name: string; weight: string } => ({ name, weight: `k${name}` });
    const a = planted.matMul('x', [8, 8], named('/net/a/MatMul'));
    const b = planted.matMul(
      planted.node('Tanh', [a], { name: '/net/t/Tanh' }),
      [8, 8],
      named('/net/b/MatMul'),
    );
    const c = planted.matMul(planted.node('Softmax', [b]), [8, 8], named('/net/c/MatMul'));
    const d = planted.matMul(planted.node('Softmax', [c]), [8, 8], named('/net/d/MatMul'));
    const table = planted.layers(planted.node('Softmax', [d], { name: '/net/Softmax' }));
    assert.deepEqual(layerNamed(table, 'net').blocks, []);
    assert.equal(resolveAddress('net.hidden[3]', table).kind, 'hidden');
  });

  it('leave tables of rotary angles and masks to the constants', () => {
    const planted = new PlantedModel(['N', 4]);
    const a = planted.node('Mul', ['x', planted.weight([4], 'model.rotary_emb.cos_cached')]);
    const b = planted.node('Add', [a, planted.weight([4], 'attn.mask')]);
    const table = planted.layers(planted.matMul(b, [4, 2], { weight: 'fc.weight' }));
    assert.deepEqual(table.counts, { parameterCount: 8, bufferCount: 0, constantCount: 8 });
  });
});
