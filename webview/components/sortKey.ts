/** What a cell sorts by: a number, a text, or nothing. */
export type SortKey = number | string | undefined;

/** `fc1[2]` before `fc1[10]`. Made once: a collator is slow to make and fast to ask. */
const collator = new Intl.Collator('en', { numeric: true });

/** Compares two keys: numbers before texts, nothing last; `sign` −1 turns the order round but keeps nothing last. */
export function compareKeys(a: SortKey, b: SortKey, sign: 1 | -1): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (typeof a === 'number' && typeof b === 'number') return sign * (a - b);
  if (typeof a === 'string' && typeof b === 'string') return sign * collator.compare(a, b);
  return sign * (typeof a === 'number' ? -1 : 1);
}
