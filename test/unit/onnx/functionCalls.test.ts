import assert from 'node:assert/strict';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { layersOf } from '../../../src/onnx/layers/layerTable.js';
import type { FunctionDefinition, Graph, Model } from '../../../src/onnx/model.js';
import { float32Tensor } from '../../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';
import { layerNamed, leafNames, PlantedModel } from '../../support/plantedModel.js';

const ones = (...dims: number[]): ReturnType<typeof float32Tensor> =>
  float32Tensor(new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(1), dims);

function definition(name: string, inputs: readonly string[], graph: Graph): FunctionDefinition {
  return {
    ...{ name, domain: 'local', overload: '', inputs, outputs: graph.outputs.map((output) => output.name) },
    ...{ attributeNames: [], attributeDefaults: new Map(), nodes: graph.nodes },
    ...{ opsets: new Map([['', 17]]), valueInfo: new Map(), metadata: new Map() },
  };
}

/** `Linear(x, w, b)`, called twice with weights of its own each time. */
function twoCalls(): Model {
  const inner = new GraphBuilder(emptyModel());
  const product = inner.node('MatMul', ['a', 'w']);
  inner.addOutput(inner.node('Relu', [inner.node('Add', [product, 'b'])]));
  const builder = new GraphBuilder(emptyModel());
  let value = builder.addInput('x', floatType('N', 3));
  for (const [name, from, to] of [
    ['up', 3, 5],
    ['down', 5, 2],
  ] as const) {
    const weight = builder.constant(ones(from, to), `${name}.weight`);
    const bias = builder.constant(ones(to), `${name}.bias`);
    value = builder.node('Linear', [value, weight, bias], { domain: 'local' });
  }
  builder.addOutput(value);
  return { ...builder.build(), functions: [definition('Linear', ['a', 'w', 'b'], inner.build().graph)] };
}

describe('layers of functions that are called', () => {
  it('are those of each call, with the weights it passes', () => {
    const table = layersOf(twoCalls());
    assert.deepEqual(leafNames(table), ['up', 'up.act', 'down', 'down.act'].sort(byCall(table)));
    assert.deepEqual(
      ['up', 'down'].map((name) => [
        layerNamed(table, name).unitCount,
        layerNamed(table, name).parameterCount,
        layerNamed(table, name).isInBody,
      ]),
      [
        [5, 20, true],
        [2, 12, true],
      ],
    );
    assert.deepEqual(layerNamed(table, 'up').states, { kind: 'activation', layer: 'up.act' });
    assert.deepEqual(table.counts, { parameterCount: 32, bufferCount: 0, constantCount: 0 });
  });

  it('stop at functions that call themselves', () => {
    const inner = new GraphBuilder(emptyModel());
    inner.addOutput(inner.node('Relu', [inner.node('Loop', ['a'], { domain: 'local' })]));
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 3));
    builder.addOutput(builder.node('Loop', ['x'], { domain: 'local' }));
    const model = { ...builder.build(), functions: [definition('Loop', ['a'], inner.build().graph)] };
    assert.equal(layersOf(model).layers.length, 1);
  });

  it('stop at functions that call others without end', () => {
    const functions = Array.from({ length: 12 }, (_, depth) => {
      const inner = new GraphBuilder(emptyModel());
      let value = 'a';
      for (let i = 0; i < 10; i++) {
        value = inner.node(depth === 0 ? 'Relu' : `F${depth - 1}`, [value], {
          domain: depth === 0 ? '' : 'local',
        });
      }
      inner.addOutput(value);
      return definition(`F${depth}`, ['a'], inner.build().graph);
    });
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 3));
    builder.addOutput(builder.node('F11', ['x'], { domain: 'local' }));
    // 10¹² Relus if all were looked into.
    const { length } = layersOf({ ...builder.build(), functions }).layers;
    assert.ok(length > 10_000 && length < 100_000, String(length));
  });
});

function byCall(table: ReturnType<typeof layersOf>): (a: string, b: string) => number {
  // Both calls stand at the function's place in the file: Relu of both behind MatMul of both.
  return (a, b) => layerNamed(table, a).index - layerNamed(table, b).index;
}

describe('layers in bodies', () => {
  it('take units and names from what they capture', () => {
    const branch = (opType: string): Graph => {
      const inside = new GraphBuilder(emptyModel());
      inside.addOutput(inside.node(opType, ['h'], { outputs: ['same_name'] }));
      return inside.build().graph;
    };
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 3));
    builder.addInput('which', { kind: 'tensor', elementType: 'bool', shape: [] });
    builder.node('MatMul', ['x', builder.constant(ones(3, 4), 'fc.weight')], { outputs: ['h'] });
    const attributes = {
      then_branch: { kind: 'graph', value: branch('Relu') },
      else_branch: { kind: 'graph', value: branch('Tanh') },
    } as const;
    builder.addOutput(builder.node('If', ['which'], { attributes }));
    const table = layersOf(builder.build());
    assert.deepEqual(
      table.layers.map(({ name, operator, unitCount }) => [name, operator, unitCount]),
      [
        ['fc', 'MatMul', 4],
        ['fc.act', 'Relu', 4],
        ['fc.act_1', 'Tanh', 4],
      ],
    );
  });

  it('are judged by the activation of their own branch where names repeat', () => {
    const branch = (name: string, opType: string): Graph => {
      const inside = new GraphBuilder(emptyModel());
      const weight = inside.constant(ones(3, 4), `${name}.weight`);
      inside.node('MatMul', ['x', weight], { outputs: ['h'] });
      inside.addOutput(inside.node(opType, ['h'], { outputs: ['y'] }));
      return inside.build().graph;
    };
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 3));
    builder.addInput('which', { kind: 'tensor', elementType: 'bool', shape: [] });
    const attributes = {
      then_branch: { kind: 'graph', value: branch('yes', 'Relu') },
      else_branch: { kind: 'graph', value: branch('no', 'Tanh') },
    } as const;
    builder.addOutput(builder.node('If', ['which'], { attributes }));
    const table = layersOf(builder.build());
    assert.deepEqual(leafNames(table), ['yes', 'yes.act', 'no', 'no.act']);
    for (const name of ['yes', 'no']) {
      assert.deepEqual(layerNamed(table, name).states, { kind: 'activation', layer: `${name}.act` });
    }
  });
});

describe('states behind a bias of its own', () => {
  it('are those of the activation, also behind Cast and QuantizeLinear', () => {
    const planted = new PlantedModel(['N', 3]);
    const fc = planted.matMul('x', [3, 4], { weight: 'fc.weight' });
    const cast = planted.node('Cast', [fc], { attributes: { to: 1 } });
    const relu = planted.node('Relu', [planted.node('Add', [cast, planted.weight([4], 'fc.bias')])]);
    const table = planted.layers(planted.matMul(relu, [4, 2], { weight: 'head.weight' }));
    assert.deepEqual(layerNamed(table, 'fc').states, { kind: 'activation', layer: 'fc.act' });
  });

  it('are not judged behind an Add that is no bias', () => {
    const planted = new PlantedModel(['N', 4, 4]);
    const fc = planted.matMul('x', [4, 4], { weight: 'fc.weight' });
    const cast = planted.node('Cast', [fc], { attributes: { to: 1 } });
    const shifted = planted.node('Add', [cast, planted.weight([4, 1], 'per-row')]);
    const table = planted.layers(
      planted.matMul(planted.node('Relu', [shifted]), [4, 2], { weight: 'w.weight' }),
    );
    assert.equal(layerNamed(table, 'fc').states.kind, 'not-judged');
  });
});
