import assert from 'node:assert/strict';
import { positionLabels, tokenTexts } from '../../../src/analyses/representation/attention/labels.js';

describe('what the positions of an attention map are called', () => {
  const row = {
    id: 'row 0',
    ids: new Map([['ids', [7, 9, 7]]]),
    isMasked: () => false,
  };

  it('is the text of their tokens, where the data have a tokenizer', () => {
    const told = { ...row, texts: ['The', ' cat', 'The'] };
    assert.deepEqual(tokenTexts(told, 3), ['The', ' cat', 'The']);
    assert.deepEqual(positionLabels(told, 3), ['0 The', '1 ␣cat', '2 The']);
  });

  it('is their number otherwise, and their place where there are none or not as many', () => {
    const untold = { ...row, texts: undefined };
    assert.deepEqual(positionLabels(untold, 3), ['0 #7', '1 #9', '2 #7']);
    assert.deepEqual(tokenTexts(untold, 2), ['0 ', '1 ']);
    assert.deepEqual(positionLabels({ ...untold, texts: ['a'] }, 2), ['0', '1']);
    assert.deepEqual(positionLabels(undefined, 1), ['0']);
  });
});
