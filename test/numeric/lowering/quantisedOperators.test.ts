import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { caseRuntime } from '../../support/gradientCase.js';
import { runGradient } from '../../support/gradientRun.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import {
  type Operands,
  quantisedCases,
  resultStep,
  scalar,
  step,
  zeroPoint,
} from '../../support/quantisedCases.js';

/** Both gradients are float32 sums over some dozens of terms. */
const rounding = 1e-4;

function started(dims: readonly number[]): GraphBuilder {
  const empty = emptyModel();
  const builder = new GraphBuilder({ ...empty, opsets: new Map([...empty.opsets, ['com.microsoft', 1]]) });
  builder.addInput('x', floatType(...dims));
  return builder;
}

function operandsOf(builder: GraphBuilder): Operands {
  const [scale, zero] = [scalar(builder, step), zeroPoint(builder, 'uint8', 128)];
  const levels = builder.node('QuantizeLinear', ['x', scale, zero]);
  const result = [scalar(builder, resultStep), zero] as const;
  return { x: [levels, scale, zero], result, real: 'x' };
}

/** Normal numbers on the grid of the input's levels, so that rounding changes none of them. */
function onGrid(dims: readonly number[]): TensorValue {
  const random = createRandom(7);
  const data = normalTensor(random, dims).data as Float32Array;
  return float32Tensor(
    data.map((value) => Math.fround(Math.round(value / step) * step)),
    dims,
  );
}

describe('gradients through quantised operators', () => {
  for (const [name, { dims, ours, real, isReal = false }] of Object.entries(quantisedCases)) {
    it(`through ${name} are those of the real operator where nothing is cut`, async () => {
      const builder = started(dims);
      const operands = operandsOf(builder);
      const made = ours(builder, operands);
      const zero = name === 'QLinearMul' ? zeroPoint(builder, 'int8', 0) : operands.result[1];
      const y = isReal ? made : builder.node('DequantizeLinear', [made, operands.result[0], zero]);
      const equivalent = started(dims);
      const realY = real(equivalent, { ...operands, real: 'x' });
      for (const [graph, value] of [
        [builder, y],
        [equivalent, realY],
      ] as const) {
        graph.node('Identity', [value], { outputs: ['y'] });
        graph.addOutput('y');
      }
      const feeds = { x: onGrid(dims) };
      const shape = await shapeOfResult(equivalent, feeds.x);
      const run = { feeds, output: 'y', cotangent: normalTensor(createRandom(9), shape), wrt: 'x' };
      const [found, expected] = [
        await runGradient(builder.build(), run),
        await runGradient(equivalent.build(), run),
      ];
      // The result itself is the real one, rounded: the models say the same thing.
      const results = toFloat64(expected.value);
      if (name !== 'MatMulIntegerToFloat') {
        toFloat64(found.value).forEach((value, i) => {
          assert.ok(Math.abs(value - results[i]!) <= resultStep, `result ${i}`);
        });
      }
      const size = Math.max(...expected.gradient.map(Math.abs));
      assert.ok(size > 0);
      expected.gradient.forEach((value, i) => {
        assert.ok(
          Math.abs(found.gradient[i]! - value) <= rounding * size,
          `element ${i}: ${found.gradient[i]}, not ${value}`,
        );
      });
    });
  }
});

async function shapeOfResult(builder: GraphBuilder, x: TensorValue): Promise<readonly number[]> {
  const session = await caseRuntime.open(builder.build());
  return (await session.run({ x }))['y']!.dims;
}
