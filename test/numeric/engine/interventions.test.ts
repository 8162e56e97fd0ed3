import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import {
  activationSwapAt,
  interventionsAt,
  weightInterventionAt,
} from '../../../src/engine/interventions/atAddresses.js';
import {
  type ActivationFunction,
  activationFunctions,
} from '../../../src/engine/interventions/activationFunctions.js';
import type { Change } from '../../../src/engine/interventions/change.js';
import { runVariants } from '../../../src/engine/interventions/runVariants.js';
import { intervene, type Intervention } from '../../../src/engine/rewrites/intervene.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { inlineValue } from '../../../src/onnx/loadTensor.js';
import type { Model } from '../../../src/onnx/model.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { float32Tensor, int64Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { assertClose, chain, contextOf, runOnce } from '../../support/interventions.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

const x = normalTensor(createRandom(1), [4, 3, 5]);
const h = toFloat64(x).map((v) => Math.max(v, 0));
/** Sample, unit and position of a flat index of [4, 3, 5]. */
const placeOf = (i: number): [number, number, number] => [Math.floor(i / 15), Math.floor(i / 5) % 3, i % 5];

describe('changes', () => {
  const rows = [2, 0, 3, 1];
  const topK = (
    by: (v: number) => number,
    k: number,
    group: (i: number) => number,
    values: Float64Array,
  ): Float64Array =>
    values.map((v, i) => {
      const rivals = [...values.keys()].filter((j) => group(j) === group(i));
      const better = rivals.filter((j) => by(values[j]!) > by(v) || (by(values[j]!) === by(v) && j < i));
      return better.length < k ? v : 0;
    });
  const cases: [string, Change, (i: number) => number][] = [
    ['scale by a number', { kind: 'scale', factor: -2 }, (i) => -2 * h[i]!],
    [
      'scale by a number per unit',
      { kind: 'scale', factor: float32Tensor([1, 0.5, 3], [3, 1]) },
      (i) => [1, 0.5, 3][placeOf(i)[1]]! * h[i]!,
    ],
    [
      'clamp to both bounds',
      { kind: 'clamp', low: 0.25, high: 0.75 },
      (i) => Math.min(0.75, Math.max(0.25, h[i]!)),
    ],
    ['clamp from above', { kind: 'clamp', high: 0.5 }, (i) => Math.min(0.5, h[i]!)],
    ['clamp from below', { kind: 'clamp', low: 0.5 }, (i) => Math.max(0.5, h[i]!)],
    [
      'resample from other rows',
      { kind: 'resample', rows: int64Tensor(rows, [4]) },
      (i) => h[rows[placeOf(i)[0]]! * 15 + (i % 15)]!,
    ],
    [
      'keep the top 2 positions of each unit',
      { kind: 'keep-top-k', k: 2, axis: -1 },
      (i) =>
        topK(
          (v) => v,
          2,
          (j) => Math.floor(j / 5),
          h,
        )[i]!,
    ],
    [
      'keep the top unit at each position',
      { kind: 'keep-top-k', k: 1, axis: 1 },
      (i) =>
        topK(
          (v) => v,
          1,
          (j) => placeOf(j)[0] * 5 + placeOf(j)[2],
          h,
        )[i]!,
    ],
    [
      'keep the top 4 of a sample',
      { kind: 'keep-top-k', k: 4 },
      (i) =>
        topK(
          (v) => v,
          4,
          (j) => placeOf(j)[0],
          h,
        )[i]!,
    ],
    [
      'keep what is above a threshold, sizes by unit',
      { kind: 'keep-above', size: float32Tensor([1, 0.5, 2], [3, 1]), threshold: 0.4 },
      (i) => (Math.abs(h[i]!) * [1, 0.5, 2][placeOf(i)[1]]! > 0.4 ? h[i]! : 0),
    ],
    ['keep more than there are', { kind: 'keep-top-k', k: 99, axis: 1 }, (i) => h[i]!],
  ];
  for (const [name, change, expected] of cases) {
    it(`${name}, everywhere and at chosen places, in one run and among variants`, async () => {
      const where = [
        { axis: 1, indices: [0, 2] },
        { axis: 2, indices: [1, -1] },
      ];
      const everywhere: Intervention = { value: 'h', rank: 3, change };
      const somewhere: Intervention = { ...everywhere, where };
      const all = [...h.keys()].map((i) => -expected(i));
      const some = [...h.keys()].map((i) => {
        const [, unit, position] = placeOf(i);
        return -(unit !== 1 && (position === 1 || position === 4) ? expected(i) : h[i]!);
      });
      assertClose((await runOnce(intervene(chain(), [everywhere]), { x }))['y']!, all, name);
      assertClose((await runOnce(intervene(chain(), [somewhere]), { x }))['y']!, some, name);
      const variants = [[everywhere], [], [somewhere]];
      const batched = await runVariants(runtime, chain(), {
        variants,
        types: inferTypes(chain()),
        feeds: { x },
      });
      assert.equal(batched.how.kind, 'batched');
      assertClose(batched.outputs[0]!['y']!, all, name);
      assertClose(
        batched.outputs[1]!['y']!,
        h.map((v) => -v),
        name,
      );
      assertClose(batched.outputs[2]!['y']!, some, name);
    });
  }

  it('keeps the top k by magnitude, the first of equal ones', async () => {
    const change: Change = { kind: 'keep-top-k', k: 2, axis: 1, by: 'magnitude' };
    const model = intervene(chain(), [{ value: 'y', rank: 3, change }]);
    const input = float32Tensor([3, 1, 3], [1, 3, 1]);
    assert.deepEqual([...toFloat64((await runOnce(model, { x: input }))['y']!)], [-3, 0, -3]);
    const ties = float32Tensor([2, 2, 2], [1, 3, 1]);
    assert.deepEqual([...toFloat64((await runOnce(model, { x: ties }))['y']!)], [-2, -2, 0]);
  });

  it('resamples by rows that are fed with the run', async () => {
    const input = { input: 'rows', type: { kind: 'tensor', elementType: 'int64', shape: ['N'] } } as const;
    const model = intervene(chain(), [{ value: 'h', rank: 3, change: { kind: 'resample', rows: input } }]);
    const { y } = await runOnce(model, { x, rows: int64Tensor(rows, [4]) });
    assertClose(
      y!,
      h.map((_, i) => -h[rows[placeOf(i)[0]]! * 15 + (i % 15)]!),
      'rows',
    );
  });

  const functions: Record<ActivationFunction, (v: number) => number> = {
    identity: (v) => v,
    relu: (v) => Math.max(v, 0),
    relu6: (v) => Math.min(Math.max(v, 0), 6),
    'leaky-relu': (v) => (v > 0 ? v : 0.01 * v),
    elu: (v) => (v > 0 ? v : Math.expm1(v)),
    selu: (v) => 1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * Math.expm1(v)),
    softplus: (v) => Math.log1p(Math.exp(v)),
    sigmoid: (v) => 1 / (1 + Math.exp(-v)),
    tanh: Math.tanh,
    softsign: (v) => v / (1 + Math.abs(v)),
    'hard-sigmoid': (v) => Math.min(1, Math.max(0, v / 6 + 0.5)),
    'hard-swish': (v) => v * Math.min(1, Math.max(0, v / 6 + 0.5)),
    silu: (v) => v / (1 + Math.exp(-v)),
    mish: (v) => v * Math.tanh(Math.log1p(Math.exp(v))),
    gelu: (v) => 0.5 * v * (1 + erf(v / Math.SQRT2)),
    'gelu-tanh': (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
    square: (v) => v * v,
    abs: Math.abs,
  };

  /** ∫ 2/√π·e^(−t²) by Simpson's rule, for |v| of a few. */
  function erf(v: number): number {
    const count = 2000;
    const step = v / count;
    let sum = 1 + Math.exp(-v * v);
    for (let i = 1; i < count; i++) sum += (i % 2 === 1 ? 4 : 2) * Math.exp(-((i * step) ** 2));
    return (sum * step * 2) / (3 * Math.sqrt(Math.PI));
  }

  /** The chain behind a convolution that changes nothing, so that the activation has units. */
  function activated(): Model {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 3, 'T'));
    const weight = builder.constant(float32Tensor([1, 0, 0, 0, 1, 0, 0, 0, 1], [3, 3, 1]), 'conv.weight');
    builder.node('Conv', ['x', weight], { outputs: ['c'], name: '/conv/Conv' });
    builder.node('Relu', ['c'], { outputs: ['h'], name: '/act/Relu' });
    builder.addOutput(builder.node('Neg', ['h'], { outputs: ['y'] }), floatType('N', 3, 'T'));
    return builder.build();
  }

  it('puts every activation function in the place of another, at the addressed units alone', async () => {
    const model = activated();
    const context = contextOf(model);
    for (const name of Object.keys(activationFunctions) as ActivationFunction[]) {
      const everywhere = await runOnce(intervene(model, activationSwapAt('act', name, context)), { x });
      assertClose(
        everywhere['y']!,
        toFloat64(x).map((v) => -functions[name](v)),
        name,
      );
      const swap = activationSwapAt('act[1]@-1', name, context);
      const { y } = await runOnce(intervene(model, swap), { x });
      const expected = toFloat64(x).map((v, i) => {
        const [, unit, position] = placeOf(i);
        return -(unit === 1 && position === 4 ? functions[name](v) : h[i]!);
      });
      assertClose(y!, expected, name);
    }
  });
});

/** 4 → 6 → 5 → 3 with ReLUs, in float64, with hidden values edited on the way. */
function denseByHand(
  model: Model,
  input: TensorValue,
  edit: (layer: number, row: number[], sample: number) => number[] = (_, row) => row,
  weights: (name: string) => Float64Array = (name) => weightOf(model, name),
): number[] {
  const sizes = [4, 6, 5, 3];
  const values = toFloat64(input);
  return Array.from({ length: input.dims[0]! }, (_, n) => {
    let row = [...values.subarray(n * 4, n * 4 + 4)];
    for (let layer = 1; layer < sizes.length; layer++) {
      const [from, to] = [sizes[layer - 1]!, sizes[layer]!];
      const weight = weights(`fc${layer}.weight`);
      const bias = weights(`fc${layer}.bias`);
      row = Array.from({ length: to }, (__, u) =>
        row.reduce((sum, v, i) => sum + v * weight[i * to + u]!, bias[u]!),
      );
      assert.equal(row.length * from, weight.length);
      if (layer < sizes.length - 1) {
        row = edit(
          layer,
          row.map((v) => Math.max(v, 0)),
          n,
        );
      }
    }
    return row;
  }).flat();
}

function weightOf(model: Model, name: string): Float64Array {
  return toFloat64(inlineValue(model.graph.initializers.get(name)!)!);
}

describe('interventions at addresses', () => {
  const model = denseModel([4, 6, 5, 3]);
  const context = contextOf(model);
  const input = normalTensor(createRandom(8), [7, 4]);

  it('change units of several layers at once, as a plain network does', async () => {
    const changes = [
      ...interventionsAt(['act1[0]', 'act1[4]', 'act2[2]'], { kind: 'zero' }, context),
      ...interventionsAt(
        ['act1[3]'],
        { kind: 'add', direction: float32Tensor([2], []), scale: 0.5 },
        context,
      ),
    ];
    const { logits } = await runOnce(intervene(model, changes), { x: input });
    const expected = denseByHand(model, input, (layer, row) =>
      row.map((v, u) => {
        if (layer === 1 && u === 3) return v + 1;
        return (layer === 1 && (u === 0 || u === 4)) || (layer === 2 && u === 2) ? 0 : v;
      }),
    );
    assertClose(logits!, expected, 'zeroed');
  });

  it('count an element once, however many addresses it is in', async () => {
    const change: Change = { kind: 'scale', factor: 3 };
    const changes = interventionsAt(['act1[2]', 'act1[2]', 'act1[5]'], change, context);
    assert.equal(changes.length, 1);
    const { logits } = await runOnce(intervene(model, changes), { x: input });
    const expected = denseByHand(model, input, (layer, row) =>
      row.map((v, u) => (layer === 1 && (u === 2 || u === 5) ? 3 * v : v)),
    );
    assertClose(logits!, expected, 'scaled');
    const whole = interventionsAt(['act1', 'act1[5]'], change, context);
    const all = await runOnce(intervene(model, whole), { x: input });
    assertClose(
      all['logits']!,
      denseByHand(model, input, (layer, row) => row.map((v) => (layer === 1 ? 3 * v : v))),
      'whole',
    );
  });

  it("patch another input's activation into a run", async () => {
    const other = normalTensor(createRandom(9), [7, 4]);
    const seen: number[][] = [];
    denseByHand(model, other, (layer, row) => {
      if (layer === 1) seen.push(row);
      return row;
    });
    const by = { input: 'patch', type: floatType('N', 6) };
    const changes = interventionsAt(['act1[1]', 'act1[2]'], { kind: 'replace', by }, context);
    const patch = float32Tensor(seen.flat(), [7, 6]);
    const { logits } = await runOnce(intervene(model, changes), { x: input, patch });
    const expected = denseByHand(model, input, (layer, row, n) =>
      row.map((v, u) => (layer === 1 && (u === 1 || u === 2) ? seen[n]![u]! : v)),
    );
    assertClose(logits!, expected, 'patched');
  });

  it('change the weights of a unit, and swap a whole weight without a node', async () => {
    const zeroed = weightInterventionAt('fc2[3]', { kind: 'zero' }, context);
    const withZero = (name: string): Float64Array =>
      weightOf(model, name).map((v, i) => (name === 'fc2.weight' && i % 5 === 3 ? 0 : v));
    const one = await runOnce(intervene(model, [zeroed]), { x: input });
    assertClose(one['logits']!, denseByHand(model, input, undefined, withZero), 'zeroed weights');
    // The activation's unit has the same weights.
    assert.deepEqual(weightInterventionAt('act2[3]', { kind: 'zero' }, context), zeroed);
    const by = normalTensor(createRandom(4), [6, 5]);
    const swapped = intervene(model, [weightInterventionAt('fc2', { kind: 'replace', by }, context)]);
    assert.deepEqual(swapped.graph.nodes, model.graph.nodes);
    const other = (name: string): Float64Array =>
      name === 'fc2.weight' ? toFloat64(by) : weightOf(model, name);
    assertClose(
      (await runOnce(swapped, { x: input }))['logits']!,
      denseByHand(model, input, undefined, other),
      'swapped',
    );
    assert.throws(
      () =>
        intervene(model, [
          weightInterventionAt(
            'fc2',
            { kind: 'replace', by: normalTensor(createRandom(4), [5, 6]) },
            context,
          ),
        ]),
      /\[6, 5\]/,
    );
  });

  it('do what an edit of the weights behind a unit does', async () => {
    // What leaves act1 enters row u of fc2: no activation in a row there is the same as a zero row, and so on.
    const edited = (edit: (value: number) => number): Model => {
      const by = float32Tensor(
        [...weightOf(model, 'fc2.weight')].map((value, i) => (Math.floor(i / 5) === 2 ? edit(value) : value)),
        [6, 5],
      );
      const bytes = new Uint8Array((by.data as Float32Array).buffer);
      const initializers = new Map(model.graph.initializers);
      const old = initializers.get('fc2.weight')!;
      initializers.set('fc2.weight', { ...old, source: { kind: 'inline', bytes } });
      return { ...model, graph: { ...model.graph, initializers } };
    };
    for (const [change, edit] of [
      [{ kind: 'zero' }, () => 0],
      [{ kind: 'scale', factor: -1.5 }, (value) => -1.5 * value],
    ] as [Change, (value: number) => number][]) {
      const byHand = await runOnce(edited(edit), { x: input });
      const changed = await runOnce(intervene(model, interventionsAt(['act1[2]'], change, context)), {
        x: input,
      });
      assertClose(changed['logits']!, toFloat64(byHand['logits']!), change.kind);
    }
  });

  it('apply in their order, on inputs and weights too', async () => {
    const add: Change = { kind: 'add', direction: float32Tensor([1], []) };
    const double: Change = { kind: 'scale', factor: 2 };
    for (const value of ['x', 'h', 'y']) {
      const of = (change: Change): Intervention => ({ value, rank: 3, change });
      const first = await runOnce(intervene(chain(), [of(add), of(double)]), { x });
      const second = await runOnce(intervene(chain(), [of(double), of(add)]), { x });
      const edits: Record<string, (edit: (v: number) => number) => Float64Array> = {
        x: (edit) => toFloat64(x).map((v) => -Math.max(0, edit(v))),
        h: (edit) => h.map((v) => -edit(v)),
        y: (edit) => h.map((v) => edit(-v)),
      };
      assertClose(
        first['y']!,
        edits[value]!((v) => (v + 1) * 2),
        value,
      );
      assertClose(
        second['y']!,
        edits[value]!((v) => v * 2 + 1),
        value,
      );
    }
    const bias = (change: Change): Intervention => ({ value: 'fc1.bias', rank: 1, change });
    const { logits } = await runOnce(intervene(model, [bias(add), bias(double)]), { x: input });
    const changed = (name: string): Float64Array =>
      weightOf(model, name).map((v) => (name === 'fc1.bias' ? (v + 1) * 2 : v));
    assertClose(logits!, denseByHand(model, input, undefined, changed), 'bias');
  });

  it('say why nothing can be changed', () => {
    assert.throws(() => activationSwapAt('fc1', 'tanh', context), { code: 'cannot-intervene' });
    assert.throws(() => interventionsAt(['act1[0]'], { kind: 'zero' }, { ...context, types: new Map() }), {
      code: 'cannot-intervene',
    });
    assert.throws(() => interventionsAt(['act1[6]'], { kind: 'zero' }, context), {
      code: 'unit-out-of-range',
    });
  });
});
