import assert from 'node:assert/strict';
import { createRandom } from '../../src/base/random.js';
import { constantLookup } from '../../src/engine/gradients/constantLookup.js';
import { findRule } from '../../src/engine/gradients/ruleTable.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import { lowerNodes } from '../../src/engine/lowering/lowerNodes.js';
import { opsetOf, type Model } from '../../src/onnx/model.js';
import { inferTypes } from '../../src/onnx/shapes/inferTypes.js';
import { toFloat64 } from '../../src/onnx/tensorValue.js';
import { assertClose, buildCase, caseRuntime, type GradientCase } from './gradientCase.js';

/** Both compute in float32, in another order. */
const rounding = 1e-4;

/** Asserts that the core nodes of a case's composite compute what the composite does. */
export async function checkLowering(given: GradientCase): Promise<void> {
  const built = buildCase(given, createRandom(3));
  const { feeds, outputs } = built;
  const builder = new GraphBuilder(built.model);
  if (given.seeded !== undefined) builder.setOutputs(given.seeded.map((i) => outputs[i] ?? ''));
  const model = builder.build();
  const lowered = lowerWhole(model);
  assert.ok(
    lowered.graph.nodes.every(({ opType, domain }) => opType !== given.op || domain !== (given.domain ?? '')),
    `${given.op} is still there`,
  );
  const [before, after] = [await caseRuntime.open(model), await caseRuntime.open(lowered)];
  const [expected, actual] = [await before.run(feeds), await after.run(feeds)];
  for (const i of given.seeded ?? outputs.keys()) {
    const name = outputs[i] ?? '';
    const what = `${given.op}: output ${i}`;
    assert.deepEqual(actual[name]?.dims, expected[name]?.dims, `${what}: shape`);
    assertClose(actual[name]!, toFloat64(expected[name]!), { tolerance: rounding, what });
  }
}

/** Returns the model with every composite replaced by core nodes. */
export function lowerWhole(model: Model): Model {
  const types = inferTypes(model, { keepsUnnamed: true });
  const choice = { overrides: [], opset: opsetOf(model) };
  return lowerNodes(model, {
    nodes: model.graph.nodes,
    isCovered: (node) => findRule(node, choice) !== undefined,
    isPrepared: (node) => findRule(node, choice)?.prepare !== undefined,
    replacesAll: true,
    typeOf: (name) => types.get(name) ?? { kind: 'unknown' },
    constantsOf: constantLookup,
  }).model;
}
