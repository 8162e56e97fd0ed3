import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { differentiate } from '../../../src/engine/gradients/differentiate.js';
import type { RuleContext } from '../../../src/engine/gradients/gradientRule.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { lowerings } from '../../../src/engine/lowering/loweringTable.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { caseRuntime, checkCase } from '../../support/gradientCase.js';
import { loweringCases } from '../../support/loweringCases.js';
import { checkLowering } from '../../support/loweringCheck.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';

/** What rounds differs from its real equivalent, and what takes tensors out of sequences needs one: see their tests. */
const walked = lowerings.filter(
  ({ opType, isStraightThrough }) =>
    isStraightThrough !== true && !/Sequence|Optional|IntegerTo/u.test(opType),
);

describe('every lowering', () => {
  it('has cases, and every case a lowering', () => {
    const operators = walked.map(({ domain, opType }) => `${domain}:${opType}`).sort();
    assert.deepEqual(Object.keys(loweringCases).sort(), operators);
  });

  for (const { opType, domain } of walked) {
    for (const [i, given] of (loweringCases[`${domain}:${opType}`] ?? []).entries()) {
      const title = `of ${opType}${domain === '' ? '' : ` (${domain})`}, case ${i + 1},`;
      it(`${title} computes what the operator does`, async () => {
        await checkLowering({ ...given, op: opType, domain });
      });
      it(`${title} has the gradient that central differences of the operator have`, async () => {
        await checkCase({ ...given, op: opType, domain });
      });
    }
  }
});

describe('a lowered composite', () => {
  const random = createRandom(5);
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N', 2, 4, 4));
  builder.addInput('u', floatType('N', 3, 2, 2));
  const weight = builder.constant(normalTensor(random, [3, 2, 3, 3]), 'w');
  const attributes = { activation: 'Relu' };
  builder.node('FusedConv', ['x', weight], { domain: 'com.microsoft', attributes, outputs: ['y'] });
  builder.addOutput('y');
  const model = builder.build();
  const seeds = [{ value: 'y', cotangent: 'u' }];
  const backward = differentiate(model, { seeds, wrt: ['x'], types: inferTypes(model) });

  it('runs as before, beside its gradient', async () => {
    assert.deepEqual(backward.model.graph.nodes[0], model.graph.nodes[0]);
    const feeds = { x: normalTensor(random, [2, 2, 4, 4]), u: normalTensor(random, [2, 3, 2, 2]) };
    const [before, after] = [await caseRuntime.open(model), await caseRuntime.open(backward.model)];
    const plain = await before.run(feeds, ['y']);
    const beside = await after.run(feeds, ['y']);
    assert.deepEqual(beside['y'], plain['y']);
  });

  it('computes nothing twice that its gradient can read from its result', () => {
    const convolutions = backward.model.graph.nodes.filter(({ opType }) => opType.endsWith('Conv'));
    // The composite, and the one that takes the cotangent back.
    assert.equal(convolutions.length, 2);
  });

  it('gives way to a rule that is given for it', () => {
    const rule = {
      opType: 'FusedConv',
      domain: 'com.microsoft',
      opsets: [1, 26] as const,
      backward: ({ node }: RuleContext) => [node.inputs[0]],
    };
    const { gradients } = differentiate(model, {
      seeds,
      wrt: ['x'],
      types: inferTypes(model),
      rules: [rule],
    });
    assert.equal(gradients.get('x'), 'x');
  });
});
