import type { Reference } from '../reference.js';
import { addressCandidates } from './addressCandidates.js';

/**
 * Returns what may be an address at a position of JSON: inside a string, whole or in part.
 *
 * `isWordEnough` is for documents whose strings name layers, such as inspect files and reports.
 */
export function readJson(text: string, offset: number, isWordEnough: boolean): readonly Reference[] {
  const found = stringAround(text, offset);
  if (found === undefined) return [];
  const { start, end } = found;
  const raw = text.slice(start, end);
  const whole: Reference = { kind: 'text', text: unescaped(raw), start, end, isWordEnough };
  const parts = addressCandidates(raw, { offset: offset - start, isWordEnough: false }, start);
  return [whole, ...parts];
}

/** Strings of JSON never span lines; one longer than this names no layer. */
const maxStringLength = 2000;

function stringAround(
  text: string,
  offset: number,
): { readonly start: number; readonly end: number } | undefined {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  for (let open = text.indexOf('"', lineStart); open >= 0 && open < offset;) {
    const close = closingQuote(text, open + 1);
    if (close < 0) return undefined;
    if (offset < close) {
      return close - open > maxStringLength || text.slice(open, close).includes('\n')
        ? undefined
        : { start: open + 1, end: close };
    }
    open = text.indexOf('"', close + 1);
  }
  return undefined;
}

/** The next quote that no backslash escapes. */
function closingQuote(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return quote;
  }
  return -1;
}

function unescaped(raw: string): string {
  if (!raw.includes('\\')) return raw;
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch {
    return raw;
  }
}
