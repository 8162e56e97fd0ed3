import assert from 'node:assert/strict';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { inspectModel } from '../../../src/onnx/inspect.js';
import { layersOf } from '../../../src/onnx/layers/layerTable.js';
import type { FunctionDefinition, Graph, Model } from '../../../src/onnx/model.js';
import { float32Tensor } from '../../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';
import { layerNamed, leafNames } from '../../support/plantedModel.js';

const ones = (...dims: number[]): ReturnType<typeof float32Tensor> =>
  float32Tensor(new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(1), dims);

/** A body that applies a dense layer and an activation to a value of the graph around it. */
function body(name: string, units: number, opType: string): Graph {
  const builder = new GraphBuilder(emptyModel());
  const weight = builder.constant(ones(4, units), `${name}.weight`);
  const dense = builder.node('MatMul', ['h', weight], { outputs: [`${name}_out`] });
  builder.addOutput(builder.node(opType, [dense], { outputs: [`${name}_act`] }));
  return builder.build().graph;
}

function branchingModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N', 3));
  builder.addInput('which', { kind: 'tensor', elementType: 'bool', shape: [] });
  const weight = builder.constant(ones(3, 4), 'stem.weight');
  builder.node('MatMul', ['x', weight], { outputs: ['h'], name: 'stem' });
  const branch = builder.node('If', ['which'], {
    attributes: {
      then_branch: { kind: 'graph', value: body('yes', 5, 'Relu') },
      else_branch: { kind: 'graph', value: body('no', 5, 'Tanh') },
    },
  });
  const last = builder.constant(ones(5, 2), 'last.weight');
  builder.addOutput(builder.node('MatMul', [branch, last]));
  return builder.build();
}

describe('layers in bodies and functions', () => {
  it('of If are layers like others, in file order, marked as inside', () => {
    const table = layersOf(branchingModel());
    assert.deepEqual(leafNames(table), ['stem', 'yes', 'yes.act', 'no', 'no.act', 'last']);
    const inside = table.layers.filter((layer) => layer.isInBody).map((layer) => layer.name);
    assert.deepEqual(inside, ['yes', 'yes.act', 'no', 'no.act']);
    assert.equal(layerNamed(table, 'yes').unitCount, 5);
    assert.equal(layerNamed(table, 'yes').parameterCount, 20);
    assert.deepEqual(layerNamed(table, 'no').states, { kind: 'activation', layer: 'no.act' });
  });

  it('count: constants of bodies are parameters, nodes of bodies have a count of their own', () => {
    const inspection = inspectModel(branchingModel());
    assert.equal(inspection.parameterCount, 12 + 20 + 20 + 10);
    assert.deepEqual([inspection.nodeCount, inspection.subgraphNodeCount], [3, 4]);
    assert.deepEqual(inspection.operators, { If: 1, MatMul: 4, Relu: 1, Tanh: 1 });
    assert.deepEqual(
      inspection.layers.map((layer) => layer.index),
      [0, 2, 3, 4, 5, 6],
    );
  });

  it('that read a value also read inside a body are not judged by what follows outside', () => {
    const model = branchingModel();
    const { states } = layerNamed(layersOf(model), 'stem');
    // The If reads h in both branches.
    assert.ok(states.kind === 'not-judged');
    assert.match(states.reason, /If/);
  });

  it('of functions are found, and their nodes counted beside', () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 4));
    builder.addOutput(builder.node('Block', ['x'], { domain: 'local' }));
    const inner = new GraphBuilder(emptyModel());
    const relu = inner.node('Relu', ['a'], { name: 'inner_relu', outputs: ['b'] });
    const definition: FunctionDefinition = {
      ...{ name: 'Block', domain: 'local', overload: '', inputs: ['a'], outputs: [relu] },
      ...{ attributeNames: [], attributeDefaults: new Map(), nodes: inner.build().graph.nodes },
      ...{ opsets: new Map([['', 17]]), valueInfo: new Map(), metadata: new Map() },
    };
    const model = { ...builder.build(), functions: [definition] };
    const inspection = inspectModel(model);
    assert.equal(inspection.functionNodeCount, 1);
    assert.deepEqual(inspection.warnings, []);
    const [layer] = layersOf(model).layers;
    assert.deepEqual([layer?.name, layer?.isInBody], ['inner_relu', true]);
  });
});
