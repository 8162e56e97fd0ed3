import assert from 'node:assert/strict';
import { makeNode } from '../../../src/engine/graph/graphBuilder.js';
import { layersOf } from '../../../src/onnx/layers/layerTable.js';
import type { GraphNode, Model } from '../../../src/onnx/model.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';

function modelOf(nodes: readonly GraphNode[], weights: readonly string[] = []): Model {
  const model = emptyModel();
  const source = { kind: 'inline', bytes: new Uint8Array(256) } as const;
  const dims = [8, 8];
  const initializers = new Map(
    weights.map((name) => [name, { name, elementType: 'float32' as const, dims, source }]),
  );
  const inputs = [{ name: 'x', type: floatType('N', 8), metadata: new Map<string, string>() }];
  return { ...model, graph: { ...model.graph, nodes, initializers, inputs } };
}

describe('layers of odd models', () => {
  it('are found in a graph with a cycle, without end or error', () => {
    const nodes = [
      makeNode('Identity', ['b'], { outputs: ['a'] }),
      makeNode('Identity', ['a'], { outputs: ['b'] }),
      makeNode('Relu', ['b'], { outputs: ['y'] }),
    ];
    assert.deepEqual(
      layersOf(modelOf(nodes)).layers.map((layer) => layer.name),
      ['relu_0'],
    );
  });

  it('are found where inputs are missing or made nowhere', () => {
    const nodes = [
      makeNode('Conv', [], { outputs: ['a'] }),
      makeNode('Relu', ['nowhere'], { outputs: ['b'] }),
      makeNode('BatchNormalization', ['b'], { outputs: [''] }),
      makeNode('Softmax', [], { outputs: [] }),
    ];
    assert.deepEqual(
      layersOf(modelOf(nodes)).layers.map((layer) => layer.name),
      ['relu_0', 'normalization_0'],
    );
  });

  for (const [title, nameOf] of [
    ['without names', (): string => ''],
    ['of one name', (): string => '/a/b/MatMul'],
    ['in nested scopes', (i: number): string => `/blocks/blocks.${i >> 4}/part${i & 3}/MatMul_${i}`],
  ] as const) {
    it(`are found in linear time in a chain of 10,000 layers ${title}`, function () {
      // Quadratic searches took 30 s and more; a loaded machine needs 1 s.
      this.timeout(15_000);
      const weights = Array.from({ length: 10_000 }, (_, i) => `w${i}`);
      const nodes = weights.map((weight, i) =>
        makeNode('MatMul', [i === 0 ? 'x' : `v${i - 1}`, weight], { outputs: [`v${i}`], name: nameOf(i) }),
      );
      const { layers } = layersOf(modelOf(nodes, weights), new Map());
      assert.equal(layers.filter((layer) => layer.kind === 'dense').length, 10_000);
      assert.equal(new Set(layers.map((layer) => layer.name)).size, layers.length);
    });
  }

  it('are found in linear time in a chain of 10,000 activations', function () {
    this.timeout(15_000);
    const nodes = Array.from({ length: 10_000 }, (_, i) =>
      makeNode('Relu', [i === 0 ? 'x' : `v${i - 1}`], { outputs: [`v${i}`] }),
    );
    const { layers } = layersOf(modelOf(nodes), new Map());
    assert.deepEqual([layers[0]?.name, layers.at(-1)?.name], ['relu_0', 'relu_9999']);
  });
});
