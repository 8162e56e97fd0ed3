import type { TableColumn } from '../../../src/protocol/blocks.js';
import { formatCell } from '../../../src/protocol/formatReport.js';
import type { Parts } from '../../../src/protocol/parts.js';
import type { TableRow } from '../table/tableData.js';
import type { PartId, PickedPart } from './pickedPart.js';

/** Returns the piece that a row of a table stands for, undefined where it stands for none. */
export function rowPart(
  row: TableRow,
  columns: readonly TableColumn[],
  parts: Parts | undefined,
): PickedPart | undefined {
  const id = partIdOf(row, parts);
  if (id === undefined) return undefined;
  const text = rowText(row, columns);
  // Rows of several items say of which they are.
  return parts?.itemKey === undefined ? { ...id, text } : { ...id, text, caption: wordsOf(row, columns) };
}

/** Returns the place of the row that stands for a piece. */
export function rowOfPart(
  rows: readonly TableRow[],
  parts: Parts | undefined,
  part: PartId | undefined,
): number | undefined {
  if (part === undefined) return undefined;
  const index = rows.findIndex((row) => isSamePart(partIdOf(row, parts), part));
  return index < 0 ? undefined : index;
}

/** Returns which piece a row of a table, or a mark of a chart, stands for. */
export function partIdOf(
  row: Readonly<Record<string, unknown>>,
  parts: Parts | undefined,
): PartId | undefined {
  const name = parts?.key === undefined ? undefined : row[parts.key];
  if (typeof name !== 'string') return undefined;
  const item = parts?.itemKey === undefined ? 0 : row[parts.itemKey];
  return typeof item === 'number' ? { item, name } : undefined;
}

/** Tells whether two pieces are the same. */
export function isSamePart(one: PartId | undefined, other: PartId): boolean {
  return one?.item === other.item && one.name === other.name;
}

/** What the row is, then its numbers. */
function rowText(row: TableRow, columns: readonly TableColumn[]): string {
  const [first, ...others] = columns;
  if (first === undefined) return '';
  const head = formatCell(row[first.key], first);
  const numbers = others
    .filter(({ kind, key }) => kind === 'number' && row[key] !== null && row[key] !== undefined)
    .map((column) => `${column.label} ${formatCell(row[column.key], column)}`);
  return [first.kind === 'count' ? `${first.label} ${head}` : head, ...numbers].join(' · ');
}

/** What the row says in words. */
function wordsOf(row: TableRow, [, ...others]: readonly TableColumn[]): string {
  return others
    .filter(({ kind }) => kind === 'text')
    .map((column) => `${column.label}: ${formatCell(row[column.key], column)}`)
    .join(' · ');
}
