import assert from 'node:assert/strict';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor } from '../../../src/onnx/tensorValue.js';
import { bodyGraph } from '../../support/controlFlowModels.js';
import { runGradient } from '../../support/gradientRun.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';

const feeds = { x: float32Tensor([1, 2, 3, 4, 5, 6], [3, 2]) };

function started(): GraphBuilder {
  const builder = new GraphBuilder(emptyModel(18));
  builder.addInput('x', floatType(3, 2));
  return builder;
}

const at = (builder: GraphBuilder, position: number): string => builder.constant(int64Tensor([position], []));

async function gradient(
  builder: GraphBuilder,
  value: string,
  cotangent: readonly number[],
): Promise<number[]> {
  builder.node('Identity', [value], { outputs: ['y'] });
  builder.addOutput('y');
  const model: Model = builder.build();
  const dims = [cotangent.length / 2, 2];
  const run = { feeds, output: 'y', cotangent: float32Tensor(cotangent, dims), wrt: 'x' };
  return [...(await runGradient(model, run)).gradient];
}

describe('gradients through sequences and optionals', () => {
  it('go to the tensor that was taken out', async () => {
    const builder = started();
    const square = builder.node('Mul', ['x', 'x']);
    const sequence = builder.node('SequenceConstruct', ['x', square]);
    const last = builder.node('SequenceAt', [sequence, at(builder, -1)]);
    assert.deepEqual(await gradient(builder, last, [1, 1, 1, 1, 1, 1]), [2, 4, 6, 8, 10, 12]);
  });

  it('pass through insertion, removal and concatenation', async () => {
    const builder = started();
    const negative = builder.node('Neg', ['x']);
    const none = builder.node('SequenceEmpty', [], { attributes: { dtype: 1 } });
    const first = builder.node('SequenceInsert', [none, 'x']);
    const two = builder.node('SequenceInsert', [first, negative, at(builder, 0)]);
    const three = builder.node('SequenceInsert', [two, negative]);
    const left = builder.node('SequenceErase', [three, at(builder, 0)]);
    const joined = builder.node('ConcatFromSequence', [left], { attributes: { axis: 0 } });
    const cotangent = [1, 2, 3, 4, 5, 6, 0, 1, 0, 1, 0, 1];
    assert.deepEqual(await gradient(builder, joined, cotangent), [1, 1, 3, 3, 5, 5]);
  });

  it('pass through splitting, whole, in equal parts and in given ones', async () => {
    for (const sizes of [undefined, int64Tensor([2], []), int64Tensor([1, 2], [2])]) {
      const builder = started();
      const operands = sizes === undefined ? ['x'] : ['x', builder.constant(sizes)];
      const parts = builder.node('SplitToSequence', operands, { attributes: { axis: 0 } });
      const last = builder.node('SequenceAt', [parts, at(builder, -1)]);
      const rows = sizes === undefined || sizes.dims.length === 0 ? 1 : 2;
      const found = await gradient(builder, last, [7, 8, 7, 8].slice(0, 2 * rows));
      assert.deepEqual(found, rows === 1 ? [0, 0, 0, 0, 7, 8] : [0, 0, 7, 8, 7, 8]);
    }
  });

  it('pass through a body that runs for every element', async () => {
    const builder = started();
    const sequence = builder.node('SequenceConstruct', ['x', builder.node('Neg', ['x'])]);
    const factors = builder.node('SequenceConstruct', [builder.scalar(3), builder.scalar(5)]);
    // Each element's square times its own factor, plus x, which the body captures, times a number that all share.
    const body = bodyGraph(
      { element: floatType(3, 2), factor: floatType(), shared: floatType() },
      (inner) => {
        const square = inner.node('Mul', ['element', 'element'], { outputs: ['square'] });
        const scaled = inner.node('Mul', [square, 'factor'], { outputs: ['scaled'] });
        const own = inner.node('Mul', ['x', 'shared'], { outputs: ['own'] });
        const one = inner.constant(float32Tensor([1], []), 'one');
        const sum = inner.node('Add', [scaled, own], { outputs: ['sum'] });
        return [sum, inner.node('Sub', ['element', one], { outputs: ['less'] })];
      },
    );
    const outputs = ['sums', 'differences'];
    builder.node('SequenceMap', [sequence, factors, builder.scalar(7)], { outputs, attributes: { body } });
    const joined = builder.node('ConcatFromSequence', ['sums'], { attributes: { axis: 0 } });
    const last = builder.node('SequenceAt', ['differences', at(builder, 1)]);
    const all = builder.node('Concat', [joined, last], { attributes: { axis: 0 } });
    const cotangent = [...[1, 1, 1, 1, 1, 1], ...[0, 1, 0, 1, 0, 1], ...[2, 2, 2, 2, 2, 2]];
    // d(3x² + 7x) + u·d(5x² + 7x) + 2·d(−x − 1)
    const x = [1, 2, 3, 4, 5, 6];
    const expected = x.map((value, i) => 6 * value + 7 + (i % 2) * (10 * value + 7) - 2);
    assert.deepEqual(await gradient(builder, all, cotangent), expected);
  });

  it('pass through optionals', async () => {
    const builder = started();
    const optional = builder.node('Optional', [builder.node('Mul', ['x', 'x'])]);
    const value = builder.node('OptionalGetElement', [optional]);
    assert.deepEqual(await gradient(builder, value, [1, 0, 1, 0, 1, 0]), [2, 0, 6, 0, 10, 0]);
  });
});
