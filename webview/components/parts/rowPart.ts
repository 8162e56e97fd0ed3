import type { TableColumn } from '../../../src/protocol/blocks.js';
import { formatCell } from '../../../src/protocol/formatReport.js';
import type { Parts } from '../../../src/protocol/parts.js';
import type { TableRow } from '../table/tableData.js';
import type { PickedPart } from './pickedPart.js';

/** Returns the piece that a row of a table stands for, undefined where it stands for none. */
export function rowPart(
  row: TableRow,
  columns: readonly TableColumn[],
  parts: Parts | undefined,
): PickedPart | undefined {
  const name = nameOf(row, parts);
  return name === undefined ? undefined : { item: 0, name, text: rowText(row, columns) };
}

/** Returns the place of the row that stands for a piece. */
export function rowOfPart(
  rows: readonly TableRow[],
  parts: Parts | undefined,
  name: string | undefined,
): number | undefined {
  if (name === undefined) return undefined;
  const index = rows.findIndex((row) => nameOf(row, parts) === name);
  return index < 0 ? undefined : index;
}

function nameOf(row: TableRow, parts: Parts | undefined): string | undefined {
  const name = parts?.key === undefined ? undefined : row[parts.key];
  return typeof name === 'string' ? name : undefined;
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
