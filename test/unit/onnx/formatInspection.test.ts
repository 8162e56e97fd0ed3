import assert from 'node:assert/strict';
import { formatInspection } from '../../../src/onnx/formatInspection.js';
import type { InspectedLayer, Inspection } from '../../../src/protocol/inspection.js';

const layer: InspectedLayer = {
  ...{ name: 'conv1', path: '/conv1/Conv', parent: null, index: 0, kind: 'conv', operator: 'Conv' },
  ...{ unitCount: 16, parameterCount: 1234, output: 'y', shape: ['N', 16, 8, null], blocks: [] },
};

function inspection(given: Partial<Inspection>): Inspection {
  return {
    schemaVersion: 1,
    model: '/models/net.onnx',
    sizeBytes: 1_200_000,
    irVersion: 8,
    opsets: { 'ai.onnx': 17 },
    producer: 'pytorch 2.1',
    inputs: [{ name: 'x', type: 'float32', shape: ['N', 3, 8, 8] }],
    outputs: [{ name: 'logits', type: 'float32', shape: null }],
    ...{ parameterCount: 105_866, bufferCount: 0, constantCount: 0 },
    ...{ nodeCount: 23, subgraphNodeCount: 0, functionNodeCount: 0 },
    operators: { Conv: 2, Relu: 3 },
    layers: [layer],
    blocks: [],
    warnings: [],
    ...given,
  };
}

describe('an inspection as text', () => {
  it('begins with the counts a person asks for first', () => {
    const [path, summary, detail] = formatInspection(inspection({})).split('\n');
    assert.equal(path, '/models/net.onnx');
    assert.equal(summary, '1 layer · 105,866 parameters · opset 17 · 23 nodes · 1.2 MB · pytorch 2.1');
    assert.equal(detail, 'Relu 3, Conv 2');
  });

  it('counts operators with weights, not scopes and activations', () => {
    const layers: InspectedLayer[] = [
      { ...layer, name: 'enc', kind: 'scope', operator: '' },
      { ...layer, name: 'enc.0', parent: 'enc' },
      { ...layer, name: 'enc.1', parent: 'enc', kind: 'activation', operator: 'Relu', parameterCount: 0 },
      { ...layer, name: 'fc' },
    ];
    assert.match(formatInspection(inspection({ layers })), /^2 layers · /m);
  });

  it('shows layers as an indented tree with aligned columns', () => {
    const text = formatInspection(
      inspection({
        layers: [
          { ...layer, name: 'enc', kind: 'scope', operator: '', unitCount: null, shape: null },
          { ...layer, name: 'enc.conv 1', parent: 'enc' },
        ],
      }),
    );
    const lines = text.split('\n');
    const from = lines.indexOf('Layers') + 1;
    assert.deepEqual(lines.slice(from, from + 3), [
      '  Name            Kind         Units  Parameters  Output',
      '  enc             scope            –       1,234  –',
      '    "enc.conv 1"  conv (Conv)     16       1,234  [N, 16, 8, ?]',
    ]);
  });

  it('shows layers under their scope though the file scatters them', () => {
    const layers: InspectedLayer[] = [
      { ...layer, name: 'enc', kind: 'scope' },
      { ...layer, name: 'enc.0', parent: 'enc' },
      { ...layer, name: 'other' },
      { ...layer, name: 'enc.1', parent: 'enc' },
    ];
    const names = formatInspection(inspection({ layers })).match(/^ +(enc|other)\S*/gm);
    assert.deepEqual(names, ['  enc', '    enc.0', '    enc.1', '  other']);
  });

  it('ends with the warnings and lets no control character through', () => {
    const text = formatInspection(
      inspection({ layers: [{ ...layer, name: 'a\u001b[31mb' }], warnings: ['Look out.'] }),
    );
    assert.ok(text.endsWith('Warnings\n  Look out.\n'));
    assert.ok(!text.includes('\u001b'));
  });

  it('says so when there is no layer', () => {
    assert.match(formatInspection(inspection({ layers: [] })), /No operator with weights/);
  });
});
