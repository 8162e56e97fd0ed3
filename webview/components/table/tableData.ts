import type { TableBlock, TableCell, TableColumn } from '../../../src/protocol/blocks.js';

/** Columns and rows, as reports have them. */
export type TableData = Pick<TableBlock, 'columns' | 'rows'>;

/** A row of a table. */
export type TableRow = TableBlock['rows'][number];

/** How a person left a table: kept over hiding and reloads. */
export interface TableState {
  readonly sort?: TableSort | undefined;
  readonly filter?: string | undefined;
  /** State that alone is shown. */
  readonly pick?: string | undefined;
  readonly scrollTop?: number | undefined;
}

/** Which column a table is sorted by. */
export interface TableSort {
  readonly key: string;
  readonly direction: 'ascending' | 'descending';
}

/** Tells whether a column's cells are words, so that a text can be searched in them. */
export function holdsText(column: TableColumn): boolean {
  return column.kind === 'text' || column.kind === 'address' || column.kind === 'state';
}

/** Returns a cell of a numeric column as a number; NaN when it is none. */
export function numberOf(cell: TableCell | undefined): number {
  return cell === null || cell === undefined ? Number.NaN : Number(cell);
}
