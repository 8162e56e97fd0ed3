import { throwIfAborted } from '../../base/abort.js';
import { type ByteReader, type ByteSource } from '../byteSource.js';
import { dataMalformed } from '../dataErrors.js';
import type { Tokenizer } from './tokenizer.js';

/** A text file as one long row of tokens, of which a piece is in memory at a time. */
export interface TokenFile {
  readonly tokenCount: number;
  /** Returns tokens `[start, end)`. */
  read(start: number, end: number, signal?: AbortSignal): Promise<Int32Array>;
}

interface Piece {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly firstToken: number;
  readonly tokenCount: number;
}

/** Bytes that are encoded at once. */
const pieceSizeBytes = 1 << 16;

/**
 * Encodes a UTF-8 text file piece by piece to learn where its tokens are; pieces of 64 kB end between two words, so that
 * they have the tokens of the whole. A text without a space in 64 kB may be cut within a token.
 *
 * @throws UserError `data-malformed` when it is not UTF-8.
 */
export async function openTokenFile(bytes: ByteSource, tokenizer: Tokenizer): Promise<TokenFile> {
  const pieces: Piece[] = [];
  const reader = await bytes.open();
  let tokenCount = 0;
  let kept: { readonly piece: Piece; readonly ids: Int32Array } | undefined;
  const encode = async (source: ByteReader, { offset, sizeBytes }: Range): Promise<Int32Array> =>
    tokenizer.encode(textOf(await source.read(offset, sizeBytes), bytes.name, offset));
  try {
    for await (const range of rangesOf(bytes, reader, beginsWithSpace(tokenizer) ? 1 : 0)) {
      const ids = await encode(reader, range);
      const piece = { ...range, firstToken: tokenCount, tokenCount: ids.length };
      pieces.push(piece);
      tokenCount += ids.length;
      kept = { piece, ids };
    }
  } finally {
    await reader.close();
  }
  return {
    tokenCount,
    read: async (start, end, signal) => {
      const result = new Int32Array(end - start);
      for (let at = pieceAt(pieces, start); (pieces[at]?.firstToken ?? Infinity) < end; at++) {
        const piece = pieces[at];
        if (piece === undefined || piece.tokenCount === 0) continue;
        const first = Math.max(start, piece.firstToken);
        const last = Math.min(end, piece.firstToken + piece.tokenCount);
        throwIfAborted(signal);
        if (kept?.piece !== piece) {
          const own = await bytes.open();
          kept = { piece, ids: await encode(own, piece).finally(() => own.close()) };
        }
        result.set(kept.ids.subarray(first - piece.firstToken, last - piece.firstToken), first - start);
      }
      return result;
    },
  };
}

/** The piece that a token is in: the last that begins at or before it. */
function pieceAt(pieces: readonly Piece[], token: number): number {
  let [low, high] = [0, pieces.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((pieces[middle]?.firstToken ?? Infinity) <= token) low = middle;
    else high = middle;
  }
  return low;
}

interface Range {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** A piece to encode; `skippedBytes` before it are read by none, because the tokenizer puts a space there itself. */
async function* rangesOf(
  { sizeBytes: fileBytes }: ByteSource,
  reader: ByteReader,
  skippedBytes: number,
): AsyncGenerator<Range> {
  let offset = 0;
  while (offset < fileBytes) {
    const left = fileBytes - offset;
    if (left <= pieceSizeBytes) {
      yield { offset, sizeBytes: left };
      return;
    }
    const bytes = await reader.read(offset, pieceSizeBytes);
    const space = spaceBetweenLetters(bytes);
    const sizeBytes = space > 0 ? space : characterEnd(bytes);
    yield { offset, sizeBytes };
    offset += sizeBytes + (space > 0 ? skippedBytes : 0);
  }
}

/**
 * Where the last single space between two letters stands: all common rules of cutting text into words cut there and put the
 * space in front of the word after it. −1 when there is none.
 */
function spaceBetweenLetters(bytes: Uint8Array): number {
  for (let at = bytes.length - 2; at > 0; at--) {
    if (bytes[at] === 32 && isLetter(bytes[at - 1]) && isLetter(bytes[at + 1])) return at;
  }
  return -1;
}

function isLetter(byte = 0): boolean {
  return (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
}

/** Where the last whole character of UTF-8 ends: bytes 10xxxxxx belong to the one before. */
function characterEnd(bytes: Uint8Array): number {
  let end = bytes.length - 1;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return end;
}

/** Whether a text begins as if a space stood before it, as with ▁ and whole words. */
function beginsWithSpace(tokenizer: Tokenizer): boolean {
  const [first] = tokenizer.encode('a');
  return first !== undefined && tokenizer.textOf(first).startsWith(' ');
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function textOf(bytes: Uint8Array, name: string, offset: number): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw dataMalformed(name, `it is no UTF-8 text (after byte ${offset})`, {
      cause,
      remedy: 'Save it as UTF-8.',
    });
  }
}
