import { createRandom } from '../../../src/base/random.js';
import type { Model } from '../../../src/onnx/model.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { int64Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import { conditionalModel, loopModel, nestedModel, scanModel } from '../../support/controlFlowModels.js';
import { checkDerivatives } from '../../support/secondOrderCase.js';

interface Point {
  readonly wrt: Readonly<Record<string, readonly number[]>>;
  readonly fixed?: Readonly<Record<string, TensorValue>>;
}

const int = (value: number): TensorValue => int64Tensor([value], []);
const flag = (value: boolean): TensorValue => ({
  dtype: 'bool',
  dims: [],
  data: Uint8Array.of(value ? 1 : 0),
});

/** Reverse mode, forward mode and second order in float64, by every operand. */
async function check(model: Model, { wrt, fixed = {} }: Point, seed = 11): Promise<void> {
  const random = createRandom(seed);
  const feeds: Record<string, TensorValue> = { ...fixed };
  for (const [name, dims] of Object.entries(wrt)) {
    const data = new Float64Array(dims.reduce((a, b) => a * b, 1)).map(() => random.normal() * 0.7);
    feeds[name] = { dtype: 'float64', dims, data };
  }
  const graphs = {
    model,
    feeds,
    wrt: Object.keys(wrt),
    outputs: model.graph.outputs.map((output) => output.name),
    types: inferTypes(model, { keepsUnnamed: true }),
    type: 'float64',
  } as const;
  await checkDerivatives(graphs, random, model.graph.nodes[0]!.opType);
}

describe('derivatives through If', () => {
  const wrt = { x: [2, 3], w: [3, 3], b: [3] };
  for (const value of [true, false]) {
    it(`equal differences in the ${value ? 'then' : 'else'} branch`, async () => {
      await check(conditionalModel(), { wrt, fixed: { flag: flag(value) } });
    });
  }

  it('are 0 by what only the branch not taken captures', async () => {
    await check(conditionalModel(), {
      wrt: { b: [3] },
      fixed: { flag: flag(false), x: double([2, 3]), w: double([3, 3]) },
    });
  });
});

function double(dims: readonly number[]): TensorValue {
  const random = createRandom(3);
  const data = new Float64Array(dims.reduce((a, b) => a * b, 1)).map(() => random.normal());
  return { dtype: 'float64', dims, data };
}

describe('derivatives through Loop', () => {
  const wrt = { x: [2, 3], h0: [2, 3], w: [3, 3] };
  for (const count of [1, 4]) {
    it(`equal differences with ${count} iterations`, async () => {
      await check(loopModel('count'), { wrt, fixed: { count: int(count), limit: int(0) } });
    });
  }

  it('equal differences where a condition ends it', async () => {
    await check(loopModel('condition'), { wrt, fixed: { count: int(0), limit: int(3) } });
  });

  it('are those of the initial values when there is no iteration', async () => {
    await check(loopModel('count'), { wrt, fixed: { count: int(0), limit: int(0) } });
  });

  it('equal differences with an If inside', async () => {
    await check(nestedModel(), { wrt: { x: [2, 3], w: [3, 3] }, fixed: { count: int(5) } });
  });
});

describe('derivatives through Scan', () => {
  for (const axis of [0, 1]) {
    for (const direction of [0, 1]) {
      it(`equal differences along axis ${axis}, ${direction === 0 ? 'forwards' : 'backwards'}`, async () => {
        const x = axis === 0 ? [4, 2, 3] : [2, 4, 3];
        await check(scanModel({ axis, direction }), { wrt: { x, h0: [2, 3], w: [3, 3], s0: [2, 3] } });
      });
    }
  }
});
