import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { measureBatchTypes, measureTypes, mergeTypes } from '../../../src/engine/runtime/measureTypes.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { dataTypeFacts } from '../../../src/onnx/dataTypes.js';
import type { Dimension, Model, ValueType } from '../../../src/onnx/model.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

/** `[batch, 6]` → cast, non-zero positions, `[2 · batch, 3]`. */
function smallModel(batch: Dimension): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', { kind: 'tensor', elementType: 'float32', shape: [batch, 6] });
  builder.node('Relu', ['x'], { outputs: ['positive'] });
  builder.node('NonZero', ['positive'], { outputs: ['where'] });
  builder.node('Cast', ['x'], { outputs: ['coarse'], attributes: { to: dataTypeFacts('bfloat16').code } });
  builder.node('Reshape', ['positive', builder.int64s([-1, 3])], { outputs: ['halves'] });
  builder.addOutput('halves', floatType('M', 3));
  builder.addOutput('where');
  return builder.build();
}

const feeds = { x: normalTensor(createRandom(1), [4, 6]) };

function shapeOf(
  types: ReadonlyMap<string, ValueType>,
  name: string,
): readonly Dimension[] | null | undefined {
  const type = types.get(name);
  return type?.kind === 'tensor' ? type.shape : undefined;
}

describe('measureTypes', () => {
  it('gives every value its shape in the run, also where no inference can', async () => {
    const types = await measureTypes(smallModel('N'), runtime, feeds);
    const positiveCount = Array.from(feeds.x.data, Number).filter((value) => value > 0).length;
    assert.deepEqual(shapeOf(types, 'where'), [2, positiveCount]);
    assert.deepEqual(shapeOf(types, 'x'), [4, 6]);
    assert.deepEqual(shapeOf(types, 'halves'), [8, 3]);
  });

  it('measures types that the runtime cannot return', async () => {
    const types = await measureTypes(smallModel('N'), runtime, feeds);
    assert.deepEqual(types.get('coarse'), { kind: 'tensor', elementType: 'bfloat16', shape: [4, 6] });
  });

  it('includes constants', async () => {
    const model = smallModel('N');
    const [constant] = model.graph.initializers.keys();
    assert.deepEqual(shapeOf(await measureTypes(model, runtime, feeds), constant ?? ''), [2]);
  });

  it('reads the type of an unknown operator off its value', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 6));
    // The runtime has this operator and no rule is written for it.
    const axis = builder.constant({ dtype: 'int32', dims: [1], data: Int32Array.of(1) });
    builder.node('ExpandDims', ['x', axis], { domain: 'com.microsoft', outputs: ['y'] });
    builder.addOutput('y');
    const model = {
      ...builder.build(),
      opsets: new Map([
        ['', 17],
        ['com.microsoft', 1],
      ]),
    };
    assert.deepEqual(shapeOf(await measureTypes(model, runtime, feeds), 'y'), [4, 1, 6]);
  });

  it('keeps the name of the batch axis and its multiples, and measures the rest', async () => {
    const { types, batch } = await measureBatchTypes(smallModel('N'), runtime, feeds);
    assert.equal(batch, 'N');
    assert.deepEqual(shapeOf(types, 'positive'), ['N', 6]);
    assert.deepEqual(shapeOf(types, 'halves'), ['2*N', 3]);
    assert.equal(typeof shapeOf(types, 'where')?.[1], 'number');
  });

  it('follows a batch axis without a name', async () => {
    const { types, batch } = await measureBatchTypes(smallModel(null), runtime, feeds);
    assert.equal(batch, '?0');
    assert.deepEqual(shapeOf(types, 'halves'), ['2*?0', 3]);
  });

  it('takes measured sizes over every other name', () => {
    const inferred = new Map<string, ValueType>([['a', floatType('N', 'T')]]);
    const measured = new Map<string, ValueType>([['a', floatType(4, 7)]]);
    assert.deepEqual(shapeOf(mergeTypes(inferred, measured, 'N'), 'a'), ['N', 7]);
    assert.deepEqual(shapeOf(mergeTypes(inferred, measured, undefined), 'a'), [4, 7]);
  });
});
