import type { TextReference } from '../reference.js';

/** Longer lines are looked at only this far around the position: minified JSON has one line. */
const windowLength = 400;

/**
 * Text that reads like an address: a quoted name, or characters that names have, then a unit and a position.
 *
 * Names may hold `/`, `:` and `-`, which also stand between words: `addressCandidates` offers the parts too.
 */
const tokenPattern =
  /(?<name>"(?:[^"\\\n]|\\["\\])+"(?:\.[\p{L}\p{N}_.]+)?(?::\p{L}+)?|[\p{L}\p{N}_./:-]+)(?<tail>(?:\[(?:\.\.\.,\s*)?\d{1,9}\])?(?:@-?\d{1,9}(?:,-?\d{1,9})*)?)/gu;

/** Where in a document text is looked for, and how plain words are taken. */
export interface TextPlace {
  readonly offset: number;
  readonly isWordEnough: boolean;
}

/**
 * Returns what may be an address around a position of a text, the longest first; spans count from `base`.
 *
 * Only the line of the position is looked at.
 */
export function addressCandidates(text: string, place: TextPlace, base = 0): readonly TextReference[] {
  const { offset, isWordEnough } = place;
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const lineEnd = text.indexOf('\n', offset);
  const start = Math.max(lineStart, offset - windowLength);
  const end = Math.min(lineEnd < 0 ? text.length : lineEnd, offset + windowLength);
  const found: TextReference[] = [];
  for (const match of text.slice(start, end).matchAll(tokenPattern)) {
    const tokenStart = start + match.index;
    if (tokenStart > offset) break;
    if (tokenStart + match[0].length <= offset) continue;
    const { name = '', tail = '' } = match.groups ?? {};
    for (const part of partsAround(name, tail, offset - tokenStart)) {
      const from = base + tokenStart + part.start;
      found.push({
        kind: 'text',
        text: part.text,
        start: from,
        end: from + part.text.length,
        isWordEnough,
      });
    }
  }
  return found;
}

interface Part {
  readonly text: string;
  readonly start: number;
}

/** The token without the punctuation of a sentence around it, then the part between signs that names may hold. */
function partsAround(name: string, tail: string, offset: number): readonly Part[] {
  if (name.startsWith('"')) return [{ text: name + tail, start: 0 }];
  const whole = trimmed({ text: name + tail, start: 0 });
  const inName = Math.min(offset, name.length - 1);
  const start = Math.max(...['/', ':', '-'].map((sign) => name.lastIndexOf(sign, inName))) + 1;
  const length = name.slice(start).search(/[/:-]/u);
  const inner = trimmed({
    text: length < 0 ? name.slice(start) + tail : name.slice(start, start + length),
    start,
  });
  const parts = inner.text === whole.text ? [whole] : [whole, inner];
  return parts.filter((part) => part.start <= offset && offset < part.start + part.text.length);
}

function trimmed({ text, start }: Part): Part {
  const lead = /^[.:-]*/u.exec(text)?.[0].length ?? 0;
  return { text: text.slice(lead).replace(/[.:/-]+$/u, ''), start: start + lead };
}
