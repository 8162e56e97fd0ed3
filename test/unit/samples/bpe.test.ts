import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeTokens, encodeText, tokenizerJson, trainBytePairs } from '../../../scripts/samples/bpe.js';
import { samplesDir } from '../../support/paths.js';

interface TokenizerFile {
  readonly model: { readonly vocab: Record<string, number>; readonly merges: readonly string[] };
}

describe('byte-pair encoding', () => {
  it('merges the most frequent pairs first, ties by their characters', () => {
    // Pairs: lo and ow three times, we and er once; then low, and the space before it.
    const { tokens, merges } = trainBytePairs('low lower low', 260);
    assert.deepEqual(merges, [
      ['l', 'o'],
      ['lo', 'w'],
      ['Ġ', 'low'],
    ]);
    assert.deepEqual(tokens.slice(256), ['lo', 'low', 'Ġlow']);
  });

  it('gives any text back, whatever it was trained on', () => {
    const encoding = trainBytePairs('the cat sat on the mat, the cat', 270);
    for (const text of ['the cat', '', 'naïve 💡 text\n\twith  spaces ', "it's 12'34"]) {
      assert.equal(decodeTokens(encoding, encodeText(encoding, text)), text);
    }
  });

  it('encodes by the merges in their order, not by the longest token', () => {
    const tokens = [...trainBytePairs('', 256).tokens, 'bc', 'ab', 'abc'];
    const merges = [
      ['b', 'c'],
      ['a', 'b'],
      ['ab', 'c'],
    ] as const;
    const ids = encodeText({ tokens, merges }, 'abc');
    assert.deepEqual(
      [...ids].map((id) => tokens[id]),
      ['a', 'bc'],
    );
  });

  it("of story-lm is what its file says, and covers its vocabulary's ids", () => {
    const text = readFileSync(join(samplesDir, 'story-lm', 'tokenizer.json'), 'utf8');
    const { model } = JSON.parse(text) as TokenizerFile;
    const ids = Object.values(model.vocab).sort((a, b) => a - b);
    assert.deepEqual(ids, [...Array(1024).keys()]);
    assert.equal(model.merges.length, 1024 - 256);
    const tokens = Object.entries(model.vocab).sort(([, a], [, b]) => a - b);
    const merges = model.merges.map((pair) => pair.split(' ') as [string, string]);
    assert.equal(tokenizerJson({ tokens: tokens.map(([token]) => token), merges }), text);
  });
});
