import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { boundObjective } from '../../../src/engine/bounds/boundObjective.js';
import { propagateIntervals } from '../../../src/engine/bounds/propagateIntervals.js';
import { addEnds, endFeeds, type Ends, refineIntervals } from '../../../src/engine/bounds/refineIntervals.js';
import { type AttributeInput, GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { assertSound, boundsOf, modelOf, shifted } from '../../support/boundsCheck.js';
import { caseRuntime } from '../../support/gradientCase.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { isCode } from '../../support/tensors.js';

const random = createRandom(21);

interface Activation {
  readonly op: string;
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly opset?: number;
  /** Moves the operand into the function's domain. */
  readonly offset?: number;
  /** Further operands. */
  readonly constants?: readonly number[];
}

const float = (value: number): AttributeInput => ({ kind: 'float', value });

const activations: readonly Activation[] = [
  ...['Relu', 'LeakyRelu', 'Sigmoid', 'Tanh', 'Softplus', 'Elu', 'Softsign', 'Erf', 'Atan', 'Exp', 'Abs'].map(
    (op) => ({ op }),
  ),
  { op: 'LeakyRelu', attributes: { alpha: float(0.3) } },
  { op: 'Elu', attributes: { alpha: float(1.7) } },
  { op: 'HardSigmoid' },
  { op: 'Clip', constants: [-0.5, 0.7] },
  { op: 'Swish', opset: 24 },
  { op: 'Swish', opset: 24, attributes: { alpha: float(2) } },
  { op: 'Pow', constants: [2] },
  { op: 'Selu' },
  { op: 'Gelu', opset: 20 },
  { op: 'Gelu', opset: 20, attributes: { approximate: 'tanh' } },
  { op: 'Mish', opset: 18 },
  { op: 'HardSwish' },
  { op: 'Log', offset: 9 },
  { op: 'Sqrt', offset: 9 },
  { op: 'Sin' },
  { op: 'Floor' },
];

/** x·w + b, the activation, then a sum over the features. */
function activationModel({ op, attributes = {}, opset = 17, offset = 0, constants = [] }: Activation): Model {
  return modelOf(
    floatType('N', 4),
    (builder) => {
      const weight = builder.constant(normalTensor(random, [4, 6]), 'w');
      const bias = builder.constant(
        float32Tensor(
          [-2, -1, 0, 0.5, 1, 2].map((value) => value + offset),
          [6],
        ),
        'b',
      );
      const z = builder.node('Gemm', ['x', weight, bias]);
      const out = builder.constant(normalTensor(random, [6, 3]), 'v');
      return builder.node('MatMul', [
        builder.node(op, [z, ...constants.map((value) => builder.scalar(value))], { attributes }),
        out,
      ]);
    },
    emptyModel(opset),
  );
}

/** Conv, BatchNormalization, activation, pooling and a dense layer. */
function convolutional(pool: 'MaxPool' | 'AveragePool', activation: string): Model {
  return modelOf(
    floatType('N', 2, 6, 6),
    (builder) => {
      const weight = (dims: readonly number[], scale = 0.5): string =>
        builder.constant(normalTensor(random, dims, scale), 'w');
      const variance = builder.constant(float32Tensor([0.5, 1, 2], [3]), 'variance');
      const conv = builder.node('Conv', ['x', weight([3, 2, 3, 3]), weight([3])], {
        attributes: { pads: [1, 1, 1, 1] },
      });
      const normal = builder.node('BatchNormalization', [
        conv,
        weight([3]),
        weight([3]),
        weight([3]),
        variance,
      ]);
      const active = builder.node(activation, [normal]);
      const pooled = builder.node(pool, [active], { attributes: { kernel_shape: [2, 2], strides: [2, 2] } });
      return builder.node('Gemm', [builder.node('Flatten', [pooled]), weight([27, 4])]);
    },
    emptyModel(),
  );
}

/** Conv – Relu – Conv – Sigmoid – Flatten – Gemm. */
function twoConvolutions(): Model {
  return modelOf(
    floatType('N', 2, 6, 6),
    (builder) => {
      const weight = (dims: readonly number[]): string =>
        builder.constant(normalTensor(random, dims, 0.4), 'w');
      const first = builder.node('Relu', [builder.node('Conv', ['x', weight([3, 2, 3, 3]), weight([3])])]);
      const second = builder.node('Sigmoid', [builder.node('Conv', [first, weight([2, 3, 3, 3])])]);
      return builder.node('Gemm', [builder.node('Flatten', [second]), weight([8, 3])]);
    },
    emptyModel(),
  );
}

/** Slices, a transposition, padding, a residual sum and a product with a constant: affine in all. */
function affine(): Model {
  return modelOf(
    floatType('N', 2, 3),
    (builder: GraphBuilder) => {
      const turned = builder.node('Transpose', ['x'], { attributes: { perm: [0, 2, 1] } });
      const flat = builder.node('Reshape', [turned, builder.int64s([0, 6])]);
      const w = builder.constant(normalTensor(random, [6, 5]), 'w');
      const b = builder.constant(normalTensor(random, [5]), 'b');
      const dense = builder.node('Gemm', [flat, w, b], {
        attributes: { alpha: float(0.7), beta: float(-2) },
      });
      const scaled = builder.node('Mul', [dense, builder.constant(normalTensor(random, [5]), 's')]);
      const cut = builder.node('Slice', [
        scaled,
        builder.int64s([1]),
        builder.int64s([4]),
        builder.int64s([1]),
      ]);
      const joined = builder.node('Concat', [cut, builder.node('Neg', [cut])], { attributes: { axis: 1 } });
      return builder.node('Sub', [joined, flat]);
    },
    emptyModel(),
  );
}

describe('bounds of an activation', () => {
  for (const activation of activations) {
    for (const radius of [0.01, 0.4, 3]) {
      if (activation.offset !== undefined && radius === 3) continue;
      const form = Object.keys(activation.attributes ?? {}).join('');
      it(`${activation.op}${form === '' ? '' : ` with ${form}`} hold every point within ${radius}`, async () => {
        const centre = { x: normalTensor(random, [3, 4]) };
        await assertSound(activationModel(activation), { centre, radius });
      });
    }
  }
});

describe('bounds of a network', () => {
  for (const pool of ['MaxPool', 'AveragePool'] as const) {
    it(`with Conv, BatchNormalization and ${pool} hold every point`, async () => {
      const centre = { x: normalTensor(random, [2, 2, 6, 6]) };
      for (const radius of [0.02, 0.5]) await assertSound(convolutional(pool, 'Relu'), { centre, radius });
    });
  }

  it('with attention and a Softmax hold every point', async () => {
    const model = modelOf(
      floatType('N', 3, 4),
      (builder) => {
        const w = builder.constant(normalTensor(random, [4, 4], 0.5), 'w');
        const turned = builder.node('Transpose', ['x'], { attributes: { perm: [0, 2, 1] } });
        const scores = builder.node('MatMul', [builder.node('MatMul', ['x', w]), turned]);
        return builder.node('Add', ['x', builder.node('MatMul', [builder.node('Softmax', [scores]), 'x'])]);
      },
      emptyModel(),
    );
    const centre = { x: normalTensor(random, [2, 3, 4]) };
    for (const radius of [0.01, 0.3]) await assertSound(model, { centre, radius });
  });

  it('follow a value that depends on the input in steps by its interval alone', async () => {
    const model = modelOf(
      floatType('N', 4),
      (builder) => builder.node('Add', [builder.node('Floor', ['x']), builder.node('Relu', ['x'])]),
      emptyModel(),
    );
    await assertSound(model, { centre: { x: normalTensor(random, [2, 4]) }, radius: 1.5 });
  });

  it('are exact for an affine one', async () => {
    const model = affine();
    const x = normalTensor(random, [2, 2, 3]);
    const radius = 0.3;
    const bounds = await assertSound(model, { centre: { x }, radius });
    // Σ|∂⟨c, y⟩/∂x|·radius around the value in the middle: the corners reach it.
    const again = await boundsOf(model, { centre: { x }, radius: 0, random: createRandom(1) });
    const width = (index: number): number => bounds.objective[1][index]! - bounds.objective[0][index]!;
    const middle = (index: number): number => (bounds.objective[1][index]! + bounds.objective[0][index]!) / 2;
    for (const row of [0, 1]) {
      assert.ok(Math.abs(middle(row) - again.objective[0][row]!) < 1e-4);
      assert.ok(Math.abs(width(row) - 2 * radius * (await slopeSum(model, row, bounds.coefficients))) < 1e-3);
    }
  });

  it('are tighter by linear bounds than by intervals in a deep one', async () => {
    const model = denseModel([4, 16, 16, 16, 3], 'Relu');
    const bounds = await assertSound(model, { centre: { x: normalTensor(random, [5, 4]) }, radius: 0.05 });
    const widths = [bounds.objective, bounds.plain].map(([low, high]) =>
      high.reduce((sum, value, i) => sum + value - low[i]!, 0),
    );
    assert.ok(widths[0]! < 0.5 * widths[1]!, `widths ${widths.join(' and ')}`);
  });

  for (const [what, model, dims] of [
    ['a deep one of ReLUs', denseModel([4, 16, 16, 16, 3], 'Relu'), [4]],
    ['a deep one of Tanhs', denseModel([4, 12, 12, 12, 3], 'Tanh'), [4]],
    ['a convolutional one', twoConvolutions(), [2, 6, 6]],
  ] as const) {
    it(`are tighter where what enters the activations is refined, and hold every point: ${what}`, async () => {
      const x = normalTensor(random, [3, ...dims]);
      const radius = 0.1;
      const plain = await assertSound(model, { centre: { x }, radius });
      const types = inferTypes(model, { keepsUnnamed: true });
      const [y] = model.graph.outputs.map(({ name }) => name);
      const ends = { lower: shifted(x, () => -radius), upper: shifted(x, () => radius) };
      const boxes = new Map([['x', ends]]);
      const known = await refineIntervals(model, caseRuntime, { boxes, values: [y!], types });
      assert.ok(known.size >= 2, `${known.size} values were refined`);
      const builder = new GraphBuilder(model);
      const boxInputs = addEnds(builder, boxes, types);
      const knownInputs = addEnds(builder, known, types);
      builder.addInput('c', types.get(y!)!);
      const bounds = boundObjective(builder.build(), {
        boxes: [...boxInputs].map(([value, interval]) => ({ value, ...interval })),
        objective: [{ value: y!, cotangent: 'c' }],
        types,
        known: knownInputs,
      });
      const last = new GraphBuilder(bounds.model);
      last.setOutputs([bounds.lower, bounds.upper]);
      const session = await caseRuntime.open(last.build());
      const fed = { ...endFeeds(boxInputs, boxes), ...endFeeds(knownInputs, known) };
      const sums = await session.run({ x, c: plain.coefficients, ...fed });
      const [low, high] = [toFloat64(sums[bounds.lower]!), toFloat64(sums[bounds.upper]!)];
      const width = ([a, b]: readonly [Float64Array, Float64Array]): number =>
        b.reduce((sum, value, i) => sum + value - a[i]!, 0);
      assert.ok(
        width([low, high]) < 0.95 * width(plain.objective),
        `${width([low, high])} of ${width(plain.objective)}`,
      );
      await assertInside(model, { x, radius, c: toFloat64(plain.coefficients), low, high });
      await assertKnown(model, { x, radius, known });
    });
  }

  it('name an operator without a rule', () => {
    const model = modelOf(floatType('N', 4), (builder) => builder.node('Hardmax', ['x']), emptyModel());
    const boxes = [{ value: 'x', lower: 'x', upper: 'x' }];
    const request = { boxes, values: ['y'], types: inferTypes(model) };
    assert.throws(() => propagateIntervals(model, request), isCode('bound-rule-missing'));
  });
});

interface Sampled {
  readonly x: TensorValue;
  readonly radius: number;
}

/** Random points and corners of the box. */
function pointsOf({ x, radius }: Sampled): readonly TensorValue[] {
  return Array.from({ length: 60 }, (_, i) =>
    shifted(x, () => radius * (i % 2 === 0 ? Math.sign(random.normal()) : 2 * random.next() - 1)),
  );
}

async function assertInside(
  model: Model,
  sampled: Sampled & { readonly c: Float64Array; readonly low: Float64Array; readonly high: Float64Array },
): Promise<void> {
  const session = await caseRuntime.open(model);
  const { c, low, high } = sampled;
  for (const x of pointsOf(sampled)) {
    const [y] = Object.values(await session.run({ x })).map(toFloat64);
    const size = y!.length / low.length;
    low.forEach((least, row) => {
      let sum = 0;
      for (let i = row * size; i < (row + 1) * size; i++) sum += c[i]! * y![i]!;
      const slack = 1e-4 * Math.max(1, Math.abs(least), Math.abs(high[row]!));
      assert.ok(
        sum >= least - slack && sum <= high[row]! + slack,
        `${sum} is not in [${least}, ${high[row]}]`,
      );
    });
  }
}

async function assertKnown(
  model: Model,
  sampled: Sampled & { readonly known: ReadonlyMap<string, Ends> },
): Promise<void> {
  const builder = new GraphBuilder(model);
  builder.setOutputs([...sampled.known.keys()]);
  const session = await caseRuntime.open(builder.build());
  for (const x of pointsOf(sampled)) {
    for (const [name, value] of Object.entries(await session.run({ x }))) {
      const [low, high] = [sampled.known.get(name)!.lower, sampled.known.get(name)!.upper].map(toFloat64);
      toFloat64(value).forEach((number, i) => {
        const isIn = number >= low![i]! - 1e-4 && number <= high![i]! + 1e-4;
        assert.ok(isIn, `${name}: ${number} is not in [${low![i]}, ${high![i]}]`);
      });
    }
  }
}

/** Σ|∂⟨c, y⟩/∂x| of a row of an affine model, by differences of its bounds at boxes of one coordinate. */
async function slopeSum(model: Model, row: number, c: Parameters<typeof toFloat64>[0]): Promise<number> {
  const session = await caseRuntime.open(model);
  const coefficients = toFloat64(c);
  const size = coefficients.length / 2;
  const sumAt = async (x: Float32Array): Promise<number> => {
    const y = toFloat64((await session.run({ x: float32Tensor(x, [2, 2, 3]) }))['y']!);
    let sum = 0;
    for (let i = row * size; i < (row + 1) * size; i++) sum += coefficients[i]! * y[i]!;
    return sum;
  };
  const zero = await sumAt(new Float32Array(12));
  let total = 0;
  for (let i = row * 6; i < row * 6 + 6; i++) {
    const unit = new Float32Array(12);
    unit[i] = 1;
    total += Math.abs((await sumAt(unit)) - zero);
  }
  return total;
}
