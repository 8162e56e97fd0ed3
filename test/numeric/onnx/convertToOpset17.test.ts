import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import { makeNode } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { type Model, opsetOf } from '../../../src/onnx/model.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { readModel } from '../../../src/onnx/readModel.js';
import type { TensorValue } from '../../../src/onnx/tensorValue.js';
import { normalTensor } from '../../support/modelBuilder.js';
import { brokenForms, oldForms, x3, x4 } from '../../support/oldForms.js';
import { bodyOf, float, oldModel } from '../../support/oldModel.js';
import {
  caseNames,
  committedCases,
  itWithOnnxTestData,
  largestDifference,
  readCase,
} from '../../support/onnxTestData.js';
import { itWithShared } from '../../support/paths.js';
import { sharedModels } from '../../support/sharedModels.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

/** Relative to max(1, |stored|): the stored outputs come from NumPy and PyTorch, which add in other orders. */
const storedTolerance = 1e-4;

/** Relative to max(1, |original|): MeanVarianceNormalization without variance is a ReduceMean and a Sub, which add in another order. */
const originalTolerance = 1e-6;

async function outputsOf(
  model: Model,
  feeds: Record<string, TensorValue>,
): Promise<Record<string, TensorValue>> {
  const session = await runtime.open(model);
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

async function outputsIfRunnable(
  model: Model,
  feeds: Record<string, TensorValue>,
): Promise<Record<string, TensorValue> | undefined> {
  try {
    return await outputsOf(model, feeds);
  } catch {
    return undefined;
  }
}

function assertSame(
  actual: Readonly<Record<string, TensorValue>>,
  expected: Readonly<Record<string, TensorValue>>,
  { tolerance, what }: { readonly tolerance: number; readonly what: string },
): void {
  for (const [name, value] of Object.entries(expected)) {
    const own = actual[name];
    assert.ok(own, `${what}: output ${name} is missing`);
    const difference = largestDifference(own, value);
    assert.ok(difference <= tolerance, `${what}: output ${name} differs by ${difference}`);
  }
}

const random = createRandom(8);

describe('convertToOpset17', () => {
  for (const [title, form] of oldForms) {
    it(`converts to the same numbers: ${title}`, async () => {
      const { model, feeds } = oldModel(form);
      const converted = convertToOpset17(model);
      assert.equal(opsetOf(converted), 17);
      assertSame(await outputsOf(converted, feeds), await outputsOf(model, feeds), {
        tolerance: originalTolerance,
        what: title,
      });
    });
  }

  for (const [title, form, expected] of brokenForms()) {
    it(`gives old forms their meaning: ${title}`, async () => {
      const { model, feeds } = oldModel(form);
      const actual = await outputsOf(convertToOpset17(model), feeds);
      // Sums of three float32 products against float64.
      assertSame(actual, { out0: expected }, { tolerance: 1e-5, what: title });
    });
  }

  it('returns the mask of Dropout-7 in the type of the data', async () => {
    const { model, feeds } = oldModel({ opset: 7, op: 'Dropout', inputs: [x3], outputCount: 2 });
    const { out1 } = await outputsOf(convertToOpset17(model), feeds);
    assert.equal(out1?.dtype, 'float32');
    assert.deepEqual(out1.dims, x3.dims);
  });

  it('converts inside bodies', async () => {
    const branch = (axis: number, name: string): ReturnType<typeof bodyOf> =>
      bodyOf(
        [
          makeNode('Softmax', ['in1'], { attributes: { axis }, outputs: [`${name}/soft`] }),
          makeNode('Clip', [`${name}/soft`], { attributes: { max: float(0.2) }, outputs: [name] }),
        ],
        [name],
      );
    for (const condition of [0, 1]) {
      const flag: TensorValue = { dtype: 'bool', dims: [], data: Uint8Array.of(condition) };
      const { model, feeds } = oldModel({
        opset: 9,
        op: 'If',
        inputs: [flag, x4],
        attributes: { then_branch: branch(1, 'a'), else_branch: branch(2, 'b') },
      });
      // `in1` is read by the bodies only.
      const [node] = model.graph.nodes;
      const graph = { ...model.graph, nodes: [{ ...node!, inputs: ['in0'] }] };
      const captured = { ...model, graph };
      const expected = await outputsOf(captured, feeds);
      assertSame(await outputsOf(convertToOpset17(captured), feeds), expected, { tolerance: 0, what: 'If' });
    }
  });

  it('converts functions of an older opset than the model', async () => {
    const { model, feeds } = oldModel({ opset: 17, op: 'Identity', inputs: [x4] });
    const body = [
      makeNode('Softmax', ['data'], { attributes: { axis: 1 }, outputs: ['soft'] }),
      makeNode('Squeeze', ['soft'], { attributes: { axes: [0] }, outputs: ['result'] }),
      makeNode('Unsqueeze', ['result'], { attributes: { axes: [0] }, outputs: ['back'] }),
    ];
    const single = normalTensor(random, [1, 3, 4, 4]);
    const definition = {
      name: 'Soft',
      domain: 'test',
      overload: '',
      inputs: ['data'],
      outputs: ['back'],
      attributeNames: [],
      attributeDefaults: new Map(),
      nodes: body,
      opsets: new Map([['', 11]]),
      valueInfo: new Map(),
      metadata: new Map(),
    };
    const call = makeNode('Soft', ['in0'], { domain: 'test', outputs: ['out0'] });
    const input = {
      ...model.graph.inputs[0]!,
      type: { kind: 'tensor', elementType: 'float32', shape: single.dims } as const,
    };
    const calling: Model = {
      ...model,
      opsets: new Map([...model.opsets, ['test', 1]]),
      graph: { ...model.graph, nodes: [call], inputs: [input] },
      functions: [definition],
    };
    const converted = convertToOpset17(calling);
    assert.equal(converted.functions[0]?.opsets.get(''), 17);
    const old = oldModel({ opset: 11, op: 'Softmax', inputs: [single], attributes: { axis: 1 } });
    const expected = await outputsOf(old.model, old.feeds);
    assertSame(await outputsOf(converted, { ...feeds, in0: single }), expected, {
      tolerance: 0,
      what: 'function',
    });
  });

  it('gives the outputs stored with the committed conformance cases', async () => {
    const names = caseNames(committedCases);
    assert.equal(names.length, 15);
    for (const name of names) {
      const found = await readCase(committedCases, name);
      assert.ok(found, name);
      const actual = await outputsOf(convertToOpset17(found.model), found.feeds);
      assertSame(actual, found.expected, { tolerance: storedTolerance, what: name });
    }
  });

  itWithOnnxTestData(
    'gives the outputs of the original for every conformance case of opset 6 to 16',
    async (dir) => {
      let checkedCount = 0;
      for (const folder of ['node', 'simple', 'pytorch-operator', 'pytorch-converted']) {
        for (const name of caseNames(join(dir, folder))) {
          const found = await readCase(join(dir, folder), name);
          if (found === undefined || !isOld(found.model)) continue;
          const converted = convertToOpset17(found.model);
          const original = await outputsIfRunnable(found.model, found.feeds);
          const actual = await outputsIfRunnable(converted, found.feeds);
          if (original !== undefined) {
            assert.ok(actual, `${name} no longer runs`);
            assertSame(actual, original, { tolerance: 0, what: name });
          } else if (actual !== undefined) {
            assertSame(actual, found.expected, { tolerance: storedTolerance, what: name });
          }
          if (actual !== undefined) checkedCount++;
        }
      }
      // Cases that neither form runs (types without kernels, batch-first recurrent layers) are not counted.
      assert.ok(checkedCount >= 930, `${checkedCount} cases were checked`);
    },
  );

  itWithShared('gives the outputs of the original for real models', async (shared) => {
    for (const { path, feeds } of await sharedModels(shared)) {
      const model = await readModel(path);
      const expected = await outputsOf(model, feeds);
      // Float differences between kernels that fuse differently after conversion.
      assertSame(await outputsOf(convertToOpset17(model), feeds), expected, { tolerance: 1e-6, what: path });
    }
  });
});

function isOld(model: Model): boolean {
  const opset = opsetOf(model);
  return opset >= 6 && opset <= 16;
}
