import { readFile } from 'node:fs/promises';
import { UserError } from '../../base/errors.js';
import { dataNotFound } from '../dataErrors.js';
import { readSentencePiece } from './sentencePiece.js';
import { tokenizerJsonOf } from './sentencePieceJson.js';

/** Turns text into the ids that a model takes, and back. */
export interface Tokenizer {
  /** Ids run from 0 to this, not included. */
  readonly vocabularySize: number;
  /** Ids that it puts before a sequence: BOS, [CLS]. */
  readonly prefix: readonly number[];
  /** Ids that it puts behind a sequence: EOS, [SEP]. */
  readonly suffix: readonly number[];
  /** Tokens that end a text: those of its suffix, and what is named as such. */
  readonly endIds: readonly number[];
  /** What fills rows up; undefined when it has no such token. */
  readonly padId: number | undefined;
  /** What stands for a hidden token in masked models. */
  readonly maskId: number | undefined;
  /** Returns the ids of a text, without prefix and suffix. */
  encode(text: string): Int32Array;
  /** Returns the text of ids; special tokens are left out, and bytes that are no UTF-8 become the replacement character. */
  decode(ids: readonly number[]): string;
  /** Returns one token as a person reads it in a row of tokens, with the space before it; special ones by name. */
  textOf(id: number): string;
}

/** Names of the tokens that end a text, of that which fills rows up, and of that which hides one. */
const endNames = [
  '</s>',
  '<eos>',
  '<|endoftext|>',
  '<|im_end|>',
  '<|end_of_text|>',
  '<|eot_id|>',
  '<end_of_turn>',
];
const padNames = ['[PAD]', '<pad>', '<|pad|>', '<|endoftext|>', '</s>', '<eos>'];
const maskNames = ['[MASK]', '<mask>'];

/**
 * Reads a `tokenizer.json`: byte-pair encodings (over bytes or with ▁ for spaces), WordPiece and unigram models; or a
 * SentencePiece `.model`, which is written as one first.
 *
 * @throws UserError `tokenizer-invalid`, `data-not-found`.
 */
export async function readTokenizer(path: string): Promise<Tokenizer> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw dataNotFound(path, cause);
  });
  const library = (await import('@huggingface/tokenizers')) as unknown as {
    readonly Tokenizer: LibraryConstructor;
  };
  try {
    const json = (
      path.endsWith('.model') ? tokenizerJsonOf(readSentencePiece(bytes)) : JSON.parse(bytes.toString('utf8'))
    ) as TokenizerJson;
    return fromLibrary(new library.Tokenizer(json, {}), json);
  } catch (cause) {
    throw new UserError(
      'tokenizer-invalid',
      `${path} is no tokenizer that can be read: ${cause instanceof Error ? cause.message : ''}. Give the tokenizer.json that AutoTokenizer.from_pretrained(…).save_pretrained(…) writes.`,
      { cause, detail: { path } },
    );
  }
}

/** What is read of the file itself. */
interface TokenizerJson {
  readonly model?: { readonly type?: string };
  readonly padding?: { readonly pad_id?: number } | null;
  readonly decoder?: unknown;
  readonly added_tokens?: readonly {
    readonly id: number;
    readonly content: string;
    readonly special: boolean;
  }[];
}

/** What is used of the library; its own declarations import without file endings, which Node's resolution does not follow. */
interface Library {
  encode(text: string, options: { readonly add_special_tokens: boolean }): { readonly ids: number[] };
  decode(
    ids: number[],
    options: { readonly skip_special_tokens: boolean; readonly clean_up_tokenization_spaces: boolean },
  ): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
  get_vocab(withAddedTokens: boolean): Map<string, number>;
}

type LibraryConstructor = new (tokenizer: object, config: object) => Library;

function fromLibrary(library: Library, json: TokenizerJson): Tokenizer {
  const encode = (text: string, isWhole: boolean): number[] =>
    library.encode(text, { add_special_tokens: isWhole }).ids;
  const around = surroundings(encode('a', false), encode('a', true));
  const named = (names: readonly string[]): number | undefined =>
    names.map((name) => library.token_to_id(name)).find((id) => id !== undefined);
  const special = new Map(
    (json.added_tokens ?? []).filter((token) => token.special).map(({ id, content }) => [id, content]),
  );
  const spell = spelling(library, json);
  return {
    vocabularySize: 1 + Math.max(...library.get_vocab(true).values()),
    ...around,
    endIds: [...new Set([...around.suffix, ...endNames.flatMap((name) => library.token_to_id(name) ?? [])])],
    padId: json.padding?.pad_id ?? named(padNames),
    maskId: named(maskNames),
    encode: (text) => Int32Array.from(encode(text, false)),
    decode: (ids) =>
      library.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    textOf: (id) => special.get(id) ?? spell(id),
  };
}

/** What stands around the ids of a text when it is encoded whole. */
function surroundings(
  bare: readonly number[],
  whole: readonly number[],
): Pick<Tokenizer, 'prefix' | 'suffix'> {
  const start = whole.findIndex((_, at) => bare.every((id, place) => whole[at + place] === id));
  if (start < 0) return { prefix: [], suffix: [] };
  return { prefix: whole.slice(0, start), suffix: whole.slice(start + bare.length) };
}

/** Returns how single tokens are spelled, by the way the tokenizer writes spaces. */
function spelling(library: Library, json: TokenizerJson): (id: number) => string {
  const nameOf = (id: number): string => library.id_to_token(id) ?? `#${id}`;
  const decoder = JSON.stringify(json.decoder ?? null);
  if (decoder.includes('"ByteLevel"')) {
    return (id) => library.decode([id], { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  }
  if (json.model?.type === 'WordPiece') {
    return (id) => (nameOf(id).startsWith('##') ? nameOf(id).slice(2) : ` ${nameOf(id)}`);
  }
  return (id) => {
    const name = nameOf(id);
    const byte = /^<0x([0-9A-F]{2})>$/.exec(name)?.[1];
    return byte === undefined ? name.replaceAll('▁', ' ') : byteText(Number.parseInt(byte, 16));
  };
}

/** A byte of its own is a character only below 128. */
function byteText(byte: number): string {
  return byte < 128 ? String.fromCharCode(byte) : '�';
}
