import assert from 'node:assert/strict';
import { GraphBuilder, makeNode } from '../../../src/engine/graph/graphBuilder.js';
import type { Dimension, Graph, Model, ValueInfo, ValueType } from '../../../src/onnx/model.js';
import { inferTypes, inferTypesChecked } from '../../../src/onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../../src/onnx/shapes/typeTable.js';
import { float32Tensor, int64Tensor } from '../../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';

function builderWith(shape: readonly Dimension[], opset = 17): GraphBuilder {
  const builder = new GraphBuilder(emptyModel(opset));
  builder.addInput('x', { kind: 'tensor', elementType: 'float32', shape });
  return builder;
}

function shapeIn(types: TypeTable, name: string): readonly Dimension[] | null | undefined {
  const type = types.get(name);
  return type?.kind === 'tensor' ? type.shape : undefined;
}

function info(name: string, type: ValueType): ValueInfo {
  return { name, type, metadata: new Map() };
}

function body(parts: Partial<Graph>): { readonly kind: 'graph'; readonly value: Graph } {
  return { kind: 'graph', value: { ...emptyModel().graph, ...parts } };
}

describe('inferTypes', () => {
  it('keeps the name of the batch axis through a convolution, pooling, flattening and a dense layer', () => {
    const builder = builderWith(['N', 3, 32, 32]);
    const filters = builder.constant(float32Tensor(new Float32Array(8 * 3 * 9), [8, 3, 3, 3]));
    const conv = builder.node('Conv', ['x', filters], { attributes: { pads: [1, 1, 1, 1] } });
    const pool = builder.node('MaxPool', [conv], { attributes: { kernel_shape: [2, 2], strides: [2, 2] } });
    const flat = builder.node('Flatten', [pool]);
    const weight = builder.constant(float32Tensor(new Float32Array(10 * 2048), [10, 2048]));
    const dense = builder.node('Gemm', [flat, weight], { attributes: { transB: 1 } });
    const types = inferTypes(builder.build());
    assert.deepEqual(shapeIn(types, conv), ['N', 8, 32, 32]);
    assert.deepEqual(shapeIn(types, pool), ['N', 8, 16, 16]);
    assert.deepEqual(shapeIn(types, flat), ['N', 2048]);
    assert.deepEqual(shapeIn(types, dense), ['N', 10]);
  });

  it('follows sizes through Shape, Gather, Unsqueeze, Concat and Reshape', () => {
    const builder = builderWith(['batch', 'sequence', 64]);
    const shape = builder.node('Shape', ['x']);
    const parts = [0, 1].map((axis) => {
      const size = builder.node('Gather', [shape, builder.constant(int64Tensor([axis], []))]);
      return builder.node('Unsqueeze', [size, builder.int64s([0])]);
    });
    const target = builder.node('Concat', [...parts, builder.int64s([8, -1])], { attributes: { axis: 0 } });
    const heads = builder.node('Reshape', ['x', target]);
    const turned = builder.node('Transpose', [heads], { attributes: { perm: [0, 2, 1, 3] } });
    const types = inferTypes(builder.build());
    assert.deepEqual(shapeIn(types, heads), ['batch', 'sequence', 8, 8]);
    assert.deepEqual(shapeIn(types, turned), ['batch', 8, 'sequence', 8]);
  });

  it('follows the pads that PyTorch exports: reversed in pairs, turned and flattened', () => {
    const builder = builderWith(['N', 'C', 10]);
    // (before, after) of the last axis, then of the one before, as torch.nn.functional.pad has them.
    const pairs = builder.node('Reshape', [builder.int64s([2, 3, 0, 0, 0, 0]), builder.int64s([-1, 2])]);
    const lists = [[-1], [-(2 ** 53)], [0], [-1]].map((list) => builder.int64s(list));
    const reversed = builder.node('Slice', [pairs, ...lists]);
    const turned = builder.node('Transpose', [reversed], { attributes: { perm: [1, 0] } });
    const pads = builder.node('Reshape', [turned, builder.int64s([-1])]);
    const padded = builder.node('Pad', ['x', pads]);
    const flipped = builder.node('Slice', [padded, ...lists]);
    const types = inferTypes(builder.build());
    assert.deepEqual(shapeIn(types, padded), ['N', 'C', 15]);
    assert.deepEqual(shapeIn(types, flipped), ['N', 'C', 15]);
  });

  it('multiplies and divides named sizes', () => {
    const builder = builderWith(['N', 'T', 12]);
    const folded = builder.node('Reshape', ['x', builder.int64s([-1, 4])]);
    const back = builder.node('Reshape', [folded, builder.int64s([-1, 12])]);
    const types = inferTypes(builder.build());
    assert.deepEqual(shapeIn(types, folded), ['3*N*T', 4]);
    assert.deepEqual(shapeIn(types, back), ['N*T', 12]);
  });

  it('links sizes without a name and shows them as unknown', () => {
    const builder = builderWith([null, 4, 5]);
    const flat = builder.node('Reshape', ['x', builder.int64s([-1, 20])]);
    const model = builder.build();
    assert.deepEqual(shapeIn(inferTypes(model), flat), [null, 20]);
    const linked = inferTypes(model, { keepsUnnamed: true });
    assert.deepEqual(shapeIn(linked, flat), [shapeIn(linked, 'x')?.[0], 20]);
  });

  it('takes given input shapes and binds the names in them', () => {
    const builder = builderWith(['N', 4]);
    builder.node('Mystery', ['x'], { outputs: ['y'], domain: 'test' });
    builder.addOutput('y', floatType('N', 9));
    const types = inferTypes(builder.build(), { inputShapes: { x: [7, 4] } });
    assert.deepEqual(shapeIn(types, 'x'), [7, 4]);
    assert.deepEqual(shapeIn(types, 'y'), [7, 9]);
  });

  it('drops declared sizes once an input has another shape than declared', () => {
    const builder = builderWith([1, 4]);
    builder.node('Mystery', ['x'], { outputs: ['y'], domain: 'test' });
    builder.addOutput('y', floatType(1, 9));
    const types = inferTypes(builder.build(), { inputShapes: { x: [7, 4] } });
    assert.deepEqual(types.get('y'), { kind: 'tensor', elementType: 'float32', shape: null });
  });

  it('leaves the outputs of unknown operators unknown and goes on', () => {
    const builder = builderWith([2, 3]);
    const mystery = builder.node('Mystery', ['x'], { domain: 'test' });
    const sum = builder.node('Add', [mystery, 'x']);
    const after = builder.node('Relu', ['x']);
    const types = inferTypes(builder.build());
    assert.deepEqual(types.get(mystery), { kind: 'unknown' });
    assert.equal(shapeIn(types, sum), null);
    assert.deepEqual(shapeIn(types, after), [2, 3]);
  });

  it('records declared types that contradict inference, and keeps the inferred ones', () => {
    const builder = builderWith([2, 3]);
    builder.node('Relu', ['x'], { outputs: ['y'] });
    builder.addOutput('y', floatType(2, 4));
    const { types, conflicts } = inferTypesChecked(builder.build());
    assert.deepEqual(shapeIn(types, 'y'), [2, 3]);
    assert.deepEqual(conflicts, [{ value: 'y', declared: floatType(2, 4), inferred: floatType(2, 3) }]);
  });

  it('gives an If the sizes that both branches share, or those of the branch that runs', () => {
    const branch = (name: string, axis: number): ReturnType<typeof body> =>
      body({
        nodes: [makeNode('Concat', ['x', 'x'], { attributes: { axis }, outputs: [name] })],
        outputs: [info(name, { kind: 'unknown' })],
      });
    const build = (condition: (builder: GraphBuilder) => string): TypeTable => {
      const builder = builderWith(['N', 3, 5]);
      const attributes = { then_branch: branch('a', 1), else_branch: branch('b', 2) };
      builder.node('If', [condition(builder)], { attributes, outputs: ['y'] });
      return inferTypes(builder.build());
    };
    const open = build((builder) =>
      builder.addInput('c', { kind: 'tensor', elementType: 'bool', shape: [] }),
    );
    assert.deepEqual(shapeIn(open, 'y'), ['N', null, null]);
    assert.deepEqual(shapeIn(open, 'a'), ['N', 6, 5]);
    const settled = build((builder) => builder.constant({ dtype: 'bool', dims: [], data: Uint8Array.of(0) }));
    assert.deepEqual(shapeIn(settled, 'y'), ['N', 3, 10]);
  });

  it('forgets carried sizes that grow in a Loop, and keeps those that stay', () => {
    const builder = builderWith(['N', 3]);
    const scalar = (name: string, elementType: 'int64' | 'bool'): ValueInfo =>
      info(name, { kind: 'tensor', elementType, shape: [] });
    const unknown: ValueType = { kind: 'unknown' };
    const loopBody = body({
      inputs: [scalar('i', 'int64'), scalar('go', 'bool'), info('grown', unknown), info('kept', unknown)],
      nodes: [
        makeNode('Identity', ['go'], { outputs: ['go_on'] }),
        makeNode('Concat', ['grown', 'x'], { attributes: { axis: 1 }, outputs: ['longer'] }),
        makeNode('Relu', ['kept'], { outputs: ['same'] }),
        makeNode('Neg', ['kept'], { outputs: ['each'] }),
      ],
      outputs: ['go_on', 'longer', 'same', 'each'].map((name) => info(name, unknown)),
    });
    const count = builder.constant(int64Tensor([4], []));
    builder.node('Loop', [count, '', 'x', 'x'], { attributes: { body: loopBody }, outputs: ['g', 'k', 's'] });
    const types = inferTypes(builder.build());
    assert.deepEqual(shapeIn(types, 'g'), ['N', null]);
    assert.deepEqual(shapeIn(types, 'k'), ['N', 3]);
    assert.deepEqual(shapeIn(types, 's'), [4, 'N', 3]);
  });

  it('types a Scan by its elements', () => {
    const builder = builderWith(['T', 3]);
    const unknown: ValueType = { kind: 'unknown' };
    const scanBody = body({
      inputs: [info('state', unknown), info('element', unknown)],
      nodes: [
        makeNode('Add', ['state', 'element'], { outputs: ['next'] }),
        makeNode('Unsqueeze', ['next', 'axes'], { outputs: ['each'] }),
      ],
      outputs: [info('next', unknown), info('each', unknown)],
    });
    builder.initializer({ name: 'axes', elementType: 'int64', dims: [1], source: int64Source([0]) });
    const start = builder.constant(float32Tensor([0, 0, 0], [3]));
    const attributes = { body: scanBody, num_scan_inputs: 1 };
    builder.node('Scan', [start, 'x'], { attributes, outputs: ['last', 'all'] });
    const types = inferTypes(builder.build());
    assert.deepEqual(shapeIn(types, 'last'), [3]);
    assert.deepEqual(shapeIn(types, 'all'), ['T', 1, 3]);
  });

  it('types calls of functions with the attributes of the call', () => {
    const builder = builderWith(['N', 6]);
    builder.node('Joined', ['x'], { domain: 'test', attributes: { along: 1 }, outputs: ['y'] });
    const base = builder.build();
    const node = makeNode('Concat', ['a', 'a'], {
      attributes: { axis: { kind: 'ref', name: 'along', attributeType: 2 } },
      outputs: ['b'],
    });
    const model: Model = {
      ...base,
      functions: [
        {
          name: 'Joined',
          domain: 'test',
          overload: '',
          inputs: ['a'],
          outputs: ['b'],
          attributeNames: ['along'],
          attributeDefaults: new Map(),
          nodes: [node],
          opsets: new Map([['', 17]]),
          valueInfo: new Map(),
          metadata: new Map(),
        },
      ],
    };
    assert.deepEqual(shapeIn(inferTypes(model), 'y'), ['N', 12]);
  });
});

function int64Source(values: readonly number[]): { readonly kind: 'inline'; readonly bytes: Uint8Array } {
  const data = BigInt64Array.from(values, BigInt);
  return { kind: 'inline', bytes: new Uint8Array(data.buffer) };
}
