import type { Reference } from '../reference.js';
import { addressCandidates } from './addressCandidates.js';

/** A fenced block of code around a position. */
export interface FencedCode {
  /** First word behind the fence: `python`, `ts`; empty when there is none. */
  readonly language: string;
  /** Where the code starts in the document. */
  readonly start: number;
  readonly code: string;
}

/** Returns what may be an address at a position of Markdown outside of fenced code: in text, and in `inline code`. */
export function readMarkdown(text: string, offset: number): readonly Reference[] {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const lineEnd = text.indexOf('\n', offset);
  const line = text.slice(lineStart, lineEnd < 0 ? text.length : lineEnd);
  const code = inlineCodeAround(line, offset - lineStart);
  if (code === undefined) return addressCandidates(text, { offset, isWordEnough: false });
  // Names with spaces stand alone in code; within longer code the parts are looked at.
  const whole = code.text.trim();
  const start = lineStart + code.start + code.text.indexOf(whole);
  return [
    { kind: 'text', text: whole, start, end: start + whole.length, isWordEnough: true },
    ...addressCandidates(text, { offset, isWordEnough: false }),
  ];
}

/** Returns the fenced block that a position stands in, if any: fences of three or more backticks or tildes. */
export function fencedCodeAt(text: string, offset: number): FencedCode | undefined {
  let open: { readonly fence: string; readonly language: string; readonly start: number } | undefined;
  for (let lineStart = 0; lineStart < text.length;) {
    const newline = text.indexOf('\n', lineStart);
    const lineEnd = newline < 0 ? text.length : newline;
    const next = lineEnd + 1;
    if (open === undefined && lineStart > offset) return undefined;
    const line = text.slice(lineStart, Math.min(lineEnd, lineStart + 200));
    const fence = /^ {0,3}(?<fence>`{3,}|~{3,})\s*(?<language>[^\s`{,]*)(?<rest>[^`]*)$/u.exec(line)?.groups;
    if (fence?.['fence'] !== undefined) {
      const [sign, language = ''] = [fence['fence'], fence['language']];
      if (open === undefined) open = { fence: sign, language: language.toLowerCase(), start: next };
      else if (sign.startsWith(open.fence) && language === '' && fence['rest']?.trim() === '') {
        if (offset < lineStart) return blockOf(text, open, { offset, end: lineStart });
        open = undefined;
      }
    }
    lineStart = next;
  }
  return open === undefined ? undefined : blockOf(text, open, { offset, end: text.length });
}

function blockOf(
  text: string,
  open: { readonly language: string; readonly start: number },
  { offset, end }: { readonly offset: number; readonly end: number },
): FencedCode | undefined {
  if (offset < open.start) return undefined;
  return { language: open.language, start: open.start, code: text.slice(open.start, end) };
}

/** Code between runs of as many backticks, as CommonMark has it, within one line. */
function inlineCodeAround(
  line: string,
  offset: number,
): { readonly text: string; readonly start: number } | undefined {
  for (const match of line.matchAll(/(?<!`)(?<ticks>`+)(?!`)(?<code>.*?[^`])\k<ticks>(?!`)/gu)) {
    const { ticks = '', code = '' } = match.groups ?? {};
    const start = match.index + ticks.length;
    if (offset >= start && offset < start + code.length) return { text: code, start };
  }
  return undefined;
}
