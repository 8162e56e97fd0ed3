import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { memorySource } from '../../../src/data/byteSource.js';
import { openDataset, prepareData } from '../../../src/data/openDataset.js';
import { sampleCards } from '../../../src/data/sampleCards.js';
import { openTokenFile } from '../../../src/data/text/tokenFile.js';
import { readTokenizer, type Tokenizer } from '../../../src/data/text/tokenizer.js';
import type { DataType } from '../../../src/onnx/dataTypes.js';
import type { Dimension } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import type { DataSpec } from '../../../src/protocol/inspectFile.js';
import { dataModel, readAll } from '../../support/dataModel.js';
import { itWithShared, samplesDir } from '../../support/paths.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import {
  readLlamaTokens,
  sentencePieceBpeJson,
  unigramJson,
  wordPieceJson,
} from '../../support/tinyTokenizers.js';

describe('tokenizers', () => {
  const folder = useTemporaryFolder();

  async function read(json: object): Promise<Tokenizer> {
    const path = join(folder(), 'tokenizer.json');
    writeFileSync(path, JSON.stringify(json));
    return readTokenizer(path);
  }

  it('of words and their endings add what stands around a sequence', async () => {
    const tokenizer = await read(wordPieceJson());
    assert.deepEqual([...tokenizer.encode('The cats sat.')], [5, 6, 8, 7, 11]);
    assert.deepEqual([...tokenizer.encode('sitting')], [1]);
    assert.deepEqual([tokenizer.prefix, tokenizer.suffix], [[2], [3]]);
    assert.deepEqual([tokenizer.padId, tokenizer.maskId, tokenizer.vocabularySize], [0, 4, 12]);
    assert.deepEqual(
      [2, 6, 8, 11].map((id) => tokenizer.textOf(id)),
      ['[CLS]', ' cat', 's', ' .'],
    );
  });

  it('of a unigram model choose the likeliest pieces', async () => {
    const tokenizer = await read(unigramJson());
    // ▁ab: "▁a" + "b" has −2.5, "▁ab" −4, "▁" + "ab" −5.
    assert.deepEqual([...tokenizer.encode('ab')], [2, 3]);
    assert.equal(tokenizer.textOf(2), ' a');
    assert.equal(tokenizer.decode([2, 3]), 'ab');
    assert.deepEqual([tokenizer.prefix, tokenizer.maskId], [[], undefined]);
  });

  it('of bytes encode as the encoder that trained the sample, and give every text back', async () => {
    const dir = join(samplesDir, 'story-lm');
    const tokenizer = await readTokenizer(join(dir, 'tokenizer.json'));
    const text = 'Emma’s café, 12\n\nyes — 你好';
    assert.equal(tokenizer.decode([...tokenizer.encode(text)]), text);
    assert.equal(tokenizer.vocabularySize, 1024);
    assert.equal(tokenizer.textOf(363), ' is');
  });

  it('that are none are refused', async () => {
    await assert.rejects(read({ model: { type: 'Nothing' } }), { code: 'tokenizer-invalid' });
    writeFileSync(join(folder(), 'text.json'), 'no JSON');
    await assert.rejects(readTokenizer(join(folder(), 'text.json')), { code: 'tokenizer-invalid' });
    await assert.rejects(readTokenizer(join(folder(), 'gone.json')), { code: 'data-not-found' });
  });

  itWithShared('of llama2.c are read through SentencePiece’s rules', async (shared) => {
    const pieces = readLlamaTokens(readFileSync(join(shared, 'models/stories260k/tok512.bin')));
    const tokenizer = await read(sentencePieceBpeJson(pieces));
    assert.deepEqual(tokenizer.prefix, [1]);
    const text = 'Once upon a time, there was a little girl named Lily. Ünd ☺';
    const ids = [...tokenizer.encode(text)];
    assert.deepEqual(ids, encodeByScore(text, pieces));
    assert.equal(tokenizer.decode(ids), text);
  });

  it('encode long files piece by piece, with the tokens of the whole', async () => {
    const bytes = await readTokenizer(join(samplesDir, 'story-lm', 'tokenizer.json'));
    const story = readFileSync(join(samplesDir, 'story-lm', 'data', 'held-out.txt'), 'utf8');
    // More than the 64 kB of a piece, the first ending in other places than the second.
    for (const [tokenizer, text] of [
      [bytes, story],
      [await read(unigramJson()), 'ab aab b '.repeat(10_000)],
      [await read(wordPieceJson()), 'the cats sat. On  the\n'.repeat(5_000)],
    ] as const) {
      const file = await openTokenFile(memorySource('long.txt', Buffer.from(text)), tokenizer);
      const whole = tokenizer.encode(text);
      assert.equal(file.tokenCount, whole.length);
      assert.deepEqual(await file.read(0, whole.length), whole);
      assert.deepEqual(await file.read(7, 9), whole.slice(7, 9));
    }
  }).timeout(60_000);

  it('refuse what is no UTF-8', async () => {
    const tokenizer = await read(wordPieceJson());
    await assert.rejects(openTokenFile(memorySource('bad.txt', Uint8Array.of(65, 0xff)), tokenizer), {
      code: 'data-malformed',
      message: /no UTF-8/,
    });
  });
});

/** SentencePiece's own rule, by the book: merge the neighbours whose whole scores highest until there are none. */
function encodeByScore(text: string, pieces: readonly { text: string; score: number }[]): number[] {
  const ids = new Map(pieces.map((piece, id) => [piece.text, id]));
  const known = new Set(pieces.slice(259).map((piece) => piece.text));
  let symbols = Array.from(`▁${text.replaceAll(' ', '▁')}`).flatMap((character) =>
    known.has(character)
      ? [character]
      : [...Buffer.from(character)].map((byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
  );
  for (;;) {
    let best = -1;
    let bestScore = -Infinity;
    for (let at = 1; at < symbols.length; at++) {
      const whole = symbols[at - 1]! + symbols[at]!;
      const score = known.has(whole) ? pieces[ids.get(whole)!]!.score : -Infinity;
      if (score > bestScore) [best, bestScore] = [at, score];
    }
    if (best < 0) return symbols.map((symbol) => ids.get(symbol)!);
    symbols = [
      ...symbols.slice(0, best - 1),
      symbols[best - 1]! + symbols[best]!,
      ...symbols.slice(best + 1),
    ];
  }
}

describe('texts as data', () => {
  const folder = useTemporaryFolder();

  /** A model in the folder, with its tokenizer beside it unless told otherwise. */
  function modelOf(inputs: Record<string, readonly Dimension[]>, types: Record<string, DataType> = {}) {
    writeFileSync(join(folder(), 'tokenizer.json'), JSON.stringify(wordPieceJson()));
    const integers = Object.fromEntries(Object.keys(inputs).map((name) => [name, 'int64' as const]));
    const model = dataModel(inputs, { classCount: 2, types: { ...integers, ...types } });
    return { ...model, file: { ...model.file, path: join(folder(), 'model.onnx') } };
  }

  function write(name: string, text: string): string {
    const path = join(folder(), name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  function described(data: DataSpec): string {
    return write('text.inspect.json', JSON.stringify({ version: 1, tokenizer: 'tokenizer.json', data }));
  }

  it('feed ids, masks, positions, types and empty caches, padded to the length written down', async () => {
    write('a.txt', 'the cat sat');
    const model = modelOf(
      {
        input_ids: ['N', 'T'],
        attention_mask: ['N', 'T'],
        position_ids: ['N', 'T'],
        token_type_ids: ['N', 'T'],
        'past_key_values.0.key': ['N', 2, 'past', 4],
        use_cache_branch: [1],
      },
      { 'past_key_values.0.key': 'float32', use_cache_branch: 'bool' },
    );
    const inputs = { input_ids: { layout: 'NT', text: { length: 6 } } };
    const data = await openDataset(described({ path: 'a.txt', inputs }), model);
    const [batch] = await readAll(data);
    assert.deepEqual(batch!.feeds, {
      input_ids: { dims: [1, 6], values: [2, 5, 6, 7, 3, 0] },
      attention_mask: { dims: [1, 6], values: [1, 1, 1, 1, 1, 0] },
      position_ids: { dims: [1, 6], values: [0, 1, 2, 3, 4, 4] },
      token_type_ids: { dims: [1, 6], values: [0, 0, 0, 0, 0, 0] },
      'past_key_values.0.key': { dims: [1, 2, 0, 4], values: [] },
      use_cache_branch: { dims: [1], values: [0] },
    });
    assert.equal(data.maskInput, 'attention_mask');
    assert.equal(data.tokens!.input, 'input_ids');
    assert.deepEqual(data.warnings, []);
  });

  it('are cut into rows of the model, each between the tokenizer’s own tokens; the rest is left out', async () => {
    const path = write('a.txt', 'the cat sat on the cat.');
    const data = await openDataset(path, modelOf({ tokens: ['N', 4] }));
    const [batch] = await readAll(data);
    assert.deepEqual(batch!.feeds['tokens']!.values, [2, 5, 6, 3, 2, 7, 10, 3, 2, 5, 6, 3]);
    assert.deepEqual(batch!.ids, ['a.txt 0–1', 'a.txt 2–3', 'a.txt 4–5']);
    assert.match(data.warnings.join('\n'), /Assumed the tokenizer beside the model/);
    assert.match(data.warnings.join('\n'), /last 1 of 7 tokens fill no row/);
  });

  it('in sub-folders are labelled by them, short ones as they are', async () => {
    write('data/no/1.txt', 'the cat');
    write('data/yes/2.txt', 'sat');
    const data = await openDataset(join(folder(), 'data'), modelOf({ ids: ['N', 'T'] }));
    const batches = await readAll(data);
    assert.deepEqual(
      batches.map(({ feeds, labels, ids }) => [feeds['ids']!.values, labels, ids]),
      [
        [[2, 5, 6, 3], [0], ['no/1.txt']],
        [[2, 7, 3], [1], ['yes/2.txt']],
      ],
    );
    assert.deepEqual(data.labelNames, ['no', 'yes']);
  });

  it('may stand in a column of a table, with labels beside', async () => {
    write('reviews.csv', 'text,label\n"the cat, sat",1\non,0\n');
    const inputs = { ids: { layout: 'NT', from: 'text', text: { length: 8 } } };
    const labels = { from: 'label' };
    const data = await openDataset(
      described({ path: 'reviews.csv', inputs, labels }),
      modelOf({ ids: ['N', 'T'] }),
    );
    const batches = await readAll(data);
    assert.deepEqual(
      batches.map(({ feeds, labels: own }) => [feeds['ids']!.values, own]),
      [
        [[2, 5, 6, 1, 7, 3], [1]],
        [[2, 10, 3], [0]],
      ],
    );
    assert.equal(data.kind, 'csv');
  });

  it('are shown as text', async () => {
    const path = write('a.txt', 'the cat sat');
    const prepared = await prepareData(path, modelOf({ ids: ['N', 'T'] }));
    const [card] = await sampleCards(prepared, [0], { pictureSize: 10 });
    assert.equal(card!.text, '"the cat sat"');
  });

  it('need a tokenizer and an input of ids', async () => {
    const path = write('a.txt', 'the cat sat');
    const model = modelOf({ ids: ['N', 'T'] });
    const elsewhere = { ...model, file: { ...model.file, path: join(folder(), 'none', 'model.onnx') } };
    await assert.rejects(openDataset(path, elsewhere), { code: 'tokenizer-missing' });
    await assert.rejects(openDataset(path, modelOf({ image: ['N', 3, 8, 8] }, { image: 'float32' })), {
      code: 'data-shape',
      message: /token ids.*image \[N, 3, 8, 8\]/,
    });
    await assert.rejects(
      openDataset(path, modelOf({ ids: ['N', 'T'], speaker: ['N', 4] }, { speaker: 'float32' })),
      {
        code: 'data-field-missing',
        message: /"speaker"/,
      },
    );
    await assert.rejects(openDataset(path, modelOf({ ids: ['N', 2] })), { code: 'data-shape' });
    await assert.rejects(openDataset(path, modelOf({ ids: ['N', 64] })), { code: 'data-empty' });
  });

  it('of the sample are the rows that its trainer cut', async () => {
    const dir = join(samplesDir, 'story-lm');
    const model = await readModel(join(dir, 'story-lm.onnx'));
    const inputs = { tokens: { layout: 'NT', text: { length: 64 } } };
    const path = write(
      'story.inspect.json',
      JSON.stringify({
        version: 1,
        tokenizer: join(dir, 'tokenizer.json'),
        data: { path: join(dir, 'data', 'held-out.txt'), inputs },
      }),
    );
    const [texts] = await readAll(await openDataset(path, model), { batchSize: 1000 });
    const arrays = await openDataset(join(dir, 'story-lm.inspect.json'), model);
    const [rows] = await readAll(arrays, { batchSize: 1000 });
    assert.deepEqual(texts!.feeds['tokens'], rows!.feeds['tokens']);
    assert.equal(arrays.tokens!.tokenizer.textOf(363), ' is');
  }).timeout(30_000);
});
