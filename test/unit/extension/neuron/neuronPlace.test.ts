import assert from 'node:assert/strict';
import { findNeuron, type Neuron } from '../../../../src/extension/panels/neuron/neuronPlace.js';
import { withUnit } from '../../../../src/onnx/addresses.js';
import { addressTableOf } from '../../../../src/onnx/layers/layerTable.js';
import type { NeuronProblem } from '../../../../src/protocol/views/neuronMessages.js';
import { layer, layerTableOf } from '../../../support/layerTableOf.js';

const conv = layer('conv1', {
  kind: 'conv',
  operator: 'Conv',
  unitCount: 16,
  shape: ['N', 16, 28, 26],
  states: { kind: 'activation', layer: 'relu1' },
});
const relu = layer('relu1', {
  kind: 'activation',
  operator: 'Relu',
  unitCount: 16,
  shape: ['N', 16, 28, 26],
  states: { kind: 'activation', layer: 'relu1' },
});
const table = addressTableOf(
  layerTableOf(
    [
      conv,
      relu,
      layer('fc1', { states: { kind: 'not-judged', reason: 'feeds an Add', next: 'relu2' } }),
      layer('relu2', {
        kind: 'activation',
        operator: 'Relu',
        output: 'hidden',
        states: { kind: 'activation', layer: 'relu2' },
      }),
      layer('logits', {
        unitCount: 1,
        states: { kind: 'not-judged', reason: 'feeds an Add', next: 'relu1' },
      }),
      layer('open', { unitCount: null, unitAxis: 1, shape: null }),
      layer('encoder', { kind: 'scope', operator: '', unitCount: null, unitAxis: null, shape: null }),
      layer('encoder.fc', { parent: 'encoder', unitCount: 3 }),
      layer('body', { isInBody: true }),
      layer('odd [name]'),
      layer('down', { shape: ['N', 'tokens', 8], unitAxis: 2 }),
    ],
    {
      mlps: [
        { name: 'mlp', block: 0, hidden: 'hidden', unitCount: 4, downProjection: 'down' },
        { name: 'gated', block: 1, hidden: 'product', unitCount: 4, downProjection: 'down' },
      ],
      attentions: [{ name: 'attn', probabilities: 'probabilities', headAxis: 1, headCount: 2 }],
    },
  ),
);

describe('finding the neuron of an address', () => {
  it('says where a conv channel is: its map, its neighbours and the activation that judges it', () => {
    const { place, layer: name, statesLayer } = neuron('conv1[3]');
    assert.deepEqual(place, {
      address: 'conv1[3]',
      modelName: 'model.onnx',
      layer: 'conv1',
      source: 'layer',
      layerKind: 'conv',
      operator: 'Conv',
      unit: 3,
      unitCount: 16,
      map: [28, 26],
      previous: 'conv1[2]',
      next: 'conv1[4]',
      states: { kind: 'activation', address: 'relu1[3]' },
      leftOutPosition: null,
    });
    assert.deepEqual([name, statesLayer], ['conv1', 'relu1']);
  });

  it('has no neighbour before the first unit and none after the last', () => {
    assert.deepEqual(neighbours('conv1[0]'), [null, 'conv1[1]']);
    assert.deepEqual(neighbours('conv1[15]'), ['conv1[14]', null]);
    assert.deepEqual(neighbours('logits[0]'), [null, null]);
  });

  it('goes on without an end where the number of units is open', () => {
    assert.deepEqual(neighbours('open[7]'), ['open[6]', 'open[8]']);
    assert.equal(neuron('open[7]').place.map, null);
  });

  it('has one value a sample where a layer has no positions', () => {
    assert.deepEqual(neuron('fc1[0]').place.map, []);
  });

  it('names the next activation only where that has as many units', () => {
    const next = (address: string): unknown => neuron(address).place.states;
    assert.deepEqual(next('fc1[2]'), { kind: 'not-judged', reason: 'feeds an Add', next: 'relu2[2]' });
    assert.deepEqual(next('logits[0]'), { kind: 'not-judged', reason: 'feeds an Add', next: null });
  });

  it('leaves a position out and says which', () => {
    const { place } = neuron('conv1[3]@7,-1');
    assert.equal(place.address, 'conv1[3]');
    assert.equal(place.leftOutPosition, '@7,-1');
    assert.equal(place.next, 'conv1[4]');
  });

  it('takes the state of a hidden unit from the activation whose output it is', () => {
    const { place, statesLayer } = neuron('L0N2');
    assert.equal(place.address, 'mlp.hidden[2]');
    assert.deepEqual(place.map, ['tokens']);
    assert.equal(statesLayer, 'relu2');
  });

  it('judges no hidden unit that is a product, and no attention head', () => {
    assert.equal(neuron('gated.hidden[1]').place.states.kind, 'not-judged');
    const head = neuron('attn.head[1]').place;
    assert.equal(head.states.kind, 'not-judged');
    assert.deepEqual(head.map, ['queries', 'keys']);
    assert.deepEqual([head.previous, head.next], ['attn.head[0]', null]);
  });

  it('keeps quotes around names that need them when it goes to a neighbour', () => {
    assert.equal(neuron('"odd [name]"[1]').place.next, '"odd [name]"[2]');
    assert.equal(withUnit('"odd [name]"[1]@0', 3), '"odd [name]"[3]');
  });

  it('tells that a neuron stands in a body', () => {
    assert.equal(neuron('body[0]').isInBody, true);
    assert.equal(neuron('fc1[0]').isInBody, false);
  });

  it('finds a layer where the address has no unit', () => {
    assert.deepEqual(findNeuron('conv1', 'model.onnx', table), { kind: 'layer', layer: 'conv1' });
  });
});

describe('an address that leads to no neuron', () => {
  it('offers names that look like it, with a unit that exists', () => {
    const found = problem('cnov1[99]');
    assert.equal(found.kind, 'unknown');
    assert.match(found.message, /no layer "cnov1"/);
    assert.equal(found.suggestions[0], 'conv1[15]');
  });

  it('offers the last unit where the number is too large', () => {
    assert.deepEqual(problem('conv1[16]').suggestions, ['conv1[15]']);
  });

  it('offers the layers inside a scope, which has no units', () => {
    const found = problem('encoder[1]');
    assert.equal(found.kind, 'no-units');
    assert.deepEqual(found.suggestions, ['encoder.fc[1]']);
  });

  it('offers nothing where nothing is alike', () => {
    assert.deepEqual(problem('zzzzzzzz[0]').suggestions, []);
    assert.match(problem('conv1[-1]').message, /units count from 0/);
  });
});

function neuron(address: string): Neuron {
  const found = findNeuron(address, 'model.onnx', table);
  assert.equal(found.kind, 'neuron');
  return found.neuron;
}

function neighbours(address: string): (string | null)[] {
  const { previous, next } = neuron(address).place;
  return [previous, next];
}

function problem(address: string): NeuronProblem {
  const found = findNeuron(address, 'model.onnx', table);
  assert.equal(found.kind, 'problem');
  return found.problem;
}
