import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { differentiate } from '../../../src/engine/gradients/differentiate.js';
import type { Model } from '../../../src/onnx/model.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { int64Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { asDouble, assertClose, caseRuntime } from '../../support/gradientCase.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';

// Rules note how they made a cotangent, and the rule of the operator in front of them may spare a pass for it.

/** Float64 differences with h = 1e-5 are exact to about 1e-9: the tolerance is that of float32 sums of some ten terms. */
const tolerance = 1e-4;

const step = 1e-5;

/** Asserts that d Σ y / dx equals fourth-order central differences by every element of every input. */
async function check(model: Model, feeds: Readonly<Record<string, TensorValue>>): Promise<void> {
  const builder = new GraphBuilder(model);
  const cotangent = builder.node('Expand', [builder.scalar(1), builder.node('Shape', ['y'])]);
  const wrt = Object.keys(feeds);
  const seeds = [{ value: 'y', cotangent }];
  const found = differentiate(builder.build(), { seeds, wrt, types: inferTypes(model) });
  const last = new GraphBuilder(found.model);
  last.setOutputs(wrt.map((name) => last.node('Identity', [found.gradients.get(name)!])));
  const session = await caseRuntime.open(last.build());
  const ours = Object.values(await session.run(feeds));
  const forward = await caseRuntime.open(asDouble(model));
  const doubles = Object.fromEntries(
    Object.entries(feeds).map(([name, value]) => [
      name,
      { ...value, dtype: 'float64', data: toFloat64(value) } as const,
    ]),
  );
  for (const [k, name] of wrt.entries()) {
    const at = doubles[name]!;
    const lossAt = async (i: number, by: number): Promise<number> => {
      const moved = { ...at, data: at.data.map((value, j) => (j === i ? value + by : value)) };
      const { y } = await forward.run({ ...doubles, [name]: moved });
      return toFloat64(y!).reduce((sum, value) => sum + value, 0);
    };
    const expected: number[] = [];
    for (let i = 0; i < at.data.length; i++) {
      const near = (await lossAt(i, step)) - (await lossAt(i, -step));
      const far = (await lossAt(i, 2 * step)) - (await lossAt(i, -2 * step));
      expected.push((8 * near - far) / (12 * step));
    }
    assertClose(ours[k]!, expected, { tolerance, what: name });
  }
}

type Shapes = Readonly<Record<string, readonly number[]>>;

/** A model of inputs, their batch open unless it is 1, and y = tanh of what is built, with seeded feeds. */
function chain(
  shapes: Shapes,
  build: (builder: GraphBuilder) => string,
): { readonly model: Model; readonly feeds: Record<string, TensorValue> } {
  const random = createRandom(6);
  const builder = new GraphBuilder(emptyModel());
  const feeds: Record<string, TensorValue> = {};
  for (const [name, dims] of Object.entries(shapes)) {
    const [batch = 1, ...sizes] = dims;
    builder.addInput(name, floatType(batch === 1 ? 1 : 'N', ...sizes));
    feeds[name] = normalTensor(random, dims);
  }
  builder.addOutput(builder.node('Tanh', [build(builder)], { outputs: ['y'] }));
  return { model: builder.build(), feeds };
}

function scalarInt(builder: GraphBuilder, value: number): string {
  return builder.constant(int64Tensor([value], []));
}

/** Element `index` of the last axis. */
function pick(builder: GraphBuilder, x: string, index: number): string {
  return builder.node('Gather', [x, scalarInt(builder, index)], { attributes: { axis: -1 } });
}

const attention: Shapes = { s: [2, 2, 3, 5], v: [2, 2, 5, 2] };

const chains: readonly { title: string; shapes: Shapes; build: (builder: GraphBuilder) => string }[] = [
  {
    title: 'weights of attention times narrow values',
    shapes: attention,
    build: (builder) => builder.node('MatMul', [builder.node('Softmax', ['s']), 'v']),
  },
  {
    title: 'weights of attention times values for all samples',
    shapes: { s: [2, 3, 5], v: [1, 5, 2] },
    build: (builder) => builder.node('MatMul', [builder.node('Softmax', ['s']), 'v']),
  },
  {
    title: 'weights of attention that are shifted before they are multiplied',
    shapes: attention,
    build: (builder) => {
      const shifted = builder.node('Add', [builder.node('Softmax', ['s']), builder.scalar(0.5)]);
      return builder.node('MatMul', [shifted, 'v']);
    },
  },
  {
    title: 'weights of attention that are read twice',
    shapes: attention,
    build: (builder) => {
      const weights = builder.node('Softmax', ['s']);
      const total = builder.reduce('ReduceMax', weights, [-1], true);
      return builder.node('Mul', [builder.node('MatMul', [weights, 'v']), total]);
    },
  },
  {
    title: 'a softmax along another axis than that of the product',
    shapes: attention,
    build: (builder) =>
      builder.node('MatMul', [builder.node('Softmax', ['s'], { attributes: { axis: 2 } }), 'v']),
  },
  {
    title: 'a root mean square by Pow',
    shapes: { x: [2, 3, 4] },
    build: (builder) => {
      const mean = builder.reduce('ReduceMean', builder.node('Pow', ['x', builder.scalar(2)]), [-1], true);
      return builder.node('Div', [
        'x',
        builder.node('Sqrt', [builder.node('Add', [mean, builder.scalar(0.1)])]),
      ]);
    },
  },
  {
    title: 'a sum of products with an operand that is broadcast',
    shapes: { x: [2, 3, 4], w: [1, 3, 1] },
    build: (builder) => builder.reduce('ReduceSum', builder.node('Mul', ['x', 'w']), [-1], false),
  },
  {
    title: 'products with a table that is broadcast in short runs',
    shapes: { x: [2, 3, 4, 2], table: [1, 3, 1, 2] },
    build: (builder) => builder.node('Mul', ['x', 'table']),
  },
  {
    title: 'the first and last of three columns',
    shapes: { x: [2, 4, 3] },
    build: (builder) => builder.node('Mul', [pick(builder, 'x', 2), pick(builder, 'x', 0)]),
  },
  {
    title: 'a column that is picked twice',
    shapes: { x: [2, 4, 2] },
    build: (builder) => {
      const product = builder.node('Mul', [pick(builder, 'x', 1), pick(builder, 'x', 1)]);
      return builder.node('Add', [product, pick(builder, 'x', 0)]);
    },
  },
  {
    title: 'columns beside the whole',
    shapes: { x: [2, 4, 2] },
    build: (builder) => {
      const product = builder.node('Mul', [pick(builder, 'x', 1), pick(builder, 'x', 0)]);
      return builder.node('Add', [builder.reduce('ReduceSum', 'x', [-1], false), product]);
    },
  },
  {
    title: 'an axis of one that is tiled',
    shapes: { x: [2, 1, 3] },
    build: (builder) =>
      builder.node('Mul', [
        builder.node('Tile', ['x', builder.int64s([1, 4, 1])]),
        builder.constant(normalTensor(createRandom(4), [4, 3])),
      ]),
  },
];

describe('gradients across operators', () => {
  for (const { title, shapes, build } of chains) {
    it(`equal central differences: ${title}`, async () => {
      const { model, feeds } = chain(shapes, build);
      await check(model, feeds);
    });
  }
});
