import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { verify } from '../../../src/engine/graph/verify.js';
import { interventionsAt } from '../../../src/engine/interventions/atAddresses.js';
import { intervene } from '../../../src/engine/rewrites/intervene.js';
import { appendCount, appendReduction } from '../../../src/engine/rewrites/reduce.js';
import { tap, type TappedModel } from '../../../src/engine/rewrites/tap.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import { layersOf } from '../../../src/onnx/layers/layerTable.js';
import type { Model } from '../../../src/onnx/model.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { float32Tensor, int64Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import {
  bodyGraph,
  conditionalModel,
  loopModel,
  nestedModel,
  scanModel,
  tensorType,
} from '../../support/controlFlowModels.js';
import { emptyModel } from '../../support/modelBuilder.js';
import { isCode } from '../../support/tensors.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

async function run(model: Model, feeds: Feeds): Promise<Feeds> {
  verify(model);
  const session = await runtime.open(model);
  return session.run(feeds);
}

/** Taps a value and returns it with its count. */
async function read(
  model: Model,
  value: string,
  feeds: Feeds,
): Promise<{ value: TensorValue; count: number; outputs: Feeds }> {
  const tapped: TappedModel = tap(model, [value], inferTypes(model));
  const outputs = await run(tapped.model, feeds);
  const count = outputs[tapped.counts.get(value)!]!;
  return { value: outputs[tapped.outputs.get(value)!]!, count: Number(count.data[0]), outputs };
}

const random = createRandom(7);
function double(...dims: number[]): TensorValue {
  const data = new Float64Array(dims.reduce((a, b) => a * b, 1)).map(() => random.normal());
  return { dtype: 'float64', dims, data };
}
const int = (value: number): TensorValue => int64Tensor([value], []);
const flag = (value: boolean): TensorValue => ({
  dtype: 'bool',
  dims: [],
  data: Uint8Array.of(value ? 1 : 0),
});

function assertEqual(actual: TensorValue, expected: ArrayLike<number>, tolerance = 1e-12): void {
  const ours = toFloat64(actual);
  assert.equal(ours.length, expected.length);
  ours.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) <= tolerance, `element ${i}: ${value}, not ${expected[i]!}`);
  });
}

/** h after every iteration of h ← tanh((change(h))·w + x), by hand. */
function byHand(
  { x, h0, w }: Readonly<Record<'x' | 'h0' | 'w', TensorValue>>,
  count: number,
  change: (pre: number, index: number) => number = (pre) => pre,
): number[][] {
  const [rows, size] = [x.dims[0]!, x.dims[1]!];
  let h = [...toFloat64(h0)];
  const states: number[][] = [];
  for (let t = 0; t < count; t++) {
    h = h.map((_, flat) => {
      const [row, column] = [Math.floor(flat / size), flat % size];
      let sum = Number(x.data[row * size + column]);
      for (let k = 0; k < size; k++) sum += h[row * size + k]! * Number(w.data[k * size + column]);
      return Math.tanh(change(sum, flat));
    });
    assert.equal(h.length, rows * size);
    states.push(h);
  }
  return states;
}

describe('a tap inside a Loop', () => {
  it('gives the value of every iteration, and how many there were', async () => {
    const weights = { x: double(2, 3), h0: double(2, 3), w: double(3, 3) };
    const feeds = { ...weights, count: int(4), limit: int(0) };
    const { value, count } = await read(loopModel('count'), 'next', feeds);
    assert.deepEqual(value.dims, [4, 2, 3]);
    assert.equal(count, 4);
    assertEqual(value, byHand(weights, 4).flat());
  });

  it('counts the iterations of a Loop that ends by itself, and changes nothing', async () => {
    const weights = { x: double(2, 3), h0: double(2, 3), w: double(3, 3) };
    const feeds = { ...weights, count: int(0), limit: int(2) };
    const plain = await run(loopModel('condition'), feeds);
    const { value, count, outputs } = await read(loopModel('condition'), 'h', feeds);
    assert.equal(count, 3);
    assert.deepEqual(value.dims, [3, 2, 3]);
    assert.deepEqual(toFloat64(value).slice(0, 6), toFloat64(weights.h0));
    for (const name of ['last', 'all']) assert.deepEqual(outputs[name], plain[name]);
  });
});

describe('a tap inside a Scan', () => {
  for (const axis of [0, 1]) {
    it(`gives the iterations first, whatever its axes (${axis})`, async () => {
      const x = axis === 0 ? double(4, 2, 3) : double(2, 4, 3);
      const feeds = { x, h0: double(2, 3), w: double(3, 3), s0: double(2, 3) };
      const { value, count, outputs } = await read(scanModel({ axis, direction: 1 }), 'next', feeds);
      assert.deepEqual(value.dims, [4, 2, 3]);
      assert.equal(count, 4);
      assert.deepEqual(toFloat64(value).slice(18), toFloat64(outputs['last']!));
    });
  }
});

describe('a tap inside an If', () => {
  const feeds = { x: double(2, 3), w: double(3, 3), b: double(3) };

  it('gives the value of the branch taken', async () => {
    const { value, count, outputs } = await read(conditionalModel(), 'sum', { ...feeds, flag: flag(true) });
    assert.equal(count, 1);
    assertEqual(outputs['y']!, toFloat64(value).map(Math.tanh));
  });

  it('gives no elements and count 0 for the branch not taken', async () => {
    const { value, count, outputs } = await read(conditionalModel(), 'sum', { ...feeds, flag: flag(false) });
    const plain = await run(conditionalModel(), { ...feeds, flag: flag(false) });
    assert.equal(count, 0);
    assert.equal(value.data.length, 0);
    assert.deepEqual(outputs['y'], plain['y']);
  });

  for (const rows of [2, 'N']) {
    it(`inside a Loop holds zeros in iterations that take the other branch, and counts the others: ${rows} rows`, async () => {
      const inside = { x: double(2, 3), w: double(3, 3), count: int(5) };
      const { value, count } = await read(nestedModel(rows), 'evenSum', inside);
      assert.deepEqual(value.dims, [5, 2, 3]);
      assert.equal(count, 3);
      const numbers = toFloat64(value);
      for (let t = 0; t < 5; t++) {
        const isZero = numbers.slice(t * 6, t * 6 + 6).every((number) => number === 0);
        assert.equal(isZero, t % 2 === 1);
      }
    });
  }

  it('inside a Loop is refused where a size is no input’s and not known', () => {
    const types = new Map(inferTypes(nestedModel('N')));
    types.set('evenSum', tensorType('float64', 'elsewhere', 3));
    assert.throws(() => tap(nestedModel('N'), ['evenSum'], types), isCode('tap-in-body'));
  });
});

describe('statistics of a tapped value', () => {
  /** Maximum, sum and number of elements above 0, over everything. */
  async function statisticsOf(value: string, feeds: Feeds): Promise<number[]> {
    const model = value === 'sum' ? conditionalModel() : loopModel('count');
    const tapped = tap(model, [value], inferTypes(model));
    const builder = new GraphBuilder(tapped.model);
    const carrier = builder.cast(tapped.outputs.get(value)!, 1);
    const reduction = { value: carrier, axes: value === 'sum' ? [0, 1] : [0, 1, 2] };
    const names = [
      appendReduction(builder, 'maximum', reduction),
      appendReduction(builder, 'sum', reduction),
      appendCount(builder, { kind: 'greater', bound: builder.scalar(0) }, reduction),
    ];
    builder.setOutputs(names);
    const outputs = await run(builder.build(), feeds);
    return names.map((name) => Number(outputs[name]!.data[0]));
  }

  it('are over all iterations of a Loop', async () => {
    const weights = { x: double(2, 3), h0: double(2, 3), w: double(3, 3) };
    const states = byHand(weights, 4).flat();
    const [maximum, sum, above] = await statisticsOf('next', { ...weights, count: int(4), limit: int(0) });
    assert.ok(Math.abs(maximum! - Math.max(...states)) < 1e-6);
    assert.ok(Math.abs(sum! - states.reduce((a, b) => a + b, 0)) < 1e-5);
    assert.equal(above, states.filter((state) => state > 0).length);
  });

  it('are those of no elements for a branch that was not taken', async () => {
    const feeds = { x: double(2, 3), w: double(3, 3), b: double(3), flag: flag(false) };
    assert.deepEqual(await statisticsOf('sum', feeds), [-Infinity, 0, 0]);
  });
});

describe('a tap that cannot be honest', () => {
  it('is refused where the type of what a branch does not make is not known', () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', tensorType('float32', 2));
    builder.addInput('flag', tensorType('bool'));
    const branch = (name: string): ReturnType<typeof bodyGraph> =>
      bodyGraph({}, (inner) => [inner.node('Neg', ['x'], { outputs: [name] })]);
    const attributes = { then_branch: branch('a'), else_branch: branch('b') };
    builder.node('If', ['flag'], { outputs: ['y'], attributes });
    assert.throws(() => tap(builder.build(), ['a']), isCode('tap-in-body'));
  });
});

describe('an intervention inside a body', () => {
  const weights = { x: double(2, 3), h0: double(2, 3), w: double(3, 3) };
  const feeds = { ...weights, count: int(3), limit: int(0) };

  it('changes the value in every iteration', async () => {
    const model = intervene(loopModel('count'), [
      { value: 'hwx', rank: 2, change: { kind: 'zero' }, where: [{ axis: 1, indices: [-1] }] },
    ]);
    const expected = byHand(weights, 3, (pre, index) => (index % 3 === 2 ? 0 : pre));
    assertEqual((await run(model, feeds))['last']!, expected[2]!);
  });

  it('finds the layer at its address', async () => {
    const model = loopModel('count');
    const types = inferTypes(model);
    const context = { model, types, table: layersOf(model, types) };
    const changed = intervene(model, interventionsAt(['tanh_0'], { kind: 'scale', factor: 0.5 }, context));
    const expected = byHand(weights, 3, (pre) => pre);
    const halved = (await run(changed, feeds))['last']!;
    // h ← ½·tanh(h·w + x), worked out from the loop's own equation.
    let h = toFloat64(weights.h0);
    const [w, x] = [toFloat64(weights.w), toFloat64(weights.x)];
    for (let step = 0; step < 3; step++) {
      const next = new Float64Array(h.length);
      for (let i = 0; i < h.length; i++) {
        const row = Math.floor(i / 3) * 3;
        let sum = x[i]!;
        for (let k = 0; k < 3; k++) sum += h[row + k]! * w[k * 3 + (i % 3)]!;
        next[i] = Math.tanh(sum) / 2;
      }
      h = next;
    }
    assertEqual(halved, h);
    assert.notDeepEqual([...toFloat64(halved)], [...expected[2]!]);
  });

  it('is refused at an address whose value several bodies make', () => {
    const branch = bodyGraph({}, (inner) => [inner.node('Tanh', ['x'], { outputs: ['same'] })]);
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', tensorType('float32', 2, 3));
    builder.addInput('flag', tensorType('bool'));
    const attributes = { then_branch: branch, else_branch: branch };
    builder.node('If', ['flag'], { outputs: ['y'], attributes });
    builder.addOutput('y');
    const model = builder.build();
    const types = inferTypes(model);
    const context = { model, types, table: layersOf(model, types) };
    const [layer] = context.table.layers;
    assert.throws(
      () => interventionsAt([layer!.name], { kind: 'zero' }, context),
      isCode('cannot-intervene'),
    );
  });

  it('changes a carried value where the body reads it', async () => {
    const model = intervene(loopModel('count'), [{ value: 'h', rank: 2, change: { kind: 'zero' } }]);
    // Without h, every iteration gives tanh(x).
    assertEqual((await run(model, feeds))['last']!, toFloat64(weights.x).map(Math.tanh));
  });

  it('takes what replaces the value from an input of the model', async () => {
    const change = { kind: 'replace', by: { input: 'patch', type: tensorType('float64', 2, 3) } } as const;
    const model = intervene(conditionalModel(), [{ value: 'sum', rank: 2, change }]);
    const patch = double(2, 3);
    const given = { x: double(2, 3), w: double(3, 3), b: double(3), flag: flag(true), patch };
    assertEqual((await run(model, given))['y']!, toFloat64(patch).map(Math.tanh));
  });

  it('adds a direction in the branch that makes the value', async () => {
    const direction = float32Tensor([1, 2, -1], [3]);
    const model = intervene(conditionalModel(), [
      { value: 'sum', rank: 2, change: { kind: 'add', direction } },
    ]);
    const given = { x: double(2, 3), w: double(3, 3), b: double(3), flag: flag(true) };
    const { value } = await read(conditionalModel(), 'sum', given);
    const expected = toFloat64(value).map((number, i) => Math.tanh(number + Number(direction.data[i % 3])));
    assertEqual((await run(model, given))['y']!, expected);
  });
});
