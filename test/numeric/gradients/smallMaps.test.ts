import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { differentiate } from '../../../src/engine/gradients/differentiate.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { assertClose, caseRuntime } from '../../support/gradientCase.js';
import { emptyModel, normalTensor } from '../../support/modelBuilder.js';

const [batch, out, inner, rows, columns] = [2, 9000, 24, 2, 3];
const kernel = [2, 3] as const;
const [padRows, padColumns] = [1, 2];
/** Of the kernel's rows. */
const dilation = 2;

describe('gradient of a Conv with small maps and a large constant weight', () => {
  it('is a product for all samples that equals the sum over taps, worked out one by one', async () => {
    const random = createRandom(8);
    const weight = normalTensor(random, [out, inner, ...kernel]);
    const narrow = [rows + padRows - dilation, columns + padColumns - 2] as const;
    const cotangent = normalTensor(random, [batch, out, ...narrow]);
    const builder = new GraphBuilder(emptyModel(17));
    const float = (shape: (number | string)[]) =>
      ({ kind: 'tensor', elementType: 'float32', shape }) as const;
    builder.addInput('x', float(['N', inner, rows, columns]));
    builder.addInput('u', float(['N', out, ...narrow]));
    const attributes = { kernel_shape: kernel, dilations: [dilation, 1], pads: [padRows, padColumns, 0, 0] };
    const y = builder.node('Conv', ['x', builder.constant(weight)], { attributes });
    builder.addOutput(y);
    const model = builder.build();
    const seeds = [{ value: y, cotangent: 'u' }];
    const both = differentiate(model, { seeds, wrt: ['x'], types: inferTypes(model) });
    const last = new GraphBuilder(both.model);
    last.setOutputs([both.gradients.get('x')!]);
    const changed = last.build();
    assert.deepEqual(
      changed.graph.nodes.map((node) => node.opType).filter((op) => op.startsWith('Conv') || op === 'MatMul'),
      ['Conv', 'MatMul'],
    );
    const session = await caseRuntime.open(changed);
    const x = normalTensor(random, [batch, inner, rows, columns]);
    const [gradient] = Object.values(await session.run({ x, u: cotangent }));
    const expected = transposed(toFloat64(weight), toFloat64(cotangent), narrow);
    assertClose(gradient!, expected, { tolerance: 1e-5, what: 'd/dx' });
    assert.deepEqual(gradient!.dims, x.dims);
  });
});

/** Σ over outputs and taps of weight · cotangent, added where the window of each result meets the input. */
function transposed(
  weight: Float64Array,
  cotangent: Float64Array,
  [high, wide]: readonly [number, number],
): Float64Array {
  const sums = new Float64Array(batch * inner * rows * columns);
  for (let n = 0; n < batch; n++) {
    for (let h = 0; h < high; h++) {
      for (let w = 0; w < wide; w++) {
        for (let tap = 0; tap < 6; tap++) {
          const row = h - padRows + dilation * Math.floor(tap / 3);
          const column = w - padColumns + (tap % 3);
          if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
          for (let m = 0; m < out; m++) {
            const u = cotangent[((n * out + m) * high + h) * wide + w]!;
            for (let c = 0; c < inner; c++) {
              sums[((n * inner + c) * rows + row) * columns + column]! +=
                u * weight[(m * inner + c) * 6 + tap]!;
            }
          }
        }
      }
    }
  }
  return sums;
}
