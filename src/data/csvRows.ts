import { guessDelimiter, parseCell, splitRecord } from './csvRecords.js';

/** Tells whether a table's first row is a header: it has text where the next has a number, or text only. */
export function isHeader(first: readonly string[], second: readonly string[] | undefined): boolean {
  const isText = (cell: string | undefined) => cell !== undefined && parseCell(cell) === undefined;
  if (second === undefined) return first.every(isText);
  return first.some((cell, column) => isText(cell) && !isText(second[column])) || first.every(isText);
}

/**
 * Returns the position of the sample that a line of a CSV file belongs to, counted from 0 as readers count; undefined for the
 * header and for empty lines. Line breaks inside quotes belong to their record.
 */
export function rowAtLine(lines: readonly string[], line: number): number | undefined {
  const records: { readonly text: string; readonly first: number; readonly last: number }[] = [];
  let open: { text: string; first: number } | undefined;
  for (const [index, text] of lines.entries()) {
    if (index > line && open === undefined && records.length >= 2) break;
    open = open === undefined ? { text, first: index } : { ...open, text: `${open.text}\n${text}` };
    if ((open.text.split('"').length - 1) % 2 === 1) continue;
    if (open.text.trim() !== '') records.push({ ...open, last: index });
    open = undefined;
  }
  const record = records.findIndex(({ first, last }) => first <= line && line <= last);
  if (record < 0) return undefined;
  const delimiter = guessDelimiter(records[0]?.text ?? '');
  const [header = [], next] = records
    .slice(0, 2)
    .map(({ text, first }) => splitRecord({ text, line: first + 1 }, delimiter, 'the open table'));
  const row = isHeader(header, next) ? record - 1 : record;
  return row < 0 ? undefined : row;
}
