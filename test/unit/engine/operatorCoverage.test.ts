import assert from 'node:assert/strict';
import { notDoneYet } from '../../../src/engine/gradients/noGradient.js';
import { onnxOperators } from '../../../src/engine/gradients/onnxOperators.js';
import { coverageOf, coveredOutside } from '../../../src/engine/gradients/operatorCoverage.js';

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

  it('say what is in the way of everything that is not done yet', () => {
    for (const [opType, reason] of notDoneYet) {
      assert.ok(onnxOperators.has(opType), opType);
      assert.ok(reason.length > 20, opType);
    }
  });
});
