import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { affineFrontier } from '../../../src/engine/rewrites/affineFrontier.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';

/** Builds a graph over x [N, 6] (and a mask) and returns the frontier of what it returns. */
function frontierOf(build: (builder: GraphBuilder, x: string) => string): string[] {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 6));
  builder.addInput('mask', floatType('N', 6));
  const value = build(builder, x);
  const model = builder.build();
  return affineFrontier(model, { from: [x], to: [value], types: inferTypes(model) });
}

describe('the affine frontier', () => {
  const random = createRandom(1);
  const named = (name: string): { readonly outputs: readonly string[] } => ({ outputs: [name] });
  const dense = (builder: GraphBuilder, value: string, name: string, [rows, columns] = [6, 6]): string =>
    builder.node('MatMul', [value, builder.constant(normalTensor(random, [rows, columns]))], named(name));

  it('lies behind layouts, products with constants and inference’s BatchNormalization', () => {
    const found = frontierOf((builder, x) => {
      const image = builder.node('Reshape', [x, builder.int64s([-1, 2, 3])]);
      const scale = builder.constant(normalTensor(random, [2]));
      const normal = builder.node('BatchNormalization', [image, scale, scale, scale, scale]);
      const flat = builder.node('Flatten', [
        builder.node('Transpose', [normal], { attributes: { perm: [0, 2, 1] } }),
      ]);
      return builder.node('Relu', [dense(builder, flat, 'fc1')]);
    });
    assert.deepEqual(found, ['fc1']);
  });

  it('stops at a held input, at products of two free values and at nonlinear operators', () => {
    const stops = ['Relu', 'Mul', 'Sigmoid'];
    for (const opType of stops) {
      const found = frontierOf((builder, x) =>
        dense(builder, builder.node(opType, opType === 'Mul' ? [x, x] : [x]), 'late'),
      );
      assert.deepEqual(found, ['x'], opType);
    }
    assert.deepEqual(
      frontierOf((builder, x) => dense(builder, builder.node('Add', [x, 'mask']), 'late')),
      ['x'],
    );
  });

  it('holds every value that is read from behind it, those of skips and of sizes too', () => {
    const found = frontierOf((builder, x) => {
      const first = dense(builder, x, 'fc1');
      const second = dense(builder, first, 'fc2');
      const sum = builder.node('Add', [builder.node('Relu', [second]), first]);
      return builder.node('Mul', [sum, builder.cast(builder.node('Size', [x]), 1)]);
    });
    assert.deepEqual(found.toSorted(), ['fc1', 'fc2', 'x']);
  });

  it('takes a shape computed from sizes as known', () => {
    const found = frontierOf((builder, x) => {
      const rows = builder.node('Shape', [x], { attributes: { start: 0, end: 1 } });
      const shape = builder.node('Concat', [rows, builder.int64s([6])], { attributes: { axis: 0 } });
      return builder.node('Relu', [
        dense(builder, builder.node('Reshape', [x, shape], named('flat')), 'fc1'),
      ]);
    });
    assert.deepEqual(found, ['fc1']);
  });

  it('passes over what is wanted itself', () => {
    const found = frontierOf((builder, x) => dense(builder, dense(builder, x, 'fc1'), 'fc2'));
    assert.deepEqual(found, ['fc2']);
    const builder = new GraphBuilder(emptyModel());
    const x = builder.addInput('x', floatType('N', 6));
    const fc1 = dense(builder, x, 'fc1');
    const fc2 = dense(builder, fc1, 'fc2');
    const model = builder.build();
    const types = inferTypes(model);
    assert.deepEqual(affineFrontier(model, { from: [x], to: [fc1, fc2], types }), ['fc1']);
  });

  it('stops where rows are folded into another axis, moved or mixed', () => {
    const folded: Readonly<Record<string, (builder: GraphBuilder, x: string) => string>> = {
      Reshape: (builder, x) => builder.node('Reshape', [x, builder.int64s([-1, 3])]),
      Transpose: (builder, x) => builder.node('Transpose', [x], { attributes: { perm: [1, 0] } }),
      CumSum: (builder, x) => builder.node('CumSum', [x, builder.int64s([0])]),
      Concat: (builder, x) => builder.node('Concat', [x, x], { attributes: { axis: 0 } }),
      Pad: (builder, x) => builder.node('Pad', [x, builder.int64s([1, 0, 0, 0])]),
    };
    for (const [opType, fold] of Object.entries(folded)) {
      assert.deepEqual(
        frontierOf((builder, x) => builder.node('Relu', [fold(builder, x)])),
        ['x'],
        opType,
      );
    }
  });
});
