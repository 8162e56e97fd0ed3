import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { verify } from '../../../src/engine/graph/verify.js';
import type { Change } from '../../../src/engine/interventions/change.js';
import { intervene } from '../../../src/engine/rewrites/intervene.js';
import { prune } from '../../../src/engine/rewrites/prune.js';
import { appendCount, appendReduction } from '../../../src/engine/rewrites/reduce.js';
import { tap } from '../../../src/engine/rewrites/tap.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { Graph, Model } from '../../../src/onnx/model.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { recount } from '../../support/recount.js';

const runtime = createRuntime({ provider: 'cpu' });

async function run(model: Model, feeds: Feeds): Promise<Record<string, TensorValue>> {
  verify(model);
  const session = await runtime.open(model);
  const outputs = await session.run(feeds);
  await session.close();
  return { ...outputs };
}

/** x [N, 3, T] → Relu → `h` → Neg → `y`. */
function chain(opset = 17): Model {
  const builder = new GraphBuilder(emptyModel(opset));
  builder.addInput('x', floatType('N', 3, 'T'));
  builder.node('Relu', ['x'], { outputs: ['h'] });
  builder.addOutput(builder.node('Neg', ['h'], { outputs: ['y'] }));
  return builder.build();
}

const x = normalTensor(createRandom(1), [4, 3, 5]);

describe('tap', () => {
  it('exposes inner values, inputs and constants beside the outputs', async () => {
    const model = denseModel([4, 6, 3]);
    const values = ['x', 'act1_out', 'fc1.bias', 'logits'];
    const tapped = tap(model, values);
    const input = normalTensor(createRandom(2), [5, 4]);
    const outputs = await run(tapped.model, { x: input });
    const of = (value: string): TensorValue => outputs[tapped.outputs.get(value)!]!;
    assert.deepEqual(toFloat64(of('x')), toFloat64(input));
    assert.deepEqual(of('act1_out').dims, [5, 6]);
    assert.deepEqual(of('fc1.bias').dims, [6]);
    assert.deepEqual(toFloat64(of('logits')), toFloat64((await run(model, { x: input }))['logits']!));
  });

  it('casts types that the runtime cannot return', async () => {
    const builder = new GraphBuilder(emptyModel(21));
    builder.addInput('x', floatType(4));
    builder.node('Cast', ['x'], { attributes: { to: 22 }, outputs: ['small'] });
    builder.addOutput(builder.node('Cast', ['small'], { attributes: { to: 1 }, outputs: ['y'] }));
    const int4 = { kind: 'tensor', elementType: 'int4', shape: [4] } as const;
    const tapped = tap(builder.build(), ['small'], new Map([['small', int4]]));
    const outputs = await run({ ...tapped.model, irVersion: 10 }, { x: float32Tensor([-8, 0, 3, 7], [4]) });
    const value = outputs[tapped.outputs.get('small')!]!;
    assert.equal(value.dtype, 'int8');
    assert.deepEqual([...toFloat64(value)], [-8, 0, 3, 7]);
  });

  it('says when there is no such value', () => {
    assert.throws(() => tap(chain(), ['nothing']), { name: 'Error' });
  });
});

describe('prune', () => {
  it('keeps only what the outputs need, and their values', async () => {
    const tapped = tap(denseModel([4, 6, 5, 3]), ['act1_out']);
    const pruned = prune(tapped.model, ['act1_out']);
    assert.deepEqual(
      pruned.graph.nodes.map((node) => node.opType),
      ['Gemm', 'Relu'],
    );
    assert.deepEqual([...pruned.graph.initializers.keys()], ['fc1.weight', 'fc1.bias']);
    const input = { x: normalTensor(createRandom(2), [5, 4]) };
    const whole = await run(tapped.model, input);
    assert.deepEqual(await run(pruned, input), { act1_out: whole['act1_out'] });
  });

  it('drops inputs that nothing reads, unless told to keep them', () => {
    const builder = new GraphBuilder(chain());
    builder.addInput('other', floatType(1));
    const names = (model: Model): string[] => model.graph.inputs.map((input) => input.name);
    assert.deepEqual(names(prune(builder.build(), ['y'])), ['x']);
    assert.deepEqual(names(prune(builder.build(), ['y'], { keepInputs: true })), ['x', 'other']);
  });
});

describe('reduce', () => {
  for (const opset of [17, 18, 21]) {
    it(`equals a plain loop at opset ${opset}`, async () => {
      const builder = new GraphBuilder(chain(opset));
      const reduction = { value: 'x', axes: [0, 2] };
      const names = {
        maximum: appendReduction(builder, 'maximum', reduction),
        minimum: appendReduction(builder, 'minimum', reduction),
        sum: appendReduction(builder, 'sum', reduction),
        squares: appendReduction(builder, 'sumOfSquares', reduction),
        positiveCount: appendCount(builder, { kind: 'greater', bound: builder.scalar(0) }, reduction),
        nanCount: appendCount(builder, { kind: 'nan' }, reduction),
      };
      for (const name of Object.values(names)) builder.addOutput(name);
      const outputs = await run(builder.build(), { x });
      const units = recount(x, { unitAxis: 1 });
      for (const [unit, expected] of units.entries()) {
        for (const key of Object.keys(names) as (keyof typeof names)[]) {
          const actual = toFloat64(outputs[names[key]]!)[unit]!;
          assert.ok(Math.abs(actual - expected[key]) < 1e-5, `${key} of unit ${unit}`);
        }
      }
    });
  }
});

describe('intervene', () => {
  const relu = (v: number): number => Math.max(v, 0);
  const cases: [string, Change, (before: number, unit: number) => number][] = [
    ['zero', { kind: 'zero' }, () => 0],
    ['mean', { kind: 'mean', mean: float32Tensor([1, 2, 3], [3, 1]) }, (_, unit) => unit + 1],
    ['replace', { kind: 'replace', by: float32Tensor([7], []) }, () => 7],
    [
      'add',
      { kind: 'add', direction: float32Tensor([1, -1, 2], [3, 1]), scale: 0.5 },
      (before, unit) => Math.fround(before + [0.5, -0.5, 1][unit]!),
    ],
  ];
  for (const [name, change, edit] of cases) {
    it(`does ${name} to units at positions and leaves the rest`, async () => {
      const where = [
        { axis: 1, indices: [0, 2] },
        { axis: 2, indices: [1, -1] },
      ];
      const model = intervene(chain(), [{ value: 'h', rank: 3, change, where }]);
      const { y } = await run(model, { x });
      const expected = toFloat64(x).map((before, i) => {
        const unit = Math.floor(i / 5) % 3;
        const position = i % 5;
        const isSelected = unit !== 1 && (position === 1 || position === 4);
        return -(isSelected ? edit(relu(before), unit) : relu(before));
      });
      assert.deepEqual([...toFloat64(y!)], [...expected]);
    });

    it(`does ${name} everywhere without a selection`, async () => {
      const { y } = await run(intervene(chain(), [{ value: 'h', rank: 3, change }]), { x });
      const expected = toFloat64(x).map((before, i) => -edit(relu(before), Math.floor(i / 5) % 3));
      assert.deepEqual([...toFloat64(y!)], [...expected]);
    });
  }

  it('replaces by the activations of another run, fed as an input', async () => {
    const by = { input: 'patch', type: floatType('N', 3, 'T') };
    const model = intervene(chain(), [
      { value: 'h', rank: 3, change: { kind: 'replace', by }, where: [{ axis: 1, indices: [1] }] },
    ]);
    const patch = normalTensor(createRandom(8), [4, 3, 5]);
    const { y } = await run(model, { x, patch });
    const other = toFloat64(patch);
    const expected = toFloat64(x).map(
      (before, i) => -(Math.floor(i / 5) % 3 === 1 ? other[i]! : relu(before)),
    );
    assert.deepEqual([...toFloat64(y!)], [...expected]);
  });

  it('works on inputs, constants and outputs, one after another, and composes with taps', async () => {
    const direction = float32Tensor([1], []);
    const added: Change = { kind: 'add', direction };
    const model = intervene(chain(), [
      { value: 'x', rank: 3, change: added },
      { value: 'y', rank: 3, change: added },
    ]);
    const tapped = tap(model, ['h']);
    const { y, h } = await run(tapped.model, { x });
    assert.deepEqual([...toFloat64(h!)], [...toFloat64(x).map((v) => relu(Math.fround(v + 1)))]);
    assert.deepEqual([...toFloat64(y!)], [...toFloat64(h!).map((v) => Math.fround(-v + 1))]);
    const dense = denseModel([4, 6, 3]);
    const input = { x: normalTensor(createRandom(2), [5, 4]) };
    const zeroed = intervene(dense, [{ value: 'fc2.bias', rank: 1, change: { kind: 'zero' } }]);
    const bias = toFloat64((await run(tap(dense, ['fc2.bias']).model, input))['ni/Identity']!);
    const before = toFloat64((await run(dense, input))['logits']!);
    const after = toFloat64((await run(zeroed, input))['logits']!);
    for (const [i, value] of before.entries()) assert.ok(Math.abs(value - bias[i % 3]! - after[i]!) < 1e-5);
  });

  it('changes what bodies capture', async () => {
    const branch = (name: string): Graph => {
      const body = new GraphBuilder(emptyModel());
      body.addOutput(body.node('Neg', ['x'], { outputs: [name] }), floatType('N', 3, 'T'));
      return body.build().graph;
    };
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 3, 'T'));
    builder.addInput('flag', { kind: 'tensor', elementType: 'bool', shape: [] });
    const attributes = {
      then_branch: { kind: 'graph', value: branch('t') },
      else_branch: { kind: 'graph', value: branch('e') },
    } as const;
    builder.addOutput(builder.node('If', ['flag'], { attributes, outputs: ['y'] }));
    const model = intervene(builder.build(), [{ value: 'x', rank: 3, change: { kind: 'zero' } }]);
    const { y } = await run(model, { x, flag: { dtype: 'bool', dims: [], data: Uint8Array.of(1) } });
    assert.ok(toFloat64(y!).every((value) => Math.abs(value) === 0));
  });

  it('refuses a value that is not there', () => {
    assert.throws(
      () => intervene(chain(), [{ value: 'nope', rank: 3, change: { kind: 'zero' } }]),
      /no value nope/,
    );
  });
});
