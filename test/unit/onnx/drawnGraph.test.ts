import assert from 'node:assert/strict';
import { join } from 'node:path';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { drawnGraph } from '../../../src/onnx/drawnGraph.js';
import type { Attribute, FunctionDefinition, Graph, Model } from '../../../src/onnx/model.js';
import { openedModel } from '../../../src/onnx/openedModel.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { elementCountOf, int64Tensor } from '../../../src/onnx/tensorValue.js';
import type { DrawnNode, ModelGraph } from '../../../src/protocol/structure.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';
import { itWithShared, samplesDir } from '../../support/paths.js';
import { PlantedModel } from '../../support/plantedModel.js';
import { sharedModels } from '../../support/sharedModels.js';

function drawn(model: Model): ModelGraph {
  return drawnGraph(openedModel(model));
}

/** Names of the modules around a node, outermost first. */
function modulesOf({ modules }: ModelGraph, { module }: DrawnNode): string[] {
  const names: string[] = [];
  for (let at = module; at !== null; at = modules[at]!.parent) names.unshift(modules[at]!.name);
  return names;
}

function nodeMaking(graph: ModelGraph, output: string): DrawnNode {
  const node = graph.nodes.find(({ outputs }) => outputs.includes(output));
  assert(node !== undefined, `No node makes ${output}.`);
  return node;
}

/** Operators with the operators that feed them: what a person would check by eye. */
function edgesOf({ nodes, inputs }: ModelGraph): string[] {
  return nodes.flatMap(({ operator, sources }) =>
    sources.flatMap((source) => {
      if (source === null) return [];
      const from = source < 0 ? inputs[-1 - source]?.name : nodes[source]?.operator;
      return [`${from ?? '?'} → ${operator}`];
    }),
  );
}

function bodyOf(value: string, opType: string): Graph {
  const builder = new GraphBuilder(emptyModel());
  builder.addOutput(builder.node(opType, [value], { outputs: ['out'] }));
  return builder.build().graph;
}

describe('the drawn graph', () => {
  it('has the modules of the exporter around each node, called as layers are', () => {
    const planted = new PlantedModel();
    const conv = planted.conv('x', [3, 4], { name: '/features/features.3/conv/Conv' });
    const relu = planted.node('Relu', [conv], { name: '/features/features.3/act/Relu' });
    const flat = planted.node('Flatten', [relu], { name: '/Flatten' });
    const graph = drawn(planted.model(flat));
    const around = (value: string): string[] => modulesOf(graph, nodeMaking(graph, value));
    assert.deepEqual(around(conv), ['features', 'features.3', 'features.3.conv']);
    assert.deepEqual(around(relu), ['features', 'features.3', 'features.3.act']);
    assert.deepEqual(around(flat), []);
    assert.equal(graph.modules.length, 4);
  });

  it('takes modules from the names of weights where nodes have no scopes, and what is between them along', () => {
    const planted = new PlantedModel();
    let value = planted.conv('x', [3, 3], { name: 'Conv_0', weight: 'stem.a.conv.weight' });
    const between = (value = planted.node('Sqrt', [value], { name: 'Sqrt_1' }));
    value = planted.conv(value, [3, 3], { name: 'Conv_2', weight: 'stem.a.conv2.weight' });
    value = planted.conv(value, [3, 3], { name: 'Conv_3', weight: 'stem.b.conv.weight' });
    value = planted.conv(value, [3, 3], { name: 'Conv_4', weight: 'stem.b.conv2.weight' });
    const after = planted.node('Sqrt', [value], { name: 'Sqrt_5' });
    const graph = drawn(planted.model(after));
    assert.deepEqual(modulesOf(graph, nodeMaking(graph, between)), ['stem', 'stem.a']);
    assert.deepEqual(modulesOf(graph, nodeMaking(graph, after)), []);
  });

  it('puts a layer of several nodes into a module of its own', () => {
    const planted = new PlantedModel(['N', 3]);
    const dense = planted.matMul('x', [3, 4], { name: 'dense', weight: 'fc.weight' });
    const sum = planted.node('Add', [dense, planted.weight([4], 'fc.bias')]);
    const graph = drawn(planted.model(planted.node('Relu', [sum])));
    assert.deepEqual(modulesOf(graph, nodeMaking(graph, dense)), ['fc']);
    assert.deepEqual(modulesOf(graph, nodeMaking(graph, sum)), ['fc']);
    assert.equal(nodeMaking(graph, sum).layer, 'fc');
    assert.equal(nodeMaking(graph, sum).parameterCount, 4);
  });

  it('tells where each input comes from: nodes, inputs of the graph, or nowhere for constants', () => {
    const planted = new PlantedModel();
    const conv = planted.conv('x', [3, 3]);
    const sum = planted.node('Add', [conv, 'x']);
    const graph = drawn(planted.model(sum, conv));
    assert.deepEqual(edgesOf(graph), ['x → Conv', 'Conv → Add', 'x → Add']);
    assert.equal(nodeMaking(graph, conv).sources[1], null);
    assert.deepEqual(
      graph.outputs.map(({ source }) => source),
      [1, 0],
    );
    assert.deepEqual(graph.inputs, [{ name: 'x', type: 'float32 [N, 3, 8, 8]' }]);
    assert.deepEqual(nodeMaking(graph, sum).shapes, [['N', 3, 8, 8]]);
  });

  it('draws the bodies of If as modules of their node, equal names in both kept apart', () => {
    const planted = new PlantedModel(['N', 3]);
    const outside = planted.node('Abs', ['x']);
    const condition = planted.node('IsNaN', ['x']);
    const branch = planted.node('If', [condition], {
      name: 'choose',
      attributes: {
        then_branch: { kind: 'graph', value: bodyOf(outside, 'Exp') },
        else_branch: { kind: 'graph', value: bodyOf(outside, 'Neg') },
      },
    });
    const graph = drawn(planted.model(planted.node('Tanh', [branch])));
    const operators = graph.nodes.map(({ operator }) => operator);
    assert.deepEqual(operators, ['Abs', 'IsNaN', 'If', 'Exp', 'Neg', 'Tanh']);
    const edges = ['x → Abs', 'x → IsNaN', 'IsNaN → If', 'Abs → Exp', 'Abs → Neg', 'If → Tanh'];
    assert.deepEqual(edgesOf(graph), edges);
    const [, , holder, yes, no] = graph.nodes;
    assert.deepEqual(modulesOf(graph, holder!), ['choose']);
    assert.deepEqual(modulesOf(graph, yes!), ['choose', 'then_branch']);
    assert.deepEqual(modulesOf(graph, no!), ['choose', 'else_branch']);
    assert.deepEqual(holder!.results, [3, 4]);
    assert.deepEqual(
      graph.modules.map((module) => module.holder),
      [2, 2, 2],
    );
    assert.deepEqual(holder!.attributes[0], ['then_branch', 'graph of 1 node']);
  });

  it('feeds the body of a Loop from what its node is given', () => {
    const body = new GraphBuilder(emptyModel());
    body.addInput('i', { kind: 'tensor', elementType: 'int64', shape: [] });
    body.addInput('go', { kind: 'tensor', elementType: 'bool', shape: [] });
    body.addInput('state', floatType('N', 3));
    body.addOutput(body.node('Identity', ['go']));
    body.addOutput(body.node('Exp', ['state']));
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 3));
    const start = builder.node('Abs', ['x']);
    const trips = builder.constant(int64Tensor([3], []));
    const loop = builder.node('Loop', [trips, '', start], {
      attributes: { body: { kind: 'graph', value: body.build().graph } },
    });
    builder.addOutput(loop);
    const graph = drawn(builder.build());
    assert.deepEqual(edgesOf(graph), ['x → Abs', 'Abs → Loop', 'Abs → Exp']);
    const [, holder] = graph.nodes;
    assert.deepEqual(holder!.results, [2, 3]);
    assert.deepEqual(modulesOf(graph, graph.nodes[3]!), ['Loop 1']);
  });

  it('draws a function inside each of its calls, its inputs being what is passed', () => {
    const inner = new GraphBuilder(emptyModel());
    const half = inner.node('Exp', ['b']);
    inner.addOutput(inner.node('Mul', ['a', half]));
    const { graph: innerGraph } = inner.build();
    const functions: FunctionDefinition[] = [
      {
        ...{ name: 'Gate', domain: 'local', overload: '', inputs: ['a', 'b'] },
        ...{ outputs: innerGraph.outputs.map(({ name }) => name), nodes: innerGraph.nodes },
        ...{ attributeNames: [], attributeDefaults: new Map(), opsets: new Map([['', 17]]) },
        ...{ valueInfo: new Map(), metadata: new Map() },
      },
    ];
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 3));
    const abs = builder.node('Abs', ['x']);
    const first = builder.node('Gate', ['x', abs], { domain: 'local' });
    builder.addOutput(builder.node('Gate', [first, 'x'], { domain: 'local' }));
    const graph = drawn({ ...builder.build(), functions });
    assert.deepEqual(
      graph.nodes.map(({ operator }) => operator),
      ['Abs', 'local:Gate', 'Exp', 'Mul', 'local:Gate', 'Exp', 'Mul'],
    );
    assert.deepEqual(edgesOf(graph), [
      ...['x → Abs', 'x → local:Gate', 'Abs → local:Gate', 'Abs → Exp', 'x → Mul', 'Exp → Mul'],
      ...['local:Gate → local:Gate', 'x → local:Gate', 'x → Exp', 'local:Gate → Mul', 'Exp → Mul'],
    ]);
    assert.deepEqual(graph.nodes[4]!.results, [6]);
  });

  it('writes attributes in words and cuts long ones', () => {
    const planted = new PlantedModel();
    const value = planted.node('Strange', ['x'], {
      attributes: {
        axis: -1,
        pads: [1, 2, 3],
        alpha: { kind: 'float', value: Math.fround(0.1) },
        mode: 'edge',
        labels: { kind: 'strings', value: ['a', '<b>'] },
        many: { kind: 'ints', value: Array.from({ length: 5000 }, () => 7n) },
        text: 'x'.repeat(500),
      },
    });
    const { attributes } = nodeMaking(drawn(planted.model(value)), value);
    const byName = new Map(attributes);
    assert.deepEqual([...byName].slice(0, 5), [
      ['axis', '-1'],
      ['pads', '[1, 2, 3]'],
      ['alpha', '0.1'],
      ['mode', 'edge'],
      ['labels', '["a", "<b>"]'],
    ]);
    assert.equal(byName.get('many')?.length, 200);
    assert.match(byName.get('many') ?? '', /^\[7, 7, .*…$/);
    assert.equal(byName.get('text'), `${'x'.repeat(199)}…`);
  });

  it('shows small constants and describes large ones', () => {
    const planted = new PlantedModel();
    const tensor = (dims: readonly number[]): Attribute => {
      const bytes = new Uint8Array(Float32Array.from({ length: elementCountOf(dims) }, (_, i) => i).buffer);
      return {
        kind: 'tensor',
        value: { name: '', elementType: 'float32', dims, source: { kind: 'inline', bytes } },
      };
    };
    const small = planted.node('Constant', [], { attributes: { value: tensor([2]) } });
    const large = planted.node('Constant', [], { attributes: { value: tensor([300, 10]) } });
    const graph = drawn(planted.model(planted.node('Add', [small, large])));
    assert.deepEqual(nodeMaking(graph, small).attributes, [['value', 'float32 [2] [0, 1]']]);
    assert.deepEqual(nodeMaking(graph, large).attributes, [['value', 'float32 [300, 10]']]);
  });

  it('of a committed sample resolves every edge', async () => {
    checkWhole(await readModel(join(samplesDir, 'digits-cnn', 'digits-cnn.onnx')), 'digits-cnn');
  });

  itWithShared('of every real model resolves every edge', async (shared) => {
    const models = await sharedModels(shared);
    for (const { path, model } of models) checkWhole(model, path);
  });
});

/** Checks that every node is there, in order, and that every input comes from somewhere. */
function checkWhole(model: Model, path: string): void {
  const opened = openedModel(model);
  const { nodes, modules, outputs } = drawnGraph(opened);
  assert.ok(nodes.length >= model.graph.nodes.length, path);
  const stored = new Set(opened.layers.views.flatMap(({ graph }) => [...graph.initializers.keys()]));
  for (const [index, { id, inputs, sources, outputs: made, shapes }] of nodes.entries()) {
    assert.equal(id, index, path);
    assert.equal(inputs.length, sources.length, path);
    assert.equal(made.length, shapes.length, path);
    for (const [operand, source] of sources.entries()) {
      const input = inputs[operand] ?? '';
      const isResolved =
        source === null
          ? input === '' || stored.has(input)
          : source < 0 || nodes[source]?.outputs.includes(input);
      assert.ok(isResolved === true, `${path}: where does ${input} come from?`);
    }
  }
  assert.ok(
    modules.every(({ parent }, index) => parent === null || parent < index),
    path,
  );
  assert.ok(
    outputs.every(
      ({ name, source }) => source === null || source < 0 || nodes[source]?.outputs.includes(name),
    ),
  );
}
