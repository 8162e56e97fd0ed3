import assert from 'node:assert/strict';
import { join } from 'node:path';
import { conformanceOf } from '../../support/conformance.js';
import { caseNames, committedCases, itWithOnnxTestData, readCase } from '../../support/onnxTestData.js';

/** Asserts that a case gives the same bits when it is written and when it is tapped, and that its gradients are right. */
async function assertConforms(dir: string, name: string): Promise<boolean> {
  const found = await readCase(dir, name);
  if (found === undefined) return false;
  const result = await conformanceOf(dir, found);
  for (const question of ['write', 'tap', 'gradient'] as const) {
    const { status, note } = result[question];
    assert.ok(status !== 'failed' && status !== 'missing', `${name}, ${question}: ${note}`);
  }
  return result.gradient.status === 'passed';
}

/** Every how many cases of the whole data one is tried here; `npm run conformance` tries all. */
const stride = 25;

describe('conformance', () => {
  it('of the committed cases holds when written, tapped and differentiated', async () => {
    for (const name of caseNames(committedCases)) await assertConforms(committedCases, name);
  });

  itWithOnnxTestData(
    'of every 25th of the packaged cases holds when written, tapped and differentiated',
    async (dir) => {
      let differentiatedCount = 0;
      for (const folder of ['node', 'simple', 'pytorch-operator', 'pytorch-converted']) {
        const names = caseNames(join(dir, folder)).filter((_, i) => i % stride === 0);
        for (const name of names) if (await assertConforms(join(dir, folder), name)) differentiatedCount++;
      }
      assert.ok(differentiatedCount >= 20, `${differentiatedCount} cases were differentiated`);
    },
  );
});
