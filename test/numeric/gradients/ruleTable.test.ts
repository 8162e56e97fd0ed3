import assert from 'node:assert/strict';
import { latestOpset } from '../../../src/engine/gradients/gradientRule.js';
import { gradientRules } from '../../../src/engine/gradients/ruleTable.js';
import { checkCase } from '../../support/gradientCase.js';
import { caseByOperator, inside, one, withoutOperands } from '../../support/smallGradientCases.js';

/** First opset of forms that the driver differentiates. */
const firstOpset = 17;

describe('every gradient rule', () => {
  it('has a case here, and every case a rule', () => {
    const operators = (names: Iterable<string>): string[] => [...new Set(names)].sort();
    assert.deepEqual(
      operators(gradientRules.map((rule) => rule.opType)),
      operators([...caseByOperator.keys(), ...withoutOperands]),
      'a rule needs a line in caseByOperator',
    );
  });

  for (const { opType, opsets, domain } of gradientRules) {
    if (withoutOperands.includes(opType)) continue;
    const { lastOpset = latestOpset, ...given } = caseByOperator.get(opType) ?? one;
    const forms = [...new Set([Math.max(opsets[0], firstOpset), Math.min(opsets[1], lastOpset)])];
    it(`of ${opType} equals central differences at opsets ${forms.join(' and ')}`, async () => {
      for (const opset of forms) await checkCase({ map: inside, ...given, op: opType, domain, opset });
    });
  }
});
