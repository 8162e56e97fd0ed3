import { strict as assert } from 'node:assert';
import { describe, it } from 'mocha';
import { layerWord } from '../../../src/protocol/layerWords.js';

describe('layerWord', () => {
  it('calls every dense operator Dense', () => {
    for (const operator of ['Gemm', 'MatMul', 'com.microsoft:FusedMatMul']) {
      assert.equal(layerWord({ kind: 'dense', operator }), 'Dense');
    }
  });

  it('writes activations as people do and leaves other operators as they are', () => {
    assert.equal(layerWord({ kind: 'activation', operator: 'Relu' }), 'ReLU');
    assert.equal(layerWord({ kind: 'activation', operator: 'Tanh' }), 'Tanh');
    assert.equal(layerWord({ kind: 'conv', operator: 'ConvTranspose' }), 'ConvTranspose');
    assert.equal(layerWord({ kind: 'activation', operator: 'constructor' }), 'constructor');
  });

  it('calls a scope by its kind', () => {
    assert.equal(layerWord({ kind: 'scope', operator: '' }), 'scope');
  });
});
