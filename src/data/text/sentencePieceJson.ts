import type { SentencePiece, SentencePieceModel } from './sentencePiece.js';

/**
 * Returns the `tokenizer.json` that encodes as a SentencePiece model does.
 *
 * A sequence begins with the model's BOS; one without a BOS ends with its EOS (T5). Normalisation by `nfkc` and `nmt_nfkc` is
 * Unicode's own NFKC: the few characters that the compiled tables treat otherwise may be encoded otherwise.
 *
 * Byte-pair models merge the pair whose whole scores highest first, which as a list of merges is every cut of every piece into
 * two pieces, by the score of the whole.
 *
 * @throws Error for models of words or characters, and unigram models that fall back to bytes.
 */
export function tokenizerJsonOf(model: SentencePieceModel): object {
  const { pieces, algorithm, hasByteFallback, unknownId } = model;
  if (algorithm === 'word' || algorithm === 'char') {
    throw new Error(`SentencePiece models of ${algorithm}s are not read`);
  }
  if (algorithm === 'unigram' && hasByteFallback) {
    throw new Error('unigram models of SentencePiece that fall back to bytes are not read');
  }
  return {
    version: '1.0',
    added_tokens: pieces.flatMap(({ kind, text }, id) =>
      kind === 'control' || kind === 'unknown' || kind === 'user-defined'
        ? [{ ...notStripped, id, content: text, special: kind !== 'user-defined' }]
        : [],
    ),
    normalizer: { type: 'Sequence', normalizers: normalizersOf(model) },
    pre_tokenizer: null,
    post_processor: templateOf(model),
    decoder: decoderOf(model),
    model:
      algorithm === 'unigram'
        ? { type: 'Unigram', unk_id: unknownId, vocab: pieces.map(scored), byte_fallback: false }
        : bytePairs(model),
  };
}

const notStripped = { single_word: false, lstrip: false, rstrip: false, normalized: false };

/** Control pieces stand for no text: they must never win. */
function scored({ text, score, kind }: SentencePiece): [string, number] {
  return [text, kind === 'control' || kind === 'unused' ? -1e9 : score];
}

function bytePairs({ pieces, hasByteFallback, unknownId }: SentencePieceModel): object {
  return {
    type: 'BPE',
    dropout: null,
    unk_token: pieces[unknownId]?.text ?? null,
    fuse_unk: true,
    byte_fallback: hasByteFallback,
    vocab: Object.fromEntries(pieces.map(({ text }, id) => [text, id])),
    merges: mergesOf(pieces),
  };
}

function mergesOf(pieces: readonly SentencePiece[]): [string, string][] {
  const known = new Set(pieces.filter(({ kind }) => kind === 'normal').map(({ text }) => text));
  const merges: { readonly pair: [string, string]; readonly score: number }[] = [];
  for (const { text, score, kind } of pieces) {
    if (kind !== 'normal') continue;
    const characters = Array.from(text);
    for (let cut = 1; cut < characters.length; cut++) {
      const pair: [string, string] = [characters.slice(0, cut).join(''), characters.slice(cut).join('')];
      if (pair.every((part) => known.has(part))) merges.push({ pair, score });
    }
  }
  return merges.sort((a, b) => b.score - a.score).map(({ pair }) => pair);
}

function normalizersOf({ normalization, addsSpace, removesSpaces }: SentencePieceModel): object[] {
  const replace = (pattern: object, content: string): object => ({ type: 'Replace', pattern, content });
  return [
    ...(normalization.includes('nfkc') ? [{ type: 'NFKC' }] : []),
    ...(normalization.endsWith('_cf') ? [{ type: 'Lowercase' }] : []),
    ...(normalization.startsWith('nmt') ? [replace({ Regex: '[\\t\\n\\r]' }, ' ')] : []),
    ...(removesSpaces ? [replace({ Regex: '^ +| +$' }, ''), replace({ Regex: ' {2,}' }, ' ')] : []),
    ...(addsSpace ? [{ type: 'Prepend', prepend: '▁' }] : []),
    replace({ String: ' ' }, '▁'),
  ];
}

function templateOf({ pieces, beginId, endId }: SentencePieceModel): object | null {
  const [isBefore, id] = beginId >= 0 ? [true, beginId] : [false, endId];
  const text = pieces[id]?.text;
  if (text === undefined) return null;
  const special = { SpecialToken: { id: text, type_id: 0 } };
  const sequence = { Sequence: { id: 'A', type_id: 0 } };
  return {
    type: 'TemplateProcessing',
    single: isBefore ? [special, sequence] : [sequence, special],
    pair: [],
    special_tokens: { [text]: { id: text, ids: [id], tokens: [text] } },
  };
}

function decoderOf({ addsSpace, hasByteFallback }: SentencePieceModel): object {
  return {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      ...(hasByteFallback ? [{ type: 'ByteFallback' }] : []),
      { type: 'Fuse' },
      ...(addsSpace ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
    ],
  };
}
