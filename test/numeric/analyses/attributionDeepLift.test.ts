import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { openOracle } from '../../support/oracle.js';
import { itHolds } from '../../support/papers.js';
import { itWithShared } from '../../support/paths.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { assertClose, elementwise, linearModel } from '../../support/tensors.js';

const methodNames = ['deeplift-rescale', 'deeplift-revealcancel', 'deeplift-shap'];

// Float32 rounding of sums of some tens of terms of order one.
const rounding = 1e-5;

describe('DeepLIFT', function () {
  this.timeout(60_000);
  const random = createRandom(61);
  const x = normalTensor(random, [4, 6], 1.5);

  it('is w · (x − b) for a linear model', async () => {
    const weight = normalTensor(random, [6, 3]);
    for (const method of methodNames) {
      const settings = { method, target: '1', baseline: '0.25' };
      const draft = await runAttribution(linearModel(weight), { x }, settings);
      const expected = elementwise(x, (xi, i) => (xi - 0.25) * (weight.data[(i % 6) * 3 + 1] as number));
      assertClose(arrayOf(draft, 'attribution'), expected, rounding);
    }
  });

  itHolds(
    135,
    'gives each of a and b half of min(a, b) with RevealCancel, and all to one with Rescale',
    async () => {
      const model = minimumModel();
      const pairs = float32Tensor([3, 1, 2, 5, 4, 4], [3, 2]);
      const revealed = await runAttribution(model, { x: pairs }, { method: 'deeplift-revealcancel' });
      assertClose(arrayOf(revealed, 'attribution'), float32Tensor([0.5, 0.5, 1, 1, 2, 2], [3, 2]), rounding);
      const rescaled = await runAttribution(model, { x: pairs }, { method: 'deeplift-rescale' });
      assertClose(
        arrayOf(rescaled, 'attribution'),
        // a − relu(a − b): the multiplier of the ReLU is 1 for a > b and 0 else; equal inputs get the slope there, 0.
        float32Tensor([0, 1, 2, 0, 4, 0], [3, 2]),
        rounding,
      );
    },
  );

  itHolds(61, 'agrees with a network of two layers by hand', async () => {
    const model = denseModel([6, 5, 2], 'Relu', 3);
    const draft = await runAttribution(
      model,
      { x },
      { method: 'deeplift-rescale', target: '0', baseline: '0.5' },
    );
    const weight = (name: string): Float64Array => floats(model, name);
    const [w1, b1, w2] = [weight('fc1.weight'), weight('fc1.bias'), weight('fc2.weight')];
    const dense = (row: readonly number[]): number[] =>
      Array.from({ length: 5 }, (_, j) => row.reduce((sum, v, i) => sum + v * w1[i * 5 + j]!, b1[j]!));
    const expected = elementwise(x, (xi, at) => {
      const row = Math.floor(at / 6);
      const z = dense([0, 1, 2, 3, 4, 5].map((k) => x.data[row * 6 + k] as number));
      const r = dense([0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
      return z.reduce((sum, zj, j) => {
        const m = (Math.max(0, zj) - Math.max(0, r[j]!)) / (zj - r[j]!);
        return sum + (xi - 0.5) * w1[(at % 6) * 5 + j]! * m * w2[j * 2]!;
      }, 0);
    });
    assertClose(arrayOf(draft, 'attribution'), expected, rounding);
  });

  for (const [name, build] of Object.entries(nonlinearities())) {
    itHolds([61, 135], `adds up to f(x) − f(b) through ${name}`, async () => {
      const model = sandwich(build);
      for (const method of ['deeplift-rescale', 'deeplift-revealcancel']) {
        for (const baseline of ['zeros', '-0.7']) {
          const draft = await runAttribution(model, { x }, { method, target: '0', baseline });
          const span = Math.max(...toFloat64(arrayOf(draft, 'output')).map(Math.abs));
          // Scores of order one from values of order ten: relative float32 rounding.
          assert.ok(
            draft.metrics['maxCompletenessError']! < 1e-4 * Math.max(1, span),
            `${method} ${baseline}`,
          );
          assert.deepEqual(
            draft.findings.filter(({ message }) => message.includes('multiplier rule')),
            [],
          );
        }
      }
    });
  }

  for (const file of ['transformer_emb_op13.onnx', 'transformer_emb_op17.onnx']) {
    itWithShared(`adds up on ${file}, through attention, LayerNorm and GELU`, async (shared) => {
      const model = convertToOpset17(await readModel(join(shared, 'oracle', file)));
      const oracle = openOracle(join(shared, 'oracle'), 'transformer');
      const feeds = { x: oracle.tensor('x') };
      for (const method of ['deeplift-rescale', 'deeplift-revealcancel']) {
        const draft = await runAttribution(model, feeds, { method, baseline: '0.1' });
        assert.ok(draft.metrics['maxCompletenessError']! < 1e-4, method);
        assert.deepEqual(draft.findings, []);
      }
    });
  }

  itHolds(61, 'names operators without a rule, and sends the gradient through them', async () => {
    const model = sandwich((builder, value) =>
      builder.node('LpNormalization', [value], { attributes: { axis: -1, p: 2 } }),
    );
    const draft = await runAttribution(model, { x }, { method: 'deeplift-rescale', baseline: '0.3' });
    assert.match(
      draft.findings.map(({ message }) => message).join(),
      /no multiplier rule for LpNormalization/,
    );
  });

  it('comes to the gradient times the difference where the baseline is near', async () => {
    const model = denseModel([6, 8, 3], 'Tanh', 5);
    const near = elementwise(x, (value) => value * 1e-3);
    const slope = await runAttribution(model, { x: near }, { method: 'input-x-gradient', target: '2' });
    for (const method of methodNames) {
      const draft = await runAttribution(model, { x: near }, { method, target: '2' });
      // Scores of 1e-3 from differences of 1e-3: what is left is of second order, 1e-6 times some curvature.
      assertClose(arrayOf(draft, 'attribution'), arrayOf(slope, 'attribution'), 3e-5);
    }
  });

  it('lets a layer’s scores add up too', async () => {
    const model = denseModel([6, 8, 5, 3], 'Sigmoid', 6);
    for (const method of methodNames) {
      const draft = await runAttribution(model, { x }, { method, layer: 'fc2', baseline: '0.1' });
      assert.deepEqual(arrayOf(draft, 'attribution').dims, [4, 5]);
      assert.ok(draft.metrics['maxCompletenessError']! < rounding);
    }
  });
});

type Nonlinearity = (builder: GraphBuilder, value: string) => string;

/** One of each kind of rule, on values [N, 2, 4]. */
function nonlinearities(): Readonly<Record<string, Nonlinearity>> {
  const unary =
    (opType: string): Nonlinearity =>
    (builder, value) =>
      builder.node(opType, [value]);
  const onHalves =
    (opType: string): Nonlinearity =>
    (builder, value) => {
      const [a = '', b = ''] = halves(builder, value);
      return builder.node('Concat', [builder.node(opType, [a, b]), a], { attributes: { axis: 1 } });
    };
  const scales = float32Tensor([0.5, -1, 2, 1.5], [4]);
  return {
    ...Object.fromEntries(
      [
        'Relu',
        'LeakyRelu',
        'Elu',
        'Selu',
        'Sigmoid',
        'Tanh',
        'Softplus',
        'Erf',
        'Exp',
        'Abs',
        'HardSwish',
      ].map((opType) => [opType, unary(opType)]),
    ),
    Clip: (builder, value) => builder.node('Clip', [value, builder.scalar(-0.5), builder.scalar(1)]),
    'a square root': (builder, value) => {
      const squares = builder.node('Mul', [value, value]);
      return builder.node('Sqrt', [builder.node('Add', [squares, builder.scalar(0.1)])]);
    },
    'a power': (builder, value) => builder.node('Pow', [value, builder.scalar(3)]),
    'a product': onHalves('Mul'),
    'a maximum of two': onHalves('Max'),
    'a minimum of two': onHalves('Min'),
    'a quotient': (builder, value) => {
      const [a = '', b = ''] = halves(builder, value);
      const positive = builder.node('Add', [builder.node('Exp', [b]), builder.scalar(0.2)]);
      return builder.node('Concat', [builder.node('Div', [a, positive]), b], { attributes: { axis: 1 } });
    },
    'a product of matrices': (builder, value) => {
      const turned = builder.node('Transpose', [value], { attributes: { perm: [0, 2, 1] } });
      return builder.node('MatMul', [builder.node('MatMul', [value, turned]), value]);
    },
    Softmax: unary('Softmax'),
    LogSoftmax: unary('LogSoftmax'),
    'a masked Softmax': (builder, value) => {
      const mask = builder.constant(float32Tensor([0, -Infinity, 0, 0], [4]));
      return builder.node('Softmax', [builder.node('Add', [value, mask])]);
    },
    LayerNormalization: (builder, value) =>
      builder.node('LayerNormalization', [value, builder.constant(scales)]),
    'a layer normalisation written out': (builder, value) => {
      const centred = builder.node('Sub', [value, builder.reduce('ReduceMean', value, [2], true)]);
      const variance = builder.reduce(
        'ReduceMean',
        builder.node('Pow', [centred, builder.scalar(2)]),
        [2],
        true,
      );
      const deviation = builder.node('Sqrt', [builder.node('Add', [variance, builder.scalar(1e-5)])]);
      return builder.node('Div', [centred, deviation]);
    },
    InstanceNormalization: (builder, value) =>
      builder.node('InstanceNormalization', [
        value,
        builder.constant(float32Tensor([1.5, -0.5], [2])),
        builder.constant(float32Tensor([0, 1], [2])),
      ]),
    BatchNormalization: (builder, value) =>
      builder.node('Relu', [
        builder.node('BatchNormalization', [
          value,
          builder.constant(float32Tensor([1.5, -0.5], [2])),
          builder.constant(float32Tensor([0.3, 1], [2])),
          builder.constant(float32Tensor([0.1, -0.2], [2])),
          builder.constant(float32Tensor([0.8, 1.3], [2])),
        ]),
      ]),
    'max pooling': (builder, value) =>
      builder.node('MaxPool', [value], { attributes: { kernel_shape: [2], strides: [1], pads: [0, 1] } }),
    'a maximum over an axis': (builder, value) =>
      builder.node('Add', [value, builder.reduce('ReduceMax', value, [2], true)]),
    'a norm': (builder, value) => builder.node('Add', [value, builder.reduce('ReduceL2', value, [2], true)]),
    'a residual sum': (builder, value) =>
      builder.node('Relu', [builder.node('Add', [value, builder.node('Tanh', [value])])]),
    'a GELU written out': (builder, value) => {
      const inner = builder.node('Erf', [builder.node('Mul', [value, builder.scalar(Math.SQRT1_2)])]);
      const gate = builder.node('Mul', [
        builder.node('Add', [inner, builder.scalar(1)]),
        builder.scalar(0.5),
      ]);
      return builder.node('Mul', [value, gate]);
    },
  };
}

function halves(builder: GraphBuilder, value: string): readonly string[] {
  const outputs = [builder.freshName('upper'), builder.freshName('lower')];
  builder.node('Split', [value, builder.int64s([1, 1])], { outputs, attributes: { axis: 1 } });
  return outputs;
}

/** A dense layer, the nonlinearity on [N, 2, 4], and another dense layer to two logits. */
function sandwich(nonlinearity: Nonlinearity): Model {
  const random = createRandom(77);
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', 6));
  const weight = builder.constant(normalTensor(random, [6, 8], 0.6), 'fc1.weight');
  const bias = builder.constant(normalTensor(random, [8], 0.3), 'fc1.bias');
  const hidden = builder.node('Gemm', [input, weight, bias]);
  const shaped = builder.node('Reshape', [hidden, builder.int64s([-1, 2, 4])]);
  const flat = builder.node('Reshape', [nonlinearity(builder, shaped), builder.int64s([-1, 8])]);
  builder.addOutput(
    builder.node('MatMul', [flat, builder.constant(normalTensor(random, [8, 2], 0.6), 'fc2.weight')]),
  );
  return builder.build();
}

/** a − relu(a − b) */
function minimumModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', 2));
  const difference = builder.node('MatMul', [input, builder.constant(float32Tensor([1, -1], [2, 1]))]);
  const first = builder.node('MatMul', [input, builder.constant(float32Tensor([1, 0], [2, 1]))]);
  builder.addOutput(builder.node('Sub', [first, builder.node('Relu', [difference])]));
  return builder.build();
}

function floats(model: Model, name: string): Float64Array {
  const tensor = model.graph.initializers.get(name);
  if (tensor?.source.kind !== 'inline') throw new Error(`No weight ${name}.`);
  const { bytes } = tensor.source;
  const value: TensorValue = float32Tensor(
    new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4),
    tensor.dims,
  );
  return toFloat64(value);
}
