import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { UserError } from '../../../src/base/errors.js';
import type { Model, ValueType } from '../../../src/onnx/model.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { float32Tensor, int64Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { differentiate, type DifferentiationRequest } from '../../../src/engine/gradients/differentiate.js';
import type { GradientRule } from '../../../src/engine/gradients/gradientRule.js';
import { noGradients } from '../../../src/engine/gradients/noGradient.js';
import { gradientRules } from '../../../src/engine/gradients/ruleTable.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

interface Asked {
  readonly output: string;
  readonly wrt: readonly string[];
  readonly feeds: Feeds;
  readonly rules?: readonly GradientRule[];
}

/** Runs d⟨1, output⟩/d wrt. */
async function gradients(
  model: Model,
  { output, wrt, feeds, rules }: Asked,
): Promise<Record<string, number[]>> {
  const builder = new GraphBuilder(model);
  const shape = builder.node('Shape', [output]);
  const value = {
    name: '',
    elementType: 'float32',
    dims: [1],
    source: { kind: 'inline', bytes: onesBytes },
  } as const;
  const cotangent = builder.node('ConstantOfShape', [shape], {
    attributes: { value: { kind: 'tensor', value } },
  });
  const seeds = [{ value: output, cotangent }];
  const request: DifferentiationRequest = {
    seeds,
    wrt,
    types: inferTypes(model),
    ...(rules === undefined ? {} : { rules }),
  };
  const result = differentiate(builder.build(), request);
  const last = new GraphBuilder(result.model);
  const names = [...result.gradients].map(([name, gradient]) =>
    last.node('Identity', [gradient], { outputs: [`d_${name}`] }),
  );
  last.setOutputs(names);
  const session = await runtime.open(last.build());
  const run = await session.run(feeds);
  return Object.fromEntries(names.map((name) => [name.slice(2), Array.from(toFloat64(run[name]!))]));
}

const onesBytes = new Uint8Array(Float32Array.of(1).buffer);

function start(inputs: Readonly<Record<string, ValueType>>): GraphBuilder {
  const builder = new GraphBuilder(emptyModel());
  for (const [name, type] of Object.entries(inputs)) builder.addInput(name, type);
  return builder;
}

const vector = (...values: number[]): TensorValue => float32Tensor(values, [values.length]);

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof UserError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'nothing was thrown';
}

describe('differentiate', () => {
  it('adds up what flows back to a value that is used twice', async () => {
    const builder = start({ x: floatType('N') });
    const square = builder.node('Mul', ['x', 'x']);
    const y = builder.node('Add', [builder.node('Mul', [square, 'x']), 'x'], { outputs: ['y'] });
    builder.addOutput(y);
    // d(x³ + x) = 3x² + 1
    const { x } = await gradients(builder.build(), {
      output: 'y',
      wrt: ['x'],
      feeds: { x: vector(0, 1, -2) },
    });
    assert.deepEqual(x, [1, 4, 13]);
  });

  it('works at any batch size and sums over it for weights', async () => {
    const builder = start({ x: floatType('N', 2) });
    const w = builder.constant(float32Tensor([1, 2, 3, 4], [2, 2]), 'w');
    const b = builder.constant(float32Tensor([1, 1], [2]), 'b');
    const y = builder.node('Add', [builder.node('MatMul', ['x', w]), b], { outputs: ['y'] });
    builder.addOutput(y);
    for (const rows of [1, 3]) {
      const x = float32Tensor(
        Array.from({ length: rows * 2 }, (_, i) => i),
        [rows, 2],
      );
      const found = await gradients(builder.build(), { output: 'y', wrt: ['x', w, b], feeds: { x } });
      assert.deepEqual(found['x'], Array.from({ length: rows }, () => [3, 7]).flat());
      assert.deepEqual(found[b], [rows, rows]);
      const sums = rows === 1 ? [0, 1] : [0 + 2 + 4, 1 + 3 + 5];
      assert.deepEqual(found[w], [sums[0], sums[0], sums[1], sums[1]]);
    }
  });

  it('gives the gradient by an inner value and by a Constant node, and goes on beyond it', async () => {
    const builder = start({ x: floatType('N') });
    const value = {
      name: '',
      elementType: 'float32',
      dims: [1],
      source: { kind: 'inline', bytes: onesBytes },
    } as const;
    builder.node('Constant', [], { outputs: ['one'], attributes: { value: { kind: 'tensor', value } } });
    builder.node('Add', ['x', 'one'], { outputs: ['h'] });
    builder.node('Mul', ['h', 'h'], { outputs: ['y'] });
    builder.addOutput('y');
    const feeds = { x: vector(1, 2) };
    const found = await gradients(builder.build(), { output: 'y', wrt: ['h', 'x', 'one'], feeds });
    assert.deepEqual(found, { h: [4, 6], x: [4, 6], one: [10] });
  });

  it('adds a seed on an inner value to what flows back from later ones', () => {
    const builder = start({ x: floatType('N'), u: floatType('N'), v: floatType('N') });
    builder.node('Relu', ['x'], { outputs: ['h'] });
    builder.node('Neg', ['h'], { outputs: ['y'] });
    const seeds = [
      { value: 'y', cotangent: 'u' },
      { value: 'h', cotangent: 'v' },
    ];
    const { model, gradients: found } = differentiate(builder.build(), {
      seeds,
      wrt: ['h'],
      types: new Map(),
    });
    const sum = model.graph.nodes.find((node) => node.outputs[0] === found.get('h'));
    assert.equal(sum?.opType, 'Add');
    assert.ok(sum.inputs.includes('v'));
  });

  it('differentiates nothing that is not between the wanted values and the seeds', () => {
    const builder = start({ x: floatType('N'), other: floatType('N') });
    builder.node('Exp', ['x'], { outputs: ['h'] });
    builder.node('NonsenseOperator', ['other'], { outputs: ['side'] });
    builder.node('Mul', ['h', 'side'], { outputs: ['y'] });
    builder.node('NonsenseOperator', ['h'], { outputs: ['unseeded'] });
    const model = builder.build();
    const types = new Map(['x', 'other', 'h', 'side', 'y'].map((name) => [name, floatType('N')]));
    const seeds = [{ value: 'y', cotangent: 'x' }];
    const added = differentiate(model, { seeds, wrt: ['x'], types }).model.graph.nodes.slice(
      model.graph.nodes.length,
    );
    assert.deepEqual(
      added.map((node) => node.opType),
      ['Mul', 'Mul'],
    );
  });

  it('leaves out a wanted value that no seed depends on', () => {
    const builder = start({ x: floatType('N'), z: floatType('N') });
    builder.node('Exp', ['x'], { outputs: ['y'] });
    builder.node('ArgMax', ['z'], { outputs: ['index'] });
    builder.node('Cast', ['index'], { outputs: ['asFloat'], attributes: { to: 1 } });
    builder.node('Add', ['y', 'asFloat'], { outputs: ['sum'] });
    const types = inferTypes(builder.build());
    const seeds = [{ value: 'sum', cotangent: 'y' }];
    const { gradients: found } = differentiate(builder.build(), { seeds, wrt: ['x', 'z'], types });
    assert.deepEqual([...found.keys()], ['x']);
  });

  it('names operator, opset and node when a rule is missing', () => {
    const builder = start({ x: floatType('N') });
    builder.node('Exp', ['x'], { outputs: ['h'] });
    builder.node('Mystery', ['h'], { outputs: ['y'], name: 'odd one', domain: 'com.example' });
    const request = { seeds: [{ value: 'y', cotangent: 'x' }], wrt: ['x'], types: new Map() };
    const message = codeOf(() => differentiate(builder.build(), request));
    assert.match(message, /^gradient-rule-missing: .*com\.example:Mystery \(opset 17\).*"odd one"/);
  });

  it('names the operator without a rule inside a branch of an If', () => {
    const builder = start({ x: floatType('N'), flag: { kind: 'tensor', elementType: 'bool', shape: [] } });
    const body = (opType: string, name: string): Model['graph'] => {
      const inner = new GraphBuilder(emptyModel());
      inner.node(opType, ['x'], {
        outputs: [name],
        name: `odd ${name}`,
        domain: opType === 'Exp' ? '' : 'odd',
      });
      inner.addOutput(name);
      return inner.build().graph;
    };
    const attributes = {
      then_branch: { kind: 'graph', value: body('Exp', 'a') },
      else_branch: { kind: 'graph', value: body('Mystery', 'b') },
    } as const;
    builder.node('If', ['flag'], { outputs: ['y'], name: 'choice', attributes });
    const request = { seeds: [{ value: 'y', cotangent: 'x' }], wrt: ['x'], types: new Map() };
    assert.match(
      codeOf(() => differentiate(builder.build(), request)),
      /gradient-rule-missing: .*odd:Mystery .*"odd b"/,
    );
  });

  it('says what it has to know when a rank is unknown', () => {
    const builder = start({ x: { kind: 'tensor', elementType: 'float32', shape: null } });
    builder.node('ReduceSum', ['x'], { outputs: ['y'] });
    const request = { seeds: [{ value: 'y', cotangent: 'x' }], wrt: ['x'], types: new Map() };
    assert.match(
      codeOf(() => differentiate(builder.build(), request)),
      /gradient-needs-shape: .*rank of "x"/,
    );
  });

  it('takes rules of other backward passes before its own', async () => {
    const builder = start({ x: floatType('N') });
    builder.node('Relu', ['x'], { outputs: ['y'] });
    builder.addOutput('y');
    const passAll: GradientRule = {
      opType: 'Relu',
      domain: '',
      opsets: [1, 99],
      backward: (context) => [context.outputCotangents[0]],
    };
    const asked = { output: 'y', wrt: ['x'], feeds: { x: vector(-1, 0, 2) } };
    assert.deepEqual((await gradients(builder.build(), asked))['x'], [0, 0, 1]);
    assert.deepEqual((await gradients(builder.build(), { ...asked, rules: [passAll] }))['x'], [1, 1, 1]);
  });

  it('gives all to the first of equal maxima', async () => {
    const build = (opType: string, inputs: readonly string[], attributes = {}): Model => {
      const builder = start({ x: floatType(1, 1, 1, 4), z: floatType(1, 1, 1, 4) });
      builder.addOutput(builder.node(opType, inputs, { outputs: ['y'], attributes }));
      return builder.build();
    };
    const x = float32Tensor([3, 3, 1, 1], [1, 1, 1, 4]);
    const z = float32Tensor([3, 1, 1, 2], [1, 1, 1, 4]);
    const feeds = { x, z };
    const asked = { output: 'y', wrt: ['x', 'z'], feeds };
    const max = await gradients(build('Max', ['x', 'z']), asked);
    assert.deepEqual(max, { x: [1, 1, 1, 0], z: [0, 0, 0, 1] });
    const single = { output: 'y', wrt: ['x'], feeds };
    const pool = build('MaxPool', ['x'], { kernel_shape: [1, 2], strides: [1, 2] });
    assert.deepEqual((await gradients(pool, single))['x'], [1, 0, 1, 0]);
    const reduce = build('ReduceMax', ['x'], { axes: [2, 3] });
    assert.deepEqual((await gradients(reduce, single))['x'], [1, 0, 0, 0]);
    assert.deepEqual((await gradients(build('GlobalMaxPool', ['x']), single))['x'], [1, 0, 0, 0]);
  });

  it('follows the places that NonZero finds, however many there are', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType(2, 3));
    builder.addInput('u', floatType('K'));
    const isPositive = builder.node('Greater', ['x', builder.scalar(0)]);
    const places = builder.node('Transpose', [builder.node('NonZero', [isPositive])]);
    const found = builder.node('GatherND', ['x', places]);
    builder.node('Mul', [found, found], { outputs: ['squares'] });
    const model = builder.build();
    const seeds = [{ value: 'squares', cotangent: 'u' }];
    const types = inferTypes(model, { keepsUnnamed: true });
    const { model: both, gradients } = differentiate(model, { seeds, wrt: ['x'], types });
    const last = new GraphBuilder(both);
    last.setOutputs([gradients.get('x')!]);
    const session = await runtime.open(last.build());
    for (const [x, u, expected] of [
      [
        [1, -2, 3, -4, 5, -6],
        [1, 10, 100],
        [2, 0, 60, 0, 1000, 0],
      ],
      [[-1, -1, -1, 7, -1, -1], [1], [0, 0, 0, 14, 0, 0]],
    ] as const) {
      const feeds = { x: float32Tensor([...x], [2, 3]), u: float32Tensor([...u], [u.length]) };
      const [gradient] = Object.values(await session.run(feeds));
      assert.deepEqual([...toFloat64(gradient!)], expected);
    }
  });

  it('counts repeated rows of an embedding', async () => {
    const builder = start({ ids: { kind: 'tensor', elementType: 'int64', shape: ['N'] } });
    const table = builder.constant(float32Tensor([1, 2, 3, 4, 5, 6], [3, 2]), 'table');
    builder.addOutput(builder.node('Gather', [table, 'ids'], { outputs: ['y'] }));
    const asked = { output: 'y', wrt: [table], feeds: { ids: int64Tensor([2, 0, 2], [3]) } };
    assert.deepEqual((await gradients(builder.build(), asked))[table], [1, 1, 0, 0, 2, 2]);
  });
});

describe('the gradient tables', () => {
  it('hold one entry per operator and form, and no operator in both', () => {
    const keys = gradientRules.map((rule) => `${rule.domain}:${rule.opType}:${rule.opsets.join()}`);
    assert.equal(new Set(keys).size, keys.length);
    const ruled = new Set(gradientRules.map((rule) => `${rule.domain}:${rule.opType}`));
    const both = noGradients.filter((fact) => ruled.has(`${fact.domain}:${fact.opType}`));
    assert.deepEqual(both, []);
    const names = noGradients.map((fact) => fact.opType);
    assert.equal(new Set(names).size, names.length);
  });
});

describe('the gradient through Conv and BatchNormalization', () => {
  const operands = ['w', 'b', 'scale', 'shift', 'mean', 'variance'];

  /** y = tanh(BatchNormalization(Conv(x))), its weights constants or fed; d⟨1, y⟩/d of those wanted. */
  async function found(isFed: boolean, wanted = operands): Promise<Record<string, number[]>> {
    const random = createRandom(8);
    const builder = start({ x: floatType('N', 2, 4, 3) });
    const feeds: Record<string, TensorValue> = { x: normalTensor(random, [2, 2, 4, 3]) };
    const weight = (name: string, dims: readonly number[], shift = 0): string => {
      const { data } = normalTensor(random, dims);
      const value = float32Tensor(
        Float32Array.from(data as Float32Array, (number) => (shift > 0 ? shift + Math.abs(number) : number)),
        dims,
      );
      if (!isFed) return builder.constant(value, name);
      feeds[name] = value;
      return builder.addInput(name, floatType(...dims));
    };
    weight('w', [3, 2, 3, 3]);
    for (const name of ['b', 'scale', 'shift', 'mean']) weight(name, [3]);
    weight('variance', [3], 0.5);
    const conv = builder.node('Conv', ['x', 'w', 'b'], { attributes: { pads: [1, 1, 1, 1] } });
    const normal = builder.node('BatchNormalization', [conv, ...operands.slice(2)]);
    builder.addOutput(builder.node('Tanh', [normal], { outputs: ['y'] }));
    return gradients(builder.build(), { output: 'y', wrt: ['x', ...wanted], feeds });
  }

  function assertEqual(actual: Record<string, number[]>, expected: Record<string, number[]>): void {
    for (const [name, values] of Object.entries(expected)) {
      values.forEach((value, i) => {
        const error = Math.abs(actual[name]![i]! - value);
        assert.ok(error <= 1e-5 * Math.max(1, Math.abs(value)), `${name}[${i}]: off by ${error}`);
      });
    }
  }

  it('is the same whether its factor is folded into constant weights or not', async () => {
    const [folded, fed] = [await found(false), await found(true)];
    assert.deepEqual(Object.keys(folded), Object.keys(fed));
    assertEqual(folded, fed);
  });

  it('is the same whether the convolution’s weight is differentiated as well or not', async () => {
    const others = operands.filter((name) => name !== 'w');
    for (const isFed of [false, true]) assertEqual(await found(isFed), await found(isFed, others));
  });

  it('reads the convolution’s result only where its weight is not differentiated', () => {
    const builder = start({ x: floatType('N', 3, 4, 4) });
    const weight = builder.constant(normalTensor(createRandom(2), [2, 3, 3, 3]), 'w');
    const perChannel = ['scale', 'shift', 'mean', 'variance'].map((name, i) =>
      builder.constant(float32Tensor([1, 2 + i], [2]), name),
    );
    const conv = builder.node('Conv', ['x', weight]);
    const y = builder.node('BatchNormalization', [conv, ...perChannel], { outputs: ['y'] });
    builder.addOutput(y);
    builder.addInput('u', floatType('N', 2, 2, 2));
    const readers = (wrt: readonly string[]): number => {
      const request = { seeds: [{ value: y, cotangent: 'u' }], wrt, types: inferTypes(builder.build()) };
      const { model } = differentiate(builder.build(), request);
      return model.graph.nodes.filter((node) => node.inputs.includes(conv)).length;
    };
    assert.equal(readers(['scale', 'w']), 1);
    assert.equal(readers(['scale']), 2);
  });

  it('appends nothing that nobody reads', () => {
    const builder = start({ x: floatType('N', 3, 4, 4) });
    const random = createRandom(2);
    const weight = builder.constant(normalTensor(random, [3, 1, 3, 3]), 'w');
    const perChannel = ['scale', 'shift', 'mean', 'variance'].map((name) =>
      builder.constant(float32Tensor([1, 2, 3], [3]), name),
    );
    const conv = builder.node('Conv', ['x', weight], { attributes: { group: 3 } });
    const y = builder.node('BatchNormalization', [conv, ...perChannel], { outputs: ['y'] });
    builder.addOutput(y);
    builder.addInput('u', floatType('N', 3, 2, 2));
    const seeds = [{ value: y, cotangent: 'u' }];
    const types = inferTypes(builder.build());
    const { model, gradients: names } = differentiate(builder.build(), { seeds, wrt: ['x'], types });
    const read = new Set([...names.values(), y, ...model.graph.nodes.flatMap((node) => node.inputs)]);
    assert.deepEqual(
      model.graph.nodes.filter((node) => !node.outputs.some((output) => read.has(output))),
      [],
    );
    assert.ok(!model.graph.nodes.some((node) => node.opType === 'Mul' && node.inputs.includes('u')));
  });
});
