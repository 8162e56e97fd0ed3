import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { checkCase } from '../../support/gradientCase.js';
import { runGradient } from '../../support/gradientRun.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';

const int8 = (dims: readonly number[], values: readonly number[]): TensorValue => ({
  dtype: 'int8',
  dims,
  data: Int8Array.from(values),
});

/** Two whole blocks of two and a cut one, along each axis. */
const blocked = [
  { axis: 1, dims: [2, 5], scales: [2, 3] },
  { axis: 0, dims: [5, 2], scales: [3, 2] },
  { axis: 1, dims: [2, 5, 3], scales: [2, 3, 3] },
] as const;

describe('gradients of quantisation in blocks', () => {
  for (const { axis, dims, scales } of blocked) {
    const attributes = { axis, block_size: 2 };
    const count = dims.reduce((product: number, size) => product * size, 1);
    const blockCount = scales.reduce((product: number, size) => product * size, 1);
    const levels = int8(
      dims,
      Array.from({ length: count }, (_, i) => ((i * 37) % 200) - 100),
    );
    const zeros = int8(
      scales,
      Array.from({ length: blockCount }, (_, i) => i - 3),
    );

    it(`equal differences by the scales of [${dims.join()}] along axis ${axis}`, async () => {
      const scale = { wrt: normalTensor(createRandom(2), scales, 0.1) };
      await checkCase({ op: 'DequantizeLinear', inputs: [levels, scale, zeros], attributes, opset: 21 });
    });

    it(`pass straight through [${dims.join()}] along axis ${axis} where nothing is cut`, async () => {
      const builder = new GraphBuilder(emptyModel(21));
      builder.addInput('x', floatType(...dims));
      const steps = Float32Array.from({ length: blockCount }, (_, i) => 0.005 * ((i % 6) + 1));
      const operands = [builder.constant(float32Tensor(steps, scales)), builder.constant(zeros)];
      const q = builder.node('QuantizeLinear', ['x', ...operands], { attributes });
      // What comes out counts in units of another scale, so that a wrong block shows.
      const twice = builder.constant(
        float32Tensor(
          steps.map((step) => 2 * step),
          scales,
        ),
      );
      builder.node('DequantizeLinear', [q, twice, operands[1]!], { outputs: ['y'], attributes });
      builder.addOutput('y');
      const random = createRandom(5);
      const [x, cotangent] = [normalTensor(random, dims), normalTensor(random, dims)];
      const run = { feeds: { x }, output: 'y', cotangent, wrt: 'x' };
      const { gradient } = await runGradient(builder.build(), run);
      const [at, u] = [toFloat64(x), toFloat64(cotangent)];
      let cutCount = 0;
      gradient.forEach((value, i) => {
        const block = blockOf(i, { axis, dims, scales });
        const level = Math.round(at[i]! / steps[block]!) + Number(zeros.data[block]);
        const isCut = level <= -128 || level >= 127;
        cutCount += isCut ? 1 : 0;
        const expected = isCut ? 0 : 2 * u[i]!;
        assert.ok(Math.abs(value - expected) <= 1e-5, `element ${i}: ${value}, not ${expected}`);
      });
      assert.ok(cutCount > 0 && cutCount < count, 'some is cut and some is not');
    });
  }
});

/** The place among the scales of an element's block of two. */
function blockOf(
  flat: number,
  {
    axis,
    dims,
    scales,
  }: { readonly axis: number; readonly dims: readonly number[]; readonly scales: readonly number[] },
): number {
  let rest = flat;
  const place = new Array<number>(dims.length).fill(0);
  for (let at = dims.length - 1; at >= 0; at--) {
    place[at] = rest % dims[at]!;
    rest = Math.floor(rest / dims[at]!);
  }
  return scales.reduce(
    (index, size, at) => index * size + (at === axis ? Math.floor(place[at]! / 2) : place[at]!),
    0,
  );
}
