import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { throwIfAborted } from '../base/abort.js';
import { dataMalformed } from './dataErrors.js';

/** One record of a CSV file, not yet split. */
export interface CsvRecord {
  readonly text: string;
  /** Line it starts on, from 1. */
  readonly line: number;
}

/** A record without end is a stray quote; this is far more than any row. */
const maxRecordLength = 64 * 1024 * 1024;

/**
 * Streams a CSV file's records; line breaks inside quotes belong to their record, empty lines are passed over.
 *
 * @throws UserError `data-malformed` for a quote that never closes.
 */
export async function* readRecords(path: string, signal?: AbortSignal): AsyncGenerator<CsvRecord> {
  let open = '';
  let isQuoted = false;
  let line = 1;
  let firstLine = 1;
  let isFirst = true;
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    throwIfAborted(signal);
    // An encoding was given, so chunks are strings.
    let text = chunk as string;
    if (isFirst) text = text.replace(/^\uFEFF/, '');
    isFirst = false;
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      const part = text.slice(start, end);
      start = end + 1;
      if (hasOddQuotes(part)) isQuoted = !isQuoted;
      open += isQuoted ? `${part}\n` : part;
      line++;
      if (isQuoted) continue;
      const record = open.endsWith('\r') ? open.slice(0, -1) : open;
      if (record.trim() !== '') yield { text: record, line: firstLine };
      open = '';
      firstLine = line;
    }
    const rest = text.slice(start);
    if (hasOddQuotes(rest)) isQuoted = !isQuoted;
    open += rest;
    if (open.length > maxRecordLength) throw unclosed(path, firstLine);
  }
  if (isQuoted) throw unclosed(path, firstLine);
  if (open.trim() !== '') yield { text: open, line: firstLine };
}

function hasOddQuotes(text: string): boolean {
  let isOdd = false;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) isOdd = !isOdd;
  return isOdd;
}

function unclosed(path: string, line: number) {
  return dataMalformed(path, `a quote that opens in the row at line ${line} never closes`, {
    remedy: 'Close it, or double quotes that belong to the text.',
  });
}

/** Returns a record's cells, trimmed; quoted ones by RFC 4180. */
export function splitRecord(record: CsvRecord, delimiter: string, path: string): string[] {
  // Most data has no quotes, and splitting is several times faster than parsing.
  if (!record.text.includes('"')) return record.text.split(delimiter).map((cell) => cell.trim());
  try {
    const [cells = []] = parse(record.text, { delimiter, trim: true });
    return cells;
  } catch (cause) {
    throw dataMalformed(path, `the row at line ${record.line} cannot be split into cells`, {
      cause,
      remedy: 'Check its quotes.',
    });
  }
}

/** Returns the delimiter that occurs most in a header or first row: comma, semicolon or tab. */
export function guessDelimiter(text: string): string {
  const bare = text.replaceAll(/"[^"]*"/g, '');
  const counts = [',', ';', '\t'].map((delimiter) => ({ delimiter, count: bare.split(delimiter).length }));
  return counts.reduce((best, next) => (next.count > best.count ? next : best)).delimiter;
}

/** Returns a cell as a number: NaN where it is empty or says so, undefined where it is text. */
export function parseCell(cell: string): number | undefined {
  if (cell === '' || /^(nan|na|null|none)$/i.test(cell)) return NaN;
  if (/^[-+]?inf(inity)?$/i.test(cell)) return cell.startsWith('-') ? -Infinity : Infinity;
  const value = Number(cell);
  return Number.isNaN(value) ? undefined : value;
}
