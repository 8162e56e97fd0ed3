import assert from 'node:assert/strict';
import { thresholdsInText } from '../../../src/extension/tests/thresholdsInText.js';
import type { InspectFile } from '../../../src/protocol/inspectFile.js';

describe('the thresholds of an inspect file', () => {
  it('are found in the order they are written, each where it stands', () => {
    const text = `{
  "version": 1,
  "model": "deadShare>0.1",
  "thresholds": [
    { "analysis": "dead-neurons", "failOn": ["deadShare>0.1", "deadCount>3"] },
    { "failOn": "deadShare>0.1", "analysis": "activation-sparsity", "settings": { "epsilon": 0.5 } }
  ]
}`;
    const found = thresholdsInText(text, JSON.parse(text) as InspectFile);
    assert.deepEqual(
      found.map(({ analysis, text: limit, span }) => [analysis, limit, text.slice(span?.start, span?.end)]),
      [
        ['dead-neurons', 'deadShare>0.1', '"deadShare>0.1"'],
        ['dead-neurons', 'deadCount>3', '"deadCount>3"'],
        ['activation-sparsity', 'deadShare>0.1', '"deadShare>0.1"'],
      ],
    );
    const lines = found.map(({ span }) => text.slice(0, span?.start).split('\n').length);
    assert.deepEqual(lines, [5, 5, 6]);
    assert.deepEqual(found[2]?.settings, { epsilon: 0.5 });
  });

  it('may be written with escapes: then nobody knows where', () => {
    const text = '{ "version": 1, "thresholds": [{ "analysis": "a", "failOn": "x\\u003e1" }] }';
    const [only] = thresholdsInText(text, JSON.parse(text) as InspectFile);
    assert.deepEqual(only, { analysis: 'a', settings: {}, text: 'x>1' });
  });
});
