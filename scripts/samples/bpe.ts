/** A byte-pair encoding over UTF-8 bytes, as `tokenizer.json` files hold it. */
export interface BytePairEncoding {
  /** Token texts by id, bytes written as printable characters. */
  readonly tokens: readonly string[];
  /** Pairs in the order in which they were merged. */
  readonly merges: readonly (readonly [string, string])[];
}

/** How text falls into words before pairs are merged; the same as GPT-2's. */
const words = /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

const printable = printableBytes();

/** Bytes that print stand for themselves, the others for characters from 256 on. */
function printableBytes(): readonly string[] {
  const isPrintable = (byte: number): boolean => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}

function symbolsOf(word: string): string[] {
  return Array.from(new TextEncoder().encode(word), (byte) => printable[byte] ?? '');
}

/**
 * Returns the encoding that merges the most frequent pair of neighbours until there are `tokenCount` tokens; ties go to the
 * pair that comes first by its characters.
 *
 * Source: Sennrich, Haddow & Birch (2016), "Neural Machine Translation of Rare Words with Subword Units", algorithm 1,
 * https://arxiv.org/abs/1508.07909
 */
export function trainBytePairs(text: string, tokenCount: number): BytePairEncoding {
  const counts = new Map<string, number>();
  for (const [word] of text.matchAll(words)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const entries = [...counts].map(([word, count]) => ({ symbols: symbolsOf(word), count }));
  const tokens = [...printable];
  const merges: [string, string][] = [];
  while (tokens.length < tokenCount) {
    const pair = mostFrequentPair(entries);
    if (pair === undefined) break;
    merges.push(pair);
    tokens.push(pair.join(''));
    for (const entry of entries) entry.symbols = merged(entry.symbols, pair);
  }
  return { tokens, merges };
}

function mostFrequentPair(
  entries: readonly { readonly symbols: readonly string[]; readonly count: number }[],
): [string, string] | undefined {
  // A space is never a symbol: byte 32 is written as another character.
  const pairs = new Map<string, number>();
  for (const { symbols, count } of entries) {
    for (let i = 1; i < symbols.length; i++) {
      const pair = `${symbols[i - 1] ?? ''} ${symbols[i] ?? ''}`;
      pairs.set(pair, (pairs.get(pair) ?? 0) + count);
    }
  }
  let best: string | undefined;
  let bestCount = 1;
  for (const [pair, count] of pairs) {
    if (count > bestCount || (count === bestCount && best !== undefined && pair < best)) {
      best = pair;
      bestCount = count;
    }
  }
  const [left, right] = best?.split(' ') ?? [];
  return left === undefined || right === undefined ? undefined : [left, right];
}

function merged(symbols: string[], [left, right]: readonly [string, string]): string[] {
  if (!symbols.some((symbol, i) => symbol === left && symbols[i + 1] === right)) return symbols;
  const result: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const isPair = symbols[i] === left && symbols[i + 1] === right;
    result.push(isPair ? left + right : (symbols[i] ?? ''));
    if (isPair) i++;
  }
  return result;
}

/** Returns the ids of a text's tokens. */
export function encodeText({ tokens, merges }: BytePairEncoding, text: string): Uint32Array {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const ranks = new Map(merges.map(([left, right], rank) => [`${left} ${right}`, rank]));
  const known = new Map<string, readonly number[]>();
  const result: number[] = [];
  for (const [word] of text.matchAll(words)) {
    let encoded = known.get(word);
    if (encoded === undefined) {
      encoded = encodeWord(symbolsOf(word), ranks).map((token) => ids.get(token) ?? 0);
      known.set(word, encoded);
    }
    for (const id of encoded) result.push(id);
  }
  return Uint32Array.from(result);
}

/** Merges the pair that was merged first in training, until none is left. */
function encodeWord(word: readonly string[], ranks: ReadonlyMap<string, number>): readonly string[] {
  let symbols = [...word];
  for (;;) {
    let best: number | undefined;
    let bestRank = Infinity;
    for (let i = 1; i < symbols.length; i++) {
      const rank = ranks.get(`${symbols[i - 1] ?? ''} ${symbols[i] ?? ''}`) ?? Infinity;
      if (rank < bestRank) [best, bestRank] = [i, rank];
    }
    if (best === undefined) return symbols;
    symbols = merged(symbols, [symbols[best - 1] ?? '', symbols[best] ?? '']);
  }
}

/** Returns the text of tokens; bytes that are no UTF-8 become the replacement character. */
export function decodeTokens({ tokens }: BytePairEncoding, ids: Iterable<number>): string {
  const byteOf = new Map(printable.map((character, byte) => [character, byte]));
  const bytes: number[] = [];
  for (const id of ids) for (const character of tokens[id] ?? '') bytes.push(byteOf.get(character) ?? 63);
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** Returns the encoding as the `tokenizer.json` that tokeniser libraries read. */
export function tokenizerJson({ tokens, merges }: BytePairEncoding): string {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const json = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map((pair) => pair.join(' ')),
    },
  };
  return `${JSON.stringify(json, null, 1)}\n`;
}
