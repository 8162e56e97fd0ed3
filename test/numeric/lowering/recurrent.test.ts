import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { bodyGraph, tensorType } from '../../support/controlFlowModels.js';
import { assertClose, caseRuntime } from '../../support/gradientCase.js';
import { checkLowering, lowerWhole } from '../../support/loweringCheck.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { recurrentCases } from '../../support/recurrentCases.js';
import { checkDerivatives } from '../../support/secondOrderCase.js';

const hidden = 2;

/** A recurrent layer over x with one constant for every weight. */
function layer(opType: 'LSTM' | 'GRU', layout: 0 | 1): Model {
  const gates = opType === 'LSTM' ? 4 : 3;
  const random = createRandom(2);
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', layout === 1 ? floatType('N', 'T', 3) : floatType('T', 'N', 3));
  const weight = (dims: readonly number[]): string => builder.constant(normalTensor(random, dims, 0.5), 'w');
  const inputs = ['x', weight([2, gates * hidden, 3]), weight([2, gates * hidden, hidden])];
  const attributes = { hidden_size: hidden, direction: 'bidirectional', layout };
  builder.node(opType, inputs, { outputs: ['y', 'h'], attributes });
  builder.addOutput('y');
  builder.addOutput('h');
  return builder.build();
}

async function run(model: Model, x: TensorValue): Promise<Record<string, TensorValue>> {
  const session = await caseRuntime.open(model);
  return { ...(await session.run({ x })) };
}

/** Swaps the first two axes of [A, B, …]. */
function swapped({ dims, data }: TensorValue): TensorValue {
  const [a = 1, b = 1, ...rest] = dims;
  const size = rest.reduce((product, dim) => product * dim, 1);
  const result = new Float32Array(data.length);
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let k = 0; k < size; k++) result[(j * a + i) * size + k] = Number(data[(i * b + j) * size + k]);
    }
  }
  return { dtype: 'float32', dims: [b, a, ...rest], data: result };
}

describe('lowered recurrent layers', () => {
  for (const opType of ['LSTM', 'GRU'] as const) {
    it(`compute ${opType} with the batch first, which the runtime itself does not`, async () => {
      const x = normalTensor(createRandom(8), [3, 5, 3]);
      const timeFirst = await run(layer(opType, 0), x);
      const batchFirst = await run(lowerWhole(layer(opType, 1)), swapped(x));
      const what = { tolerance: 1e-5, what: opType };
      assertClose(batchFirst['h']!, toFloat64(swapped(timeFirst['h']!)), what);
      // [T, D, B, H] → [B, T, D, H], one direction after the other
      assert.deepEqual(batchFirst['y']!.dims, [5, 3, 2, hidden]);
      const y = timeFirst['y']!;
      const expected = Array.from({ length: y.data.length }, (_, flat) => {
        const [k, d, t, b] = [
          flat % 2,
          Math.floor(flat / 2) % 2,
          Math.floor(flat / 4) % 3,
          Math.floor(flat / 12),
        ];
        return Number(y.data[((t * 2 + d) * 5 + b) * 2 + k]);
      });
      assertClose(batchFirst['y']!, expected, what);
    });
  }

  for (const [operator, cases] of Object.entries(recurrentCases)) {
    it(`cut what enters the activations of ${operator.slice(1)} at ±clip in every step`, async () => {
      const given = cases.find(({ attributes }) => attributes?.['direction'] === 'bidirectional')!;
      const attributes = { ...given.attributes, clip: { kind: 'float', value: 0.3 } as const };
      await checkLowering({ ...given, attributes, op: operator.slice(1) });
    });
  }

  it('have forward mode and second order, with steps known at run time only', async () => {
    for (const opType of ['LSTM', 'GRU'] as const) {
      const model = layer(opType, 0);
      const x = normalTensor(createRandom(4), [4, 2, 3]);
      await checkDerivatives(graphsOf(model, { x }, ['x']), createRandom(5), opType);
    }
  });

  it('have a gradient inside a branch of an If inside a branch of an If', async () => {
    const feeds = { x: normalTensor(createRandom(4), [4, 2, 3]), flag: flag(true), other: flag(false) };
    await checkDerivatives(graphsOf(nestedLstm(), feeds, ['x']), createRandom(6), 'nested LSTM');
  });
});

function flag(value: boolean): TensorValue {
  return { dtype: 'bool', dims: [], data: Uint8Array.of(value ? 1 : 0) };
}

function graphsOf(
  model: Model,
  feeds: Readonly<Record<string, TensorValue>>,
  wrt: readonly string[],
): Parameters<typeof checkDerivatives>[0] {
  const outputs = model.graph.outputs.map((output) => output.name);
  return { model, feeds, wrt, outputs, types: inferTypes(model, { keepsUnnamed: true }), type: 'float32' };
}

/** Both Ifs capture x; the weights of the LSTM stand in the innermost body. */
function nestedLstm(): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('T', 'N', 3));
  builder.addInput('flag', tensorType('bool'));
  builder.addInput('other', tensorType('bool'));
  const random = createRandom(1);
  const lstm = bodyGraph({}, (inner) => {
    const weight = (dims: readonly number[]): string => inner.constant(normalTensor(random, dims, 0.5), 'w');
    const inputs = ['x', weight([1, 4 * hidden, 3]), weight([1, 4 * hidden, hidden])];
    inner.node('LSTM', inputs, { outputs: ['all'], attributes: { hidden_size: hidden } });
    return [inner.node('Squeeze', ['all', inner.int64s([1])], { outputs: ['states'] })];
  });
  const plain = bodyGraph({}, (inner) => [
    inner.node('Slice', ['x', inner.int64s([0]), inner.int64s([2]), inner.int64s([2])], { outputs: ['cut'] }),
  ]);
  const outer = bodyGraph({}, (inner) => {
    inner.node('If', ['other'], {
      outputs: ['chosen'],
      attributes: { then_branch: plain, else_branch: lstm },
      name: 'inner',
    });
    return [inner.node('Tanh', ['chosen'], { outputs: ['tanh'] })];
  });
  const elsewhere = bodyGraph({}, (inner) => [
    inner.node('Slice', ['x', inner.int64s([1]), inner.int64s([3]), inner.int64s([2])], {
      outputs: ['cut2'],
    }),
  ]);
  builder.node('If', ['flag'], {
    outputs: ['y'],
    attributes: { then_branch: outer, else_branch: elsewhere },
    name: 'outer',
  });
  builder.addOutput('y');
  return builder.build();
}
