import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { latestOpset } from '../../../src/engine/gradients/gradientRule.js';
import { gradientRules } from '../../../src/engine/gradients/ruleTable.js';
import { lowerings } from '../../../src/engine/lowering/loweringTable.js';
import { intervene } from '../../../src/engine/rewrites/intervene.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { buildCase, caseRuntime, type GradientCase } from '../../support/gradientCase.js';
import { loweringCases } from '../../support/loweringCases.js';
import { caseByOperator, inside, one, withoutOperands } from '../../support/smallGradientCases.js';

const firstOpset = 17;

/** Runs the case and, changed, once more: everything becomes ½ more, and then the last index of the last axis −3 times that. */
async function assertChanged(given: GradientCase): Promise<void> {
  const { model, feeds } = buildCase(given, createRandom(3));
  const plain = await (await caseRuntime.open(model)).run(feeds, ['y0']);
  const y = plain['y0']!;
  const rank = y.dims.length;
  const last = { axis: rank - 1, indices: [-1] };
  const half = { dtype: 'float32', dims: [], data: Float32Array.of(0.5) } as const;
  const changed = intervene(model, [
    { value: 'y0', rank, change: { kind: 'add', direction: half } },
    { value: 'y0', rank, change: { kind: 'scale', factor: -3 }, where: rank === 0 ? [] : [last] },
  ]);
  const found = (await (await caseRuntime.open(changed)).run(feeds, ['y0']))['y0']!;
  assert.deepEqual(found.dims, y.dims);
  const width = y.dims.at(-1) ?? 1;
  const [before, after] = [toFloat64(y), toFloat64(found)];
  before.forEach((value, i) => {
    const expected = (value + 0.5) * (rank === 0 || i % width === width - 1 ? -3 : 1);
    const size = Math.max(1, Math.abs(expected));
    assert.ok(Math.abs(after[i]! - expected) <= 1e-6 * size, `element ${i}: ${after[i]}, not ${expected}`);
  });
}

describe('interventions on the result of', () => {
  for (const { opType, domain, opsets } of gradientRules) {
    if (withoutOperands.includes(opType)) continue;
    const { lastOpset = latestOpset, ...given } = caseByOperator.get(opType) ?? one;
    const opset = Math.max(opsets[0], Math.min(firstOpset, opsets[1], lastOpset));
    it(`${domain === '' ? '' : `${domain}:`}${opType}`, () =>
      assertChanged({ map: inside, ...given, op: opType, domain, opset }));
  }

  for (const { opType, domain } of lowerings) {
    const [given] = loweringCases[`${domain}:${opType}`] ?? [];
    if (given === undefined) continue;
    it(`${domain === '' ? '' : `${domain}:`}${opType}, which is lowered`, () =>
      assertChanged({ ...given, op: opType, domain }));
  }
});
