/** Returns a `tokenizer.json` of whole words by WordPiece, with [CLS] and [SEP] around every sequence. */
export function wordPieceJson(): object {
  const words = [
    '[PAD]',
    '[UNK]',
    '[CLS]',
    '[SEP]',
    '[MASK]',
    'the',
    'cat',
    'sat',
    '##s',
    '##ting',
    'on',
    '.',
  ];
  const special = (id: number) => ({
    id,
    content: words[id],
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  });
  return {
    version: '1.0',
    added_tokens: [0, 1, 2, 3, 4].map(special),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
    },
  };
}

/** Returns a `tokenizer.json` of a unigram model with ▁ for spaces: scores are log-probabilities. */
export function unigramJson(): object {
  const pieces: [string, number][] = [
    ['<unk>', 0],
    ['▁', -3],
    ['▁a', -1],
    ['b', -1.5],
    ['ab', -2],
    ['▁ab', -4],
    ['a', -1.5],
  ];
  return {
    version: '1.0',
    added_tokens: [
      {
        id: 0,
        content: '<unk>',
        special: true,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
      },
    ],
    normalizer: null,
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    post_processor: null,
    decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    model: { type: 'Unigram', unk_id: 0, vocab: pieces, byte_fallback: false },
  };
}

/** Returns a `tokenizer.json` of SentencePiece's byte-pair encoding from pieces with scores, as llama2.c stores them. */
export function sentencePieceBpeJson(
  pieces: readonly { readonly text: string; readonly score: number }[],
): object {
  const scores = new Map(pieces.map(({ text, score }) => [text, score]));
  const merges: { readonly pair: string; readonly score: number }[] = [];
  for (const { text, score } of pieces.slice(259)) {
    const characters = Array.from(text);
    for (let cut = 1; cut < characters.length; cut++) {
      const left = characters.slice(0, cut).join('');
      const right = characters.slice(cut).join('');
      if (scores.has(left) && scores.has(right)) merges.push({ pair: `${left} ${right}`, score });
    }
  }
  // The pair whose whole scores highest is merged first.
  merges.sort((a, b) => b.score - a.score);
  const special = [0, 1, 2].map((id) => ({
    id,
    content: pieces[id]!.text,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  }));
  return {
    version: '1.0',
    added_tokens: special,
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(pieces.map(({ text }, id) => [text, id])),
      merges: merges.map(({ pair }) => pair),
    },
  };
}

/** Reads llama2.c's tokenizer file: int32 longest token, then per token a float32 score, an int32 size and its bytes. */
export function readLlamaTokens(file: Buffer): { text: string; score: number }[] {
  const pieces: { text: string; score: number }[] = [];
  for (let at = 4; at < file.length;) {
    const size = file.readInt32LE(at + 4);
    pieces.push({ score: file.readFloatLE(at), text: file.toString('utf8', at + 8, at + 8 + size) });
    at += 8 + size;
  }
  // The file holds spaces and special tokens as they print; SentencePiece's own names are these.
  return pieces.map(({ text, score }, id) => {
    if (id < 3) return { score, text: ['<unk>', '<s>', '</s>'][id]! };
    return { score, text: text.replaceAll(' ', '▁') };
  });
}
