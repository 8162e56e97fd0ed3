import assert from 'node:assert/strict';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { differentiate } from '../../../src/engine/gradients/differentiate.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { DataType } from '../../../src/onnx/dataTypes.js';
import { dataTypeFacts } from '../../../src/onnx/dataTypes.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { checkCase, type GradientCase } from '../../support/gradientCase.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

/** d⟨u, y⟩/dx of y = float32(3 · type(x)), by Cast or CastLike; every number in it is exact in all float types. */
async function throughType(type: DataType, like: boolean): Promise<number[]> {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N'));
  const code = dataTypeFacts(type).code;
  const three = builder.cast(builder.constant(float32Tensor([3], [])), code);
  const inner = like ? builder.node('CastLike', ['x', three]) : builder.cast('x', code);
  const product = builder.node('Mul', [inner, three]);
  const y = like ? builder.node('CastLike', [product, 'x']) : builder.cast(product, 1);
  builder.addInput('u', floatType('N'));
  const model = builder.build();
  const seeds = [{ value: y, cotangent: 'u' }];
  const { model: both, gradients } = differentiate(model, { seeds, wrt: ['x'], types: inferTypes(model) });
  const last = new GraphBuilder(both);
  last.setOutputs([gradients.get('x')!]);
  const session = await runtime.open(last.build());
  const feeds = { x: float32Tensor([1, -2, 0.5], [3]), u: float32Tensor([1, 0.25, -2], [3]) };
  const [gradient] = Object.values(await session.run(feeds));
  assert.equal(gradient!.dtype, 'float32');
  return Array.from(toFloat64(gradient!));
}

const low = float32Tensor([-0.6], []);
const high = float32Tensor([0.7], []);

type ClipCase = Pick<GradientCase, 'inputs'> & { readonly title: string };

const clips: readonly ClipCase[] = [
  { title: 'no bounds', inputs: [[3, 4]] },
  { title: 'a lower bound', inputs: [[3, 4], low] },
  { title: 'an upper bound', inputs: [[3, 4], '', high] },
  { title: 'both bounds', inputs: [[3, 4], low, high] },
  { title: 'both bounds, by them too', inputs: [[3, 4], { wrt: low }, { wrt: high }] },
  { title: 'bounds that crossed, where the upper one wins', inputs: [[3, 4], { wrt: high }, { wrt: low }] },
];

describe('gradients of casts', () => {
  for (const type of ['float16', 'float32', 'float64'] as const) {
    it(`go through ${type} and come back as float32`, async () => {
      assert.deepEqual(await throughType(type, false), [3, 0.75, -6]);
      assert.deepEqual(await throughType(type, true), [3, 0.75, -6]);
    });
  }
});

describe('gradients of Clip', () => {
  for (const { title, inputs } of clips) {
    it(`equal central differences with ${title}`, async () => {
      await checkCase({ op: 'Clip', inputs });
      await checkCase({ op: 'Clip', inputs, hidden: true });
    });
  }

  it('are 0 where an element is exactly at a bound', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType(5));
    builder.addInput('u', floatType(5));
    const y = builder.node('Clip', ['x', builder.scalar(0), builder.scalar(6)]);
    const types = inferTypes(builder.build());
    const seeds = [{ value: y, cotangent: 'u' }];
    const { model, gradients } = differentiate(builder.build(), { seeds, wrt: ['x'], types });
    const last = new GraphBuilder(model);
    last.setOutputs([gradients.get('x')!]);
    const session = await runtime.open(last.build());
    const u = float32Tensor([2, 2, 2, 2, 2], [5]);
    const [gradient] = Object.values(await session.run({ x: float32Tensor([-1, 0, 3, 6, 7], [5]), u }));
    assert.deepEqual(Array.from(toFloat64(gradient!)), [0, 0, 2, 0, 0]);
  });
});
