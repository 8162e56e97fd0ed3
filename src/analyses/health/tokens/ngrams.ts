import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';

/** What stands before the first token of a sequence, and where one is masked. */
export const boundary = -1;

/** Rows of token ids as they are counted: `boundary` where a token is masked. */
export interface TokenRows {
  readonly rowCount: number;
  readonly length: number;
  /** [rows, T]. */
  readonly ids: Float64Array;
}

/** Returns the first rows of a feed of ids; `mask`, of the same shape, is 0 where a token does not count. */
export function tokenRows(ids: TensorValue, mask: TensorValue | undefined, rowCount: number): TokenRows {
  const length = ids.dims[1] ?? 0;
  const tokens = toFloat64(ids).slice(0, rowCount * length);
  if (mask !== undefined && mask.data.length === ids.data.length) {
    const flags = toFloat64(mask);
    for (let at = 0; at < tokens.length; at++) if (flags[at] === 0) tokens[at] = boundary;
  }
  return { rowCount, length, ids: tokens };
}

/**
 * Returns the n-gram that ends at each place of a row, `12 7 3` with the last token last; undefined where it is masked.
 *
 * The boundary is a token of its own, so that an n-gram ends at every place, and what few n-grams cover few shorter ones cover.
 */
export function ngramsOf({ ids, length }: TokenRows, row: number, size: number): (string | undefined)[] {
  return Array.from({ length }, (_, place) => {
    if (ids[row * length + place] === boundary) return undefined;
    const tokens = Array.from({ length: size }, (_token, at) => {
      const from = place - size + 1 + at;
      return from < 0 ? boundary : (ids[row * length + from] ?? boundary);
    });
    return tokens.join(' ');
  });
}

/** Returns the ids of an n-gram. */
export function tokensOf(ngram: string): number[] {
  return ngram.split(' ').map(Number);
}
