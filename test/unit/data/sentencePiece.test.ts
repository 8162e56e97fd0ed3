import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTokenizer } from '../../../src/data/text/tokenizer.js';
import { fixturesDir } from '../../support/paths.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

const dir = join(fixturesDir, 'sentencepiece');
const { cases } = JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8')) as {
  readonly cases: Readonly<
    Record<string, readonly { readonly text: string; readonly ids: number[]; readonly decoded: string }[]>
  >;
};

describe('a SentencePiece model', () => {
  const folder = useTemporaryFolder();

  for (const [kind, examples] of Object.entries(cases)) {
    it(`of ${kind} encodes and decodes as SentencePiece does`, async () => {
      const tokenizer = await readTokenizer(join(dir, `${kind}.model`));
      assert.ok(examples.length >= 7);
      for (const { text, ids, decoded } of examples) {
        assert.deepEqual([...tokenizer.encode(text)], ids, text);
        if (!ids.includes(0)) assert.equal(tokenizer.decode(ids), decoded);
      }
      assert.deepEqual([tokenizer.prefix, tokenizer.suffix], [[1], []]);
      assert.equal(tokenizer.textOf(1), '<s>');
      assert.deepEqual(tokenizer.endIds, [2]);
    });
  }

  it('that is cut off, or of a kind that is not read, is refused with what to give instead', async () => {
    const bytes = readFileSync(join(dir, 'bpe.model'));
    const refused = async (content: Uint8Array, why: RegExp): Promise<void> => {
      const path = join(folder(), 'tokenizer.model');
      writeFileSync(path, content);
      await assert.rejects(readTokenizer(path), (error: { code?: string; message: string }) => {
        assert.equal(error.code, 'tokenizer-invalid');
        assert.match(error.message, why);
        assert.match(error.message, /Give the tokenizer\.json that .*save_pretrained/);
        return true;
      });
    };
    await refused(bytes.subarray(0, 4000), /cut off/);
    await refused(new Uint8Array(), /no pieces/);
    // A trainer's message that says kind 3: words.
    await refused(
      Buffer.concat([bytes, Buffer.from([0x12, 0x02, 0x18, 0x03])]),
      /models of words are not read/,
    );
  });
});
