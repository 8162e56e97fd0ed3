import assert from 'node:assert/strict';
import { join } from 'node:path';
import { tap } from '../../../src/engine/rewrites/tap.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Model, Tensor } from '../../../src/onnx/model.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { inferTypes, inferTypesChecked } from '../../../src/onnx/shapes/inferTypes.js';
import type { TensorValue } from '../../../src/onnx/tensorValue.js';
import { brokenForms, oldForms } from '../../support/oldForms.js';
import { oldModel } from '../../support/oldModel.js';
import {
  caseNames,
  committedCases,
  type ConformanceCase,
  itWithOnnxTestData,
  readCase,
} from '../../support/onnxTestData.js';
import { itWithShared } from '../../support/paths.js';
import { sharedModels } from '../../support/sharedModels.js';
import { compareTypes, undeclared } from '../../support/typeTruth.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

async function measuredValues(
  model: Model,
  feeds: Record<string, TensorValue>,
): Promise<Record<string, TensorValue>> {
  const names = model.graph.nodes.flatMap((node) => node.outputs.filter((name) => name !== ''));
  const types = inferTypes(model);
  const tensors = names.filter((name) => types.get(name)?.kind === 'tensor');
  const tapped = tap(model, tensors, types);
  const session = await runtime.open(tapped.model);
  try {
    const results = await session.run(feeds);
    return Object.fromEntries(
      [...tapped.outputs].flatMap(([name, output]) => {
        const value = results[output];
        return value === undefined ? [] : [[name, value] as const];
      }),
    );
  } finally {
    await session.close();
  }
}

function shapesOf(feeds: Record<string, TensorValue>): Record<string, readonly number[]> {
  return Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims]));
}

/** The case with its small later inputs (axes, sizes, limits) as constants, as they are in real models. */
function withConstants({ model, feeds }: ConformanceCase): Model {
  const initializers = new Map<string, Tensor>(model.graph.initializers);
  const inputs = model.graph.inputs.filter(({ name }, i) => {
    const value = feeds[name];
    if (value === undefined || i === 0 || Array.isArray(value.data)) return true;
    if (value.dims.length > 1 || value.data.length > 16 || value.dtype.endsWith('float16')) return true;
    const bytes = new Uint8Array(value.data.buffer, value.data.byteOffset, value.data.byteLength);
    initializers.set(name, {
      name,
      elementType: value.dtype,
      dims: value.dims,
      source: { kind: 'inline', bytes },
    });
    return false;
  });
  return { ...model, graph: { ...model.graph, inputs, initializers } };
}

describe('inferTypes against what runs return', () => {
  for (const [title, form] of [...oldForms, ...brokenForms()]) {
    it(`types old and new forms: ${title}`, async () => {
      const { model, feeds } = oldModel(form);
      const converted = convertToOpset17(model);
      const session = await runtime.open(converted);
      const values = await session.run(feeds);
      await session.close();
      for (const version of [model, converted]) {
        const { contradictions, knownCount, totalCount } = compareTypes(
          inferTypes(undeclared(version)),
          values,
        );
        assert.deepEqual(contradictions, []);
        assert.equal(knownCount, totalCount);
      }
    });
  }

  it('contradicts no stored output of the committed conformance cases', async () => {
    for (const name of caseNames(committedCases)) {
      const found = await readCase(committedCases, name);
      assert.ok(found);
      const { contradictions } = compareTypes(inferTypes(undeclared(found.model)), found.expected);
      assert.deepEqual(contradictions, [], name);
    }
  });

  itWithOnnxTestData('contradicts no stored output of any conformance case', async (dir) => {
    let known = 0;
    let total = 0;
    for (const folder of ['node', 'simple', 'pytorch-operator', 'pytorch-converted']) {
      for (const name of caseNames(join(dir, folder))) {
        const found = await readCase(join(dir, folder), name);
        // These files store bfloat16 bits as uint16.
        if (found === undefined || name.includes('_to_BFLOAT16')) continue;
        for (const model of [found.model, withConstants(found)]) {
          const compared = compareTypes(inferTypes(undeclared(model)), found.expected);
          assert.deepEqual(compared.contradictions, [], name);
          assert.deepEqual(inferTypesChecked(model).conflicts, [], name);
          if (model === found.model) continue;
          known += compared.knownCount;
          total += compared.totalCount;
        }
      }
    }
    assert.ok(known / total > 0.92, `${known} of ${total} outputs are fully known`);
  });

  itWithShared('contradicts no value inside real models and knows more than 95 % of them', async (shared) => {
    let known = 0;
    let total = 0;
    for (const { path, model: original, feeds } of await sharedModels(shared)) {
      for (const model of [original, convertToOpset17(original)]) {
        const values = await measuredValues(model, feeds);
        const given = inferTypes(undeclared(model), { inputShapes: shapesOf(feeds) });
        const compared = compareTypes(given, values);
        assert.deepEqual(compared.contradictions, [], path);
        // Without the shapes of the inputs fewer sizes are known, and none may be false.
        assert.deepEqual(compareTypes(inferTypes(model), values).contradictions, [], path);
        known += compared.knownCount;
        total += compared.totalCount;
      }
    }
    assert.ok(total > 2000 && known / total > 0.95, `${known} of ${total} values are fully known`);
  });
});
