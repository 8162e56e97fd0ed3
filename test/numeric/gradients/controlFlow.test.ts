import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { differentiate } from '../../../src/engine/gradients/differentiate.js';
import { hessianProduct } from '../../../src/engine/gradients/hessianProduct.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { verify } from '../../../src/engine/graph/verify.js';
import type { Model } from '../../../src/onnx/model.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { int64Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import {
  bodyGraph,
  conditionalModel,
  loopModel,
  nestedModel,
  scanModel,
  tensorType,
  trip,
} from '../../support/controlFlowModels.js';
import { caseRuntime } from '../../support/gradientCase.js';
import { emptyModel } from '../../support/modelBuilder.js';
import { checkDerivatives } from '../../support/secondOrderCase.js';
import { isCode } from '../../support/tensors.js';

interface Point {
  readonly wrt: Readonly<Record<string, readonly number[]>>;
  readonly fixed?: Readonly<Record<string, TensorValue>>;
}

const int = (value: number): TensorValue => int64Tensor([value], []);
const flag = (value: boolean): TensorValue => ({
  dtype: 'bool',
  dims: [],
  data: Uint8Array.of(value ? 1 : 0),
});

/** Reverse mode, forward mode and second order in float64, by every operand. */
async function check(model: Model, { wrt, fixed = {} }: Point, seed = 11): Promise<void> {
  const random = createRandom(seed);
  const feeds: Record<string, TensorValue> = { ...fixed };
  for (const [name, dims] of Object.entries(wrt)) {
    const data = new Float64Array(dims.reduce((a, b) => a * b, 1)).map(() => random.normal() * 0.7);
    feeds[name] = { dtype: 'float64', dims, data };
  }
  const graphs = {
    model,
    feeds,
    wrt: Object.keys(wrt),
    outputs: model.graph.outputs.map((output) => output.name),
    types: inferTypes(model, { keepsUnnamed: true }),
    type: 'float64',
  } as const;
  await checkDerivatives(graphs, random, model.graph.nodes[0]!.opType);
}

describe('derivatives through If', () => {
  const wrt = { x: [2, 3], w: [3, 3], b: [3] };
  for (const value of [true, false]) {
    it(`equal differences in the ${value ? 'then' : 'else'} branch`, async () => {
      await check(conditionalModel(), { wrt, fixed: { flag: flag(value) } });
    });
  }

  it('are 0 by what only the branch not taken captures', async () => {
    await check(conditionalModel(), {
      wrt: { b: [3] },
      fixed: { flag: flag(false), x: double([2, 3]), w: double([3, 3]) },
    });
  });
});

function double(dims: readonly number[]): TensorValue {
  const random = createRandom(3);
  const data = new Float64Array(dims.reduce((a, b) => a * b, 1)).map(() => random.normal());
  return { dtype: 'float64', dims, data };
}

describe('derivatives through Loop', () => {
  const wrt = { x: [2, 3], h0: [2, 3], w: [3, 3] };
  for (const count of [1, 4]) {
    it(`equal differences with ${count} iterations`, async () => {
      await check(loopModel('count'), { wrt, fixed: { count: int(count), limit: int(0) } });
    });
  }

  it('equal differences where a condition ends it', async () => {
    await check(loopModel('condition'), { wrt, fixed: { count: int(0), limit: int(3) } });
  });

  it('are those of the initial values when there is no iteration', async () => {
    await check(loopModel('count'), { wrt, fixed: { count: int(0), limit: int(0) } });
  });

  it('equal differences with an If inside', async () => {
    await check(nestedModel(), { wrt: { x: [2, 3], w: [3, 3] }, fixed: { count: int(5) } });
  });
});

describe('gradients through a Loop whose carried value changes its shape', () => {
  for (const measured of [false, true]) {
    it(`equal differences where ${measured ? 'measured' : 'inferred'} types show it`, async () => {
      const model = growingModel();
      const random = createRandom(5);
      const feeds: Record<string, TensorValue> = { count: int(3) };
      for (const [name, dims] of [
        ['h0', [1, 2]],
        ['w', [2, 2]],
      ] as const) {
        const data = new Float64Array(dims[0] * dims[1]).map(() => random.normal());
        feeds[name] = { dtype: 'float64', dims, data };
      }
      const types = new Map(inferTypes(model, { keepsUnnamed: true }));
      if (measured) types.set('last', tensorType('float64', 4, 2));
      const dims = { last_bar: [4, 2], all_bar: [3, 2] };
      const builder = new GraphBuilder(model);
      const seeds = ['last', 'all'].map((value) => {
        const name = `${value}_bar` as keyof typeof dims;
        const data = new Float64Array(dims[name][0]! * dims[name][1]!).map(() => random.normal());
        feeds[builder.addInput(name, tensorType('float64', `${name}_rows`, 2))] = {
          dtype: 'float64',
          dims: dims[name],
          data,
        };
        return { value, cotangent: name };
      });
      const { model: both, gradients } = differentiate(builder.build(), { seeds, wrt: ['h0', 'w'], types });
      const last = new GraphBuilder(both);
      const names = ['h0', 'w'].map((name) =>
        last.node('Identity', [gradients.get(name)!], { outputs: [`d_${name}`] }),
      );
      last.setOutputs([...names, 'last', 'all']);
      verify(last.build());
      const session = await caseRuntime.open(last.build());
      const found = await session.run(feeds);
      for (const name of ['h0', 'w']) {
        const at = toFloat64(feeds[name]!);
        for (let i = 0; i < at.length; i++) {
          const loss = async (by: number): Promise<number> => {
            const data = at.map((value, k) => (k === i ? value + by : value));
            const moved = { ...feeds, [name]: { ...feeds[name]!, data } };
            const results = await session.run(moved, ['last', 'all']);
            return ['last', 'all'].reduce((sum, value) => {
              const u = toFloat64(feeds[`${value}_bar`]!);
              return sum + toFloat64(results[value]!).reduce((total, y, k) => total + y * u[k]!, 0);
            }, 0);
          };
          const slope = ((await loss(1e-5)) - (await loss(-1e-5))) / 2e-5;
          const ours = toFloat64(found[`d_${name}`]!)[i]!;
          assert.ok(
            Math.abs(ours - slope) <= 1e-6 * Math.max(1, Math.abs(slope)),
            `d_${name}[${i}]: ${ours}, not ${slope}`,
          );
        }
      }
      // Without an iteration the cotangent of the last value is that of the first.
      const none: Record<string, TensorValue> = { ...feeds, count: int(0) };
      none['last_bar'] = { dtype: 'float64', dims: [1, 2], data: Float64Array.of(3, -4) };
      none['all_bar'] = { dtype: 'float64', dims: [0, 2], data: new Float64Array() };
      const passed = await session.run(none);
      assert.deepEqual([...toFloat64(passed['d_h0']!)], [3, -4]);
      assert.deepEqual([...toFloat64(passed['d_w']!)], [0, 0, 0, 0]);
    });
  }
});

describe('second order through a Loop whose carried value changes its shape', () => {
  it('is refused', () => {
    const builder = new GraphBuilder(growingModel());
    builder.addInput('u', tensorType('float64', 'R', 2));
    for (const name of ['h0', 'w']) {
      builder.addInput(`v_${name}`, tensorType('float64', name === 'w' ? 2 : 1, 2));
    }
    const model = builder.build();
    const request = {
      seeds: [{ value: 'last', cotangent: 'u' }],
      directions: ['h0', 'w'].map((value) => ({ value, tangent: `v_${value}` })),
      types: inferTypes(model, { keepsUnnamed: true }),
    };
    assert.throws(() => hessianProduct(model, request), isCode('gradient-form-unsupported'));
  });
});

/** h ← [h; tanh(mean(h)·w)]: a row longer in every iteration; the new rows are a stack too. */
function growingModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('h0', tensorType('float64', 1, 2));
  builder.addInput('w', tensorType('float64', 2, 2));
  builder.addInput('count', tensorType('int64'));
  const h = { kind: 'tensor', elementType: 'float64', shape: [null, 2] } as const;
  const body = bodyGraph({ ...trip, h }, (inner) => {
    const mean = inner.node('ReduceMean', ['h'], {
      outputs: ['mean'],
      attributes: { axes: [0], keepdims: 1 },
    });
    const row = inner.node('Tanh', [inner.node('MatMul', [mean, 'w'], { outputs: ['product'] })], {
      outputs: ['row'],
    });
    const next = inner.node('Concat', ['h', row], { outputs: ['next'], attributes: { axis: 0 } });
    const flat = inner.node('Squeeze', [row, inner.int64s([0])], { outputs: ['flat'] });
    return [inner.node('Identity', ['go'], { outputs: ['on'] }), next, flat];
  });
  builder.node('Loop', ['count', '', 'h0'], { outputs: ['last', 'all'], attributes: { body }, name: 'loop' });
  builder.addOutput('last');
  builder.addOutput('all');
  return builder.build();
}

describe('derivatives through Scan', () => {
  for (const axis of [0, 1]) {
    for (const direction of [0, 1]) {
      it(`equal differences along axis ${axis}, ${direction === 0 ? 'forwards' : 'backwards'}`, async () => {
        const x = axis === 0 ? [4, 2, 3] : [2, 4, 3];
        await check(scanModel({ axis, direction }), { wrt: { x, h0: [2, 3], w: [3, 3], s0: [2, 3] } });
      });
    }
  }
});
