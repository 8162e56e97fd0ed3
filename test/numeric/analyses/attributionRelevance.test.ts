import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { maxDifference, openOracle } from '../../support/oracle.js';
import { itHolds } from '../../support/papers.js';
import { itWithShared } from '../../support/paths.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { assertClose, elementwise, linearModel, rowSums, sum } from '../../support/tensors.js';

// Float32 rounding of sums of some tens of terms of order one.
const rounding = 1e-5;

const exact = [
  { method: 'lrp-zero' },
  { method: 'lrp-epsilon', epsilon: 1e-9 },
  { method: 'lrp-gamma', gamma: 0.25 },
  { method: 'lrp-alpha-beta', alpha: 2 },
  { method: 'lrp-composite' },
];

describe('layer-wise relevance propagation', function () {
  this.timeout(60_000);
  const random = createRandom(71);
  const weight = normalTensor(random, [5, 3]);
  const x = normalTensor(random, [4, 5]);

  it('is w · x for a linear model by the rules that take a sum as it is', async () => {
    for (const settings of [exact[0]!, exact[1]!, { method: 'lrp-composite', epsilon: 0 }]) {
      const draft = await runAttribution(linearModel(weight), { x }, { ...settings, target: '1' });
      const expected = elementwise(x, (xi, i) => xi * (weight.data[(i % 5) * 3 + 1] as number));
      assertClose(arrayOf(draft, 'attribution'), expected, rounding);
    }
  });

  itHolds(77, 'conserves the explained value through a network without bias, by every rule', async () => {
    const model = withoutBias([5, 8, 6, 3], 8);
    for (const settings of exact) {
      const draft = await runAttribution(model, { x }, settings);
      const output = toFloat64(arrayOf(draft, 'output'));
      for (const [row, total] of toFloat64(rowSums(arrayOf(draft, 'attribution'))).entries()) {
        const error = Math.abs(total / output[row]! - 1);
        // The stabiliser, 1e-6, of sums that may be small.
        assert.ok(error < 1e-3, `${settings.method} row ${row}: ${error}`);
      }
      assert.ok(draft.metrics['maxConservationError']! < 1e-2);
    }
  });

  it('says how much biases took: what is missing, to the last digit', async () => {
    const model = denseModel([5, 8, 6, 3], 'Relu', 4);
    for (const settings of exact) {
      const draft = await runAttribution(model, { x }, settings);
      const lost = arrayOf(draft, 'biasRelevance');
      assertClose(
        elementwise(arrayOf(draft, 'conservationError'), (value) => -value),
        lost,
        1e-4,
      );
      assert.ok(toFloat64(lost).some((value) => Math.abs(value) > 1e-2));
    }
  });

  itHolds(77, 'follows the αβ, γ and ε rules by hand at one layer, for inputs of both signs', async () => {
    const bias = [0.3, -0.4, 0.2];
    const model = affineModel(weight, bias);
    const alpha = 2;
    const gamma = 0.5;
    const epsilon = 0.1;
    const target = 1;
    const w = (i: number): number => weight.data[i * 3 + target] as number;
    const rules: Readonly<Record<string, (row: readonly number[], i: number) => number>> = {
      'lrp-epsilon': (row, i) => {
        const z = sum(5, (k) => row[k]! * w(k)) + bias[target]!;
        return ((row[i]! * w(i)) / (z + epsilon * Math.sign(z))) * z;
      },
      'lrp-alpha-beta': (row, i) => {
        const z = sum(5, (k) => row[k]! * w(k)) + bias[target]!;
        const up = sum(5, (k) => Math.max(0, row[k]! * w(k))) + Math.max(0, bias[target]!);
        const down = sum(5, (k) => Math.min(0, row[k]! * w(k))) + Math.min(0, bias[target]!);
        const term = row[i]! * w(i);
        return z * (term > 0 ? (alpha * term) / up : (-(alpha - 1) * term) / down);
      },
      'lrp-gamma': (row, i) => {
        const z = sum(5, (k) => row[k]! * w(k)) + bias[target]!;
        const favoured = (term: number): number =>
          term + gamma * (z > 0 ? Math.max(0, term) : Math.min(0, term));
        const total = sum(5, (k) => favoured(row[k]! * w(k))) + bias[target]!;
        return (z * favoured(row[i]! * w(i))) / total;
      },
    };
    const parameters = { 'lrp-epsilon': { epsilon }, 'lrp-alpha-beta': { alpha }, 'lrp-gamma': { gamma } };
    for (const [method, parameter] of Object.entries(parameters)) {
      const of = rules[method]!;
      const settings = { method, ...parameter, target: String(target) };
      const draft = await runAttribution(model, { x }, settings);
      const expected = elementwise(x, (_xi, at) => {
        const row = Math.floor(at / 5);
        return of(
          [0, 1, 2, 3, 4].map((k) => x.data[row * 5 + k] as number),
          at % 5,
        );
      });
      assertClose(arrayOf(draft, 'attribution'), expected, 1e-4);
    }
  });

  it('treats a convolution, its bias and its normalisation as one layer', async () => {
    const [parts, folded] = normalizedConvolutions();
    const image = normalTensor(createRandom(5), [2, 1, 6, 6]);
    for (const settings of [...exact, { method: 'lrp-composite', composite: 'epsilon-gamma-box' }]) {
      const apart = await runAttribution(parts!, { x: image }, { ...settings, target: '0' });
      const whole = await runAttribution(folded!, { x: image }, { ...settings, target: '0' });
      // γ and αβ divide by sums that may be small: relative rounding of some 1e-5.
      assertClose(arrayOf(apart, 'attribution'), arrayOf(whole, 'attribution'), 1e-3);
    }
  });

  it('counts from the box’s corner: a pixel at its least has no relevance of its own sign', async () => {
    const kernel = float32Tensor([2, -1], [1, 1, 1, 2]);
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', 1, 1, 2));
    const conv = builder.node('Conv', [input, builder.constant(kernel, 'conv.weight')]);
    builder.addOutput(builder.node('Flatten', [conv]));
    const pixels = float32Tensor([0, 1, 1, 0, 0.5, 0.25], [3, 1, 1, 2]);
    const settings = { method: 'lrp-composite', composite: 'epsilon-gamma-box', low: 0, high: 1 };
    const draft = await runAttribution(builder.build(), { x: pixels }, settings);
    // x·w − low·w⁺ − high·w⁻ = (2a, 1 − b); its sum is 2a − b + 1, and R = 2a − b.
    const expected = [0, 1, 1, 0, 0.5, 0.25].map((value, i, all) => {
      const [a, b] = [all[i - (i % 2)]!, all[i - (i % 2) + 1]!];
      const share = i % 2 === 0 ? 2 * value : 1 - value;
      const total = 2 * a - b + 1;
      return total === 0 ? 0 : (share / total) * (2 * a - b);
    });
    assertClose(arrayOf(draft, 'attribution'), float32Tensor(expected, [3, 1, 1, 2]), rounding);
  });

  it('shares a product out evenly, and gives a gated signal all', async () => {
    const halves = await runAttribution(productModel(undefined), { x }, { method: 'lrp-zero' });
    const f = (row: number): number => (x.data[row * 5] as number) * (x.data[row * 5 + 1] as number);
    const even = elementwise(x, (_xi, i) => (i % 5 < 2 ? f(Math.floor(i / 5)) / 2 : 0));
    assertClose(arrayOf(halves, 'attribution'), even, rounding);
    const gated = await runAttribution(productModel('Sigmoid'), { x }, { method: 'lrp-zero' });
    const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));
    const all = elementwise(x, (xi, i) => (i % 5 === 0 ? xi * sigmoid(x.data[i + 1] as number) : 0));
    assertClose(arrayOf(gated, 'attribution'), all, rounding);
  });

  it('names operators without a rule', async () => {
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', 5));
    builder.addOutput(builder.node('LpNormalization', [input], { attributes: { axis: -1, p: 2 } }));
    const draft = await runAttribution(builder.build(), { x }, { method: 'lrp-zero' });
    assert.match(
      draft.findings.map(({ message }) => message).join(),
      /no relevance rule for LpNormalization/,
    );
  });

  itWithShared('equals Zennit’s composites, which start from 1 and not from the logit', async (shared) => {
    const oracle = openOracle(join(shared, 'oracle'), 'lenet');
    const model = convertToOpset17(await readModel(oracle.modelPath));
    const composites = {
      zennit_epsilon_plus: { composite: 'epsilon-plus' },
      zennit_epsilon_gamma_box: { composite: 'epsilon-gamma-box', low: 0, high: 1 },
    };
    for (const [key, settings] of Object.entries(composites)) {
      const draft = await runAttribution(
        model,
        { x: oracle.tensor('x') },
        { method: 'lrp-composite', ...settings },
      );
      const output = toFloat64(arrayOf(draft, 'output'));
      const scaled = elementwise(
        arrayOf(draft, 'attribution'),
        (value, i) => value / output[Math.floor(i / 784)]!,
      );
      assert.ok(maxDifference(scaled, oracle.tensor(key)) <= oracle.tolerance(key), key);
    }
  });
});

function affineModel(weight: TensorValue, bias: readonly number[]): Model {
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', weight.dims[0]!));
  const product = builder.node('MatMul', [input, builder.constant(weight, 'fc.weight')]);
  builder.addOutput(
    builder.node('Add', [product, builder.constant(float32Tensor(bias, [bias.length]), 'fc.bias')]),
  );
  return builder.build();
}

function withoutBias(sizes: readonly number[], seed: number): Model {
  const random = createRandom(seed);
  const builder = new GraphBuilder(emptyModel());
  let value = builder.addInput('x', floatType('N', sizes[0]!));
  for (let i = 1; i < sizes.length; i++) {
    const weight = builder.constant(normalTensor(random, [sizes[i - 1]!, sizes[i]!]), `fc${i}.weight`);
    value = builder.node('MatMul', [value, weight]);
    if (i < sizes.length - 1) value = builder.node('Relu', [value]);
  }
  builder.addOutput(value);
  return builder.build();
}

/** x₀ · x₁, or x₀ · gate(x₁). */
function productModel(gate: string | undefined): Model {
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', 5));
  const column = (index: number): string =>
    builder.node('Slice', [input, builder.int64s([index]), builder.int64s([index + 1]), builder.int64s([1])]);
  const second = gate === undefined ? column(1) : builder.node(gate, [column(1)]);
  builder.addOutput(builder.node('Mul', [column(0), second]));
  return builder.build();
}

/** The same network with BatchNormalization as a node, and folded into the convolution by hand. */
function normalizedConvolutions(): readonly Model[] {
  const random = createRandom(15);
  const kernel = normalTensor(random, [3, 1, 3, 3]);
  const bias = [0.2, -0.1, 0.4];
  const scale = [1.5, -0.7, 0.9];
  const shift = [0.1, 0.3, -0.2];
  const mean = [0.05, -0.1, 0.2];
  const variance = [0.8, 1.4, 0.6];
  const head = normalTensor(random, [48, 2], 0.3);
  const factor = scale.map((value, c) => value / Math.sqrt(variance[c]! + 1e-5));
  const foldedKernel = elementwise(kernel, (value, i) => value * factor[Math.floor(i / 9)]!);
  const foldedBias = bias.map((value, c) => (value - mean[c]!) * factor[c]! + shift[c]!);
  return [false, true].map((isFolded) => {
    const builder = new GraphBuilder(emptyModel());
    const vector = (values: readonly number[]): string => builder.constant(float32Tensor(values, [3]));
    const input = builder.addInput('x', floatType('N', 1, 6, 6));
    const conv = builder.node('Conv', [
      input,
      builder.constant(isFolded ? foldedKernel : kernel, 'conv.weight'),
      vector(isFolded ? foldedBias : bias),
    ]);
    const normal = isFolded
      ? conv
      : builder.node('BatchNormalization', [
          conv,
          vector(scale),
          vector(shift),
          vector(mean),
          vector(variance),
        ]);
    const flat = builder.node('Flatten', [builder.node('Relu', [normal])]);
    builder.addOutput(builder.node('MatMul', [flat, builder.constant(head, 'head.weight')]));
    return builder.build();
  });
}
