import assert from 'node:assert/strict';
import { UserError } from '../../../src/base/errors.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { findGraphProblem, soundModel, verify } from '../../../src/engine/graph/verify.js';
import type { Graph, GraphNode, Model } from '../../../src/onnx/model.js';
import { denseModel, emptyModel, floatType } from '../../support/modelBuilder.js';

function withNodes(model: Model, change: (nodes: GraphNode[]) => GraphNode[]): Model {
  return { ...model, graph: { ...model.graph, nodes: change([...model.graph.nodes]) } };
}

/** An If whose branches read `outer` of the graph around them. */
function modelWithBodies(inner: string): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N'));
  builder.addInput('flag', { kind: 'tensor', elementType: 'bool', shape: [] });
  builder.node('Relu', ['x'], { outputs: ['outer'] });
  const branch = (name: string): Graph => {
    const body = new GraphBuilder(emptyModel());
    body.addOutput(body.node('Neg', [inner], { outputs: [name] }));
    return body.build().graph;
  };
  const attributes = {
    then_branch: { kind: 'graph', value: branch('t') },
    else_branch: { kind: 'graph', value: branch('e') },
  } as const;
  builder.addOutput(builder.node('If', ['flag'], { attributes, outputs: ['y'] }));
  return builder.build();
}

describe('verify', () => {
  it('accepts a chain and bodies that read values of the graph around them', () => {
    assert.equal(findGraphProblem(denseModel([3, 4, 2])), undefined);
    assert.equal(findGraphProblem(modelWithBodies('outer')), undefined);
  });

  it('names the nodes of a cycle', () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N'));
    builder.node('Add', ['x', 'c'], { outputs: ['a'], name: 'first' });
    builder.node('Relu', ['a'], { outputs: ['b'], name: 'second' });
    builder.node('Neg', ['b'], { outputs: ['c'], name: 'third' });
    builder.addOutput('c');
    assert.throws(
      () => soundModel(builder.build()),
      (error: unknown) => {
        assert.ok(error instanceof UserError);
        assert.equal(error.code, 'graph-cycle');
        for (const name of ['first', 'second', 'third']) assert.match(error.message, new RegExp(`"${name}"`));
        return true;
      },
    );
  });

  it('finds a cycle through a body', () => {
    const model = modelWithBodies('y');
    assert.equal(findGraphProblem(model)?.code, 'graph-cycle');
  });

  it('sorts nodes that are out of order', () => {
    const model = denseModel([3, 4, 5, 2]);
    const reversed = withNodes(model, (nodes) => nodes.reverse());
    assert.equal(findGraphProblem(reversed)?.code, 'graph-undefined');
    assert.deepEqual(soundModel(reversed).graph.nodes, model.graph.nodes);
    assert.throws(() => {
      verify(reversed);
    }, /A rewrite broke the graph: .*reads "act2_out"/);
  });

  it('keeps a sound graph as it is', () => {
    const model = modelWithBodies('outer');
    assert.equal(soundModel(model).graph, model.graph);
  });

  it('sorts a chain of 50,000 nodes without running out of stack', () => {
    const builder = new GraphBuilder(emptyModel());
    let value = builder.addInput('x', floatType('N'));
    for (let i = 0; i < 50_000; i++) value = builder.node('Relu', [value], { outputs: [`v${i}`] });
    builder.addOutput(value);
    const model = builder.build();
    const sorted = soundModel(withNodes(model, (nodes) => nodes.reverse()));
    assert.deepEqual(sorted.graph.nodes[0], model.graph.nodes[0]);
  });

  for (const [code, change] of [
    ['graph-duplicate', (b: GraphBuilder) => b.node('Relu', ['x'], { outputs: ['logits'] })],
    ['graph-undefined', (b: GraphBuilder) => b.node('Relu', ['nothing'])],
    ['graph-output', (b: GraphBuilder) => (b.addOutput('nothing'), '')],
    ['graph-domain', (b: GraphBuilder) => b.node('Mystery', ['x'], { domain: 'com.nobody' })],
  ] as const) {
    it(`finds ${code}`, () => {
      const builder = new GraphBuilder(denseModel([3, 2]));
      change(builder);
      assert.equal(findGraphProblem(builder.build())?.code, code);
      assert.throws(() => soundModel(builder.build()), { name: 'UserError', code });
    });
  }

  it('finds a name that a body reads and nobody makes', () => {
    const problem = findGraphProblem(modelWithBodies('nowhere'));
    assert.equal(problem?.code, 'graph-undefined');
    assert.deepEqual(problem.names, ['nowhere']);
  });
});
