import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { int32 } from '../../support/caseOperands.js';
import { assertClose, caseRuntime } from '../../support/gradientCase.js';
import { lowerWhole } from '../../support/loweringCheck.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';

type Feeds = Readonly<Record<string, TensorValue>>;

const domain = 'com.microsoft';
const num_heads = 2;

function started(feeds: Feeds): GraphBuilder {
  const empty = emptyModel();
  const builder = new GraphBuilder({ ...empty, opsets: new Map([...empty.opsets, [domain, 1]]) });
  for (const [name, { dims }] of Object.entries(feeds)) builder.addInput(name, floatType(...dims));
  return builder;
}

function finished(
  builder: GraphBuilder,
  opType: string,
  inputs: readonly string[],
  more: readonly string[] = [],
): Model {
  builder.node(opType, inputs, { outputs: ['y', ...more], domain, attributes: { num_heads } });
  builder.addOutput('y');
  return builder.build();
}

/** The forms that the CPU has no kernel for give, lowered, what the forms that it has give. */
async function assertSame(lowered: Model, run: Model, feeds: Feeds): Promise<void> {
  const [ours, theirs] = [await caseRuntime.open(lowerWhole(lowered)), await caseRuntime.open(run)];
  const expected = toFloat64((await theirs.run(feeds))['y']!);
  assertClose((await ours.run(feeds))['y']!, expected, { tolerance: 1e-5, what: 'y' });
}

/** Appends one part of packed operands [B, T, heads, parts, w] as [B, T, heads·w]. */
function unpack(builder: GraphBuilder, packed: string, part: number): string {
  const at = builder.constant({ dtype: 'int64', dims: [], data: BigInt64Array.of(BigInt(part)) });
  const own = builder.node('Gather', [packed, at], { attributes: { axis: 3 } });
  return builder.node('Reshape', [own, builder.int64s([0, 0, -1])]);
}

describe('lowered attention', () => {
  it('takes queries, keys and values from one packed operand', async () => {
    const feeds = { packed: normalTensor(createRandom(1), [2, 3, num_heads, 3, 4]) };
    const packed = finished(started(feeds), 'MultiHeadAttention', ['packed']);
    const builder = started(feeds);
    const parts = [0, 1, 2].map((part) => unpack(builder, 'packed', part));
    await assertSame(packed, finished(builder, 'MultiHeadAttention', parts), feeds);
  });

  it('takes keys and values from one packed operand', async () => {
    const random = createRandom(2);
    const query = normalTensor(random, [2, 3, 4 * num_heads]);
    const feeds = { query, packed: normalTensor(random, [2, 5, num_heads, 2, 4]) };
    const packed = finished(started(feeds), 'MultiHeadAttention', ['query', 'packed']);
    const builder = started(feeds);
    const parts = [0, 1].map((part) => unpack(builder, 'packed', part));
    await assertSame(packed, finished(builder, 'MultiHeadAttention', ['query', ...parts]), feeds);
  });

  it('reads the rows of a mask for longer texts that are about its queries', async () => {
    const random = createRandom(3);
    // Two tokens after a past of one: rows 1 and 2, columns 0 to 2 of the 4 × 4 mask.
    const feeds = { x: normalTensor(random, [1, 2, 4]), past: normalTensor(random, [2, 1, num_heads, 1, 2]) };
    const weight = normalTensor(random, [4, 12]);
    const bias = normalTensor(random, [12]);
    const withMask = (mask: TensorValue): Model => {
      const builder = started(feeds);
      const operands = [weight, bias, mask].map((value) => builder.constant(value));
      return finished(builder, 'Attention', ['x', ...operands, 'past'], ['present']);
    };
    const rows = [1, 0, 0, 0, 0, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0];
    const own = [0, 1, 0, 1, 0, 1];
    await assertSame(withMask(int32([1, 1, 4, 4], rows)), withMask(int32([1, 2, 3], own)), feeds);
  });
});
