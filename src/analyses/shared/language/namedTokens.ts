import type { Tokenizer } from '../../../data/text/tokenizer.js';
import { createTopK, insert } from '../../../engine/numeric/topK.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { TokenEffect } from '../../../protocol/units.js';

/** Tokens with the largest and the smallest effects. */
export interface NamedTokens {
  /** Largest first. */
  readonly raised: readonly TokenEffect[];
  /** Smallest first. */
  readonly lowered: readonly TokenEffect[];
}

/** Returns the tokens at both ends of some effects, at most `count` on each side and none on both; without a tokenizer as `#id`. */
export function namedTokens(
  effects: Float64Array,
  count: number,
  tokenizer: Pick<Tokenizer, 'textOf'> | undefined,
): NamedTokens {
  const size = Math.min(count, Math.floor(effects.length / 2));
  const top = createTopK(2, size);
  for (const [id, effect] of effects.entries()) {
    insert(top, 0, effect, id);
    insert(top, 1, -effect, id);
  }
  const named = (side: number): TokenEffect[] =>
    [...top.ids.subarray(side * size, (side + 1) * size)]
      .filter((id) => id >= 0)
      .map((id) => ({
        id,
        text: tokenizer?.textOf(id) ?? `#${String(id)}`,
        effect: toReportNumber(effects[id] ?? NaN),
      }));
  return { raised: named(0), lowered: named(1) };
}
