import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import { checkGradients } from '../../../src/engine/gradients/checkGradients.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { caseRuntime } from '../../support/gradientCase.js';
import { runGradient } from '../../support/gradientRun.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { rootDir } from '../../support/paths.js';

/** Both gradients are float32 sums over some dozens of terms. */
const rounding = 1e-4;

/** Half precision has 11 bits; a ReLU at its corner may flip. */
const halfRounding = 0.05;

const xDims = [1, 2, 4, 4];
const wDims = [3, 2, 3, 3];
const yDims = [1, 3, 2, 2];
/** Wide enough that nothing is cut. */
const inputScale = 0.05;
const outputScale = 0.2;
const weightScales = [0.01, 0.02, 0.015];

const int8 = (dims: readonly number[], values: readonly number[]): TensorValue => ({
  dtype: 'int8',
  dims,
  data: Int8Array.from(values),
});
const uint8 = (value: number): TensorValue => ({ dtype: 'uint8', dims: [], data: Uint8Array.of(value) });
const scalar = (value: number): TensorValue => float32Tensor([value], []);

function weightLevels(count: number): readonly number[] {
  const random = createRandom(4);
  return Array.from({ length: count }, () => Math.round(random.normal() * 40));
}

const levels = weightLevels(54);
const realWeight = float32Tensor(
  levels.map((level, i) => level * (weightScales[Math.floor(i / 18)] ?? 1)),
  wDims,
);

function started(dims: readonly number[]): GraphBuilder {
  const empty = emptyModel();
  const builder = new GraphBuilder({ ...empty, opsets: new Map([...empty.opsets, ['com.microsoft', 1]]) });
  builder.addInput('x', floatType(...dims));
  return builder;
}

function finished(builder: GraphBuilder, value: string): Model {
  builder.node('Identity', [value], { outputs: ['y'] });
  builder.addOutput('y');
  return builder.build();
}

function quantisedInput(
  builder: GraphBuilder,
  zero = 128,
): readonly [value: string, scale: string, zero: string] {
  const [scale, point] = [builder.constant(scalar(inputScale)), builder.constant(uint8(zero))];
  return [builder.node('QuantizeLinear', ['x', scale, point]), scale, point];
}

/** Asserts that two models have the same gradient by x under a seeded cotangent, masked for the second. */
async function assertSameGradient(
  ours: Model,
  real: Model,
  { dims, maskOf }: { readonly dims: readonly number[]; readonly maskOf?: (value: number) => boolean },
): Promise<void> {
  const random = createRandom(9);
  const inputDims = ours.graph.inputs[0]!.type;
  assert.ok(inputDims.kind === 'tensor' && inputDims.shape !== null);
  const feeds = { x: normalTensor(random, inputDims.shape.map(Number)) };
  const cotangent = normalTensor(random, dims);
  const found = await runGradient(ours, { feeds, output: 'y', cotangent, wrt: 'x' });
  const results = toFloat64(found.value);
  const kept = Float32Array.from(toFloat64(cotangent), (u, i) => (maskOf?.(results[i]!) === false ? 0 : u));
  const masked = float32Tensor(kept, dims);
  const expected = await runGradient(real, { feeds, output: 'y', cotangent: masked, wrt: 'x' });
  if (maskOf !== undefined) {
    assert.ok(kept.includes(0) && kept.some((u) => u !== 0), 'some is cut and some is not');
  }
  const size = Math.max(...expected.gradient.map(Math.abs));
  expected.gradient.forEach((value, i) => {
    assert.ok(
      Math.abs(found.gradient[i]! - value) <= rounding * size,
      `element ${i}: ${found.gradient[i]}, ${value}`,
    );
  });
}

function realConvolution(): Model {
  const builder = started(xDims);
  return finished(builder, builder.node('Conv', ['x', builder.constant(realWeight, 'w')]));
}

describe('gradients of quantised models', () => {
  it('with QuantizeLinear and DequantizeLinear in pairs are those of the real model', async () => {
    const builder = started(xDims);
    const [value, scale, zero] = quantisedInput(builder);
    const x = builder.node('DequantizeLinear', [value, scale, zero]);
    const weight = builder.node(
      'DequantizeLinear',
      [
        builder.constant(int8(wDims, levels), 'levels'),
        builder.constant(float32Tensor(weightScales, [3])),
        builder.constant(int8([3], [0, 0, 0])),
      ],
      { attributes: { axis: 0 } },
    );
    const model = finished(builder, builder.node('Conv', [x, weight]));
    await assertSameGradient(model, realConvolution(), { dims: yDims });
  });

  for (const zero of [128, 0]) {
    const what = zero === 0 ? 'with a ReLU as its zero point' : 'without cuts';
    it(`through QLinearConv ${what} are those of the real convolution`, async () => {
      const builder = started(xDims);
      const [outScale, outZero] = [builder.constant(scalar(outputScale)), builder.constant(uint8(zero))];
      const levelsName = builder.constant(int8(wDims, levels), 'levels');
      const scales = builder.constant(float32Tensor(weightScales, [3]));
      const zeros = builder.constant(int8([3], [0, 0, 0]));
      const operands = [...quantisedInput(builder), levelsName, scales, zeros, outScale, outZero];
      const levelsOut = builder.node('QLinearConv', operands);
      // What only moves elements hands a quantised value's gradient on.
      const moved = builder.node('Transpose', [builder.node('Transpose', [levelsOut])]);
      const model = finished(builder, builder.node('DequantizeLinear', [moved, outScale, outZero]));
      const maskOf = zero === 0 ? { maskOf: (y: number) => y > 0 } : {};
      await assertSameGradient(model, realConvolution(), { dims: yDims, ...maskOf });
    });
  }

  it('through dynamic quantisation and MatMulInteger are those of the real product', async () => {
    const product = weightLevels(12);
    const builder = started([2, 3]);
    const outputs = ['q', 'scale', 'zero'];
    builder.node('DynamicQuantizeLinear', ['x'], { outputs });
    const weight = builder.constant(int8([3, 4], product), 'levels');
    const sum = builder.node('MatMulInteger', ['q', weight, 'zero']);
    const unit = builder.node('Mul', ['scale', builder.constant(scalar(0.02))]);
    const model = finished(builder, builder.node('Mul', [builder.cast(sum, 1), unit]));
    const real = started([2, 3]);
    const weights = real.constant(
      float32Tensor(
        product.map((level) => level * 0.02),
        [3, 4],
      ),
      'w',
    );
    await assertSameGradient(model, finished(real, real.node('MatMul', ['x', weights])), { dims: [2, 4] });
  });

  it('through QLinearMatMul, QLinearAdd, QLinearSigmoid and QGemm are those of the real operators', async () => {
    const product = weightLevels(12);
    const builder = started([2, 3]);
    const [unit, zero] = [builder.constant(scalar(outputScale)), builder.constant(uint8(128))];
    const weight = builder.constant(int8([3, 4], product), 'levels');
    const weightScale = builder.constant(scalar(0.02));
    const signed = builder.constant(int8([], [0]));
    const input = quantisedInput(builder);
    const a = builder.node('QLinearMatMul', [...input, weight, weightScale, signed, unit, zero]);
    const options = { domain: 'com.microsoft' };
    const b = builder.node('QGemm', [...input, weight, weightScale, signed, '', unit, zero], options);
    const sum = builder.node('QLinearAdd', [a, unit, zero, b, unit, zero, unit, zero], options);
    const model = finished(builder, builder.node('DequantizeLinear', [sum, unit, zero]));
    const real = started([2, 3]);
    const weights = real.constant(
      float32Tensor(
        product.map((level) => level * 0.04),
        [3, 4],
      ),
      'w',
    );
    await assertSameGradient(model, finished(real, real.node('MatMul', ['x', weights])), { dims: [2, 4] });
  });

  it('are not compared with differences by gradient-check, which says so', async () => {
    const model = await readModel(join(rootDir, 'sample-models', 'digits-int8', 'digits-int8.onnx'));
    const feeds = { [model.graph.inputs[0]!.name]: normalTensor(createRandom(1), [2, 1, 28, 28]) };
    const { rows, isPassed } = await checkGradients(model, caseRuntime, { feeds, seed: 1 });
    const statusOf = (operator: string): unknown => rows.find((row) => row.operator === operator)?.status;
    assert.equal(isPassed, true);
    assert.equal(statusOf('QuantizeLinear'), 'not-checked');
    assert.equal(statusOf('(whole model)'), 'not-checked');
    assert.equal(statusOf('Conv'), 'passed');
  });
});

describe('gradients of a model in half precision', () => {
  it('come close to those of the model it was made from', async () => {
    const random = createRandom(2);
    const found: Float64Array[] = [];
    const [image, cotangent] = [normalTensor(random, [2, 1, 28, 28]), normalTensor(random, [2, 10])];
    for (const name of ['digits-cnn', 'digits-fp16']) {
      const model = await readModel(join(rootDir, 'sample-models', name, `${name}.onnx`));
      const [input, output] = [model.graph.inputs[0]!.name, model.graph.outputs[0]!.name];
      const run = { feeds: { [input]: image }, output, cotangent, wrt: input };
      found.push((await runGradient(model, run)).gradient);
    }
    const [single, half] = found;
    const size = Math.sqrt(single!.reduce((sum, value) => sum + value * value, 0));
    const off = Math.sqrt(single!.reduce((sum, value, i) => sum + (value - half![i]!) ** 2, 0));
    // 11 bits over some hundred terms, and few units whose sign rounding turns.
    assert.ok(off <= halfRounding * size, `off by ${off / size}`);
  });
});
