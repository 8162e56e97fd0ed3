import type { TableCell } from '../../../src/protocol/blocks.js';
import { csvText } from '../../../src/protocol/csvText.js';
import { columnHeading } from '../../../src/protocol/formatReport.js';
import type { TableData } from './tableData.js';

/** Returns rows as comma-separated text with their numbers unrounded; formulas of hostile names stay text. */
export function tableCsv(table: TableData, order: readonly number[]): string {
  return csvText([headerOf(table), ...cellsOf(table, order)]);
}

/** Returns rows as tab-separated text, which spreadsheets take from the clipboard. */
export function tableTsv(table: TableData, order: readonly number[]): string {
  return [headerOf(table), ...cellsOf(table, order)]
    .map((row) => `${row.map((cell) => String(cell).replace(/[\t\r\n]+/g, ' ')).join('\t')}\n`)
    .join('');
}

function headerOf({ columns }: TableData): string[] {
  return columns.map(columnHeading);
}

function cellsOf({ columns, rows }: TableData, order: readonly number[]): (string | number)[][] {
  return order.map((index) => columns.map(({ key }) => rawCell(rows[index]?.[key])));
}

function rawCell(cell: TableCell | undefined): string | number {
  return cell ?? '';
}
