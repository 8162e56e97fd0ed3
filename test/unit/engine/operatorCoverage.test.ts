import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { notDoneYet } from '../../../src/engine/gradients/noGradient.js';
import { onnxOperators } from '../../../src/engine/gradients/onnxOperators.js';
import { coverageOf, coveredOutside } from '../../../src/engine/gradients/operatorCoverage.js';
import { loweringCases } from '../../support/loweringCases.js';
import { rootDir } from '../../support/paths.js';
import { quantisedCases } from '../../support/quantisedCases.js';
import { caseByOperator } from '../../support/smallGradientCases.js';
import { testedElsewhere } from '../../support/testedElsewhere.js';

describe('the tables of gradients', () => {
  for (const opType of onnxOperators.keys()) {
    it(`cover ${opType} of ai.onnx exactly once`, () => {
      const kinds = coverageOf('', opType).map(({ kind }) => kind);
      assert.equal(kinds.length, 1, `${opType}: ${kinds.join(', ') || 'in no table'}`);
    });
  }

  it('cover every other operator by one table only', () => {
    for (const { domain, opType } of coveredOutside()) {
      const kinds = coverageOf(domain, opType).map(({ kind }) => kind);
      assert.equal(kinds.length, 1, `${domain}:${opType}: ${kinds.join(', ')}`);
    }
  });

  it('hold nothing that no test walks', () => {
    const outside = coveredOutside();
    const all = [...[...onnxOperators.keys()].map((opType) => ({ domain: '', opType })), ...outside];
    for (const { domain, opType } of all) {
      const [coverage] = coverageOf(domain, opType);
      if (coverage === undefined || !['rule', 'lowering', 'packing'].includes(coverage.kind)) continue;
      const key = `${domain}:${opType}`;
      const file = testedElsewhere[key];
      const isWalked =
        (coverage.kind === 'rule' && caseByOperator.has(opType)) ||
        loweringCases[key] !== undefined ||
        quantisedCases[opType] !== undefined;
      assert.notEqual(isWalked, file !== undefined, `${key} has cases or a test of its own`);
      if (file === undefined) continue;
      assert.match(readFileSync(join(rootDir, file), 'utf8'), new RegExp(`\\b${opType}\\b`, 'u'), key);
    }
  });

  it('say what is in the way of everything that is not done yet', () => {
    for (const [opType, reason] of notDoneYet) {
      assert.ok(onnxOperators.has(opType), opType);
      assert.ok(reason.length > 20, opType);
    }
  });
});
