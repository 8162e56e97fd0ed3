import type { TableCell, TableColumn } from '../../../src/protocol/blocks.js';
import { compareKeys, type SortKey } from '../sortKey.js';
import { holdsText, type TableData, type TableRow, type TableSort, type TableState } from './tableData.js';
import { filterRows, parseFilter } from './tableFilter.js';

/** Returns the places of the rows that a table shows, in its order; `texts` come from `searchTexts`. */
export function orderRows(
  table: TableData,
  { filter = '', pick, sort }: Pick<TableState, 'filter' | 'pick' | 'sort'>,
  texts: readonly string[],
): readonly number[] {
  let rows = filterRows(table, parseFilter(filter, table.columns), texts);
  const states = table.columns.find(({ kind }) => kind === 'state');
  if (pick !== undefined && states !== undefined) {
    rows = rows.filter((index) => table.rows[index]?.[states.key] === pick);
  }
  return sort === undefined ? rows : sortRows(table, rows, sort);
}

/** Returns the given rows in the order of a sort; equal ones keep their order. */
export function sortRows(table: TableData, rows: readonly number[], sort: TableSort): number[] {
  const column = table.columns.find(({ key }) => key === sort.key);
  if (column === undefined) return [...rows];
  const sign = sort.direction === 'ascending' ? 1 : -1;
  const keys = table.rows.map((row) => sortKeyOf(row[column.key], column));
  return [...rows].sort((a, b) => compareKeys(keys[a], keys[b], sign));
}

/** Returns the sort that a click on a column's header leads to: largest or first letter first, then turned, then none. */
export function nextSort(current: TableSort | undefined, column: TableColumn): TableSort | undefined {
  const first = holdsText(column) ? 'ascending' : 'descending';
  if (current?.key !== column.key) return { key: column.key, direction: first };
  if (current.direction !== first) return undefined;
  return { key: column.key, direction: first === 'ascending' ? 'descending' : 'ascending' };
}

/** Returns the states of a column with their numbers of rows, most frequent first. */
export function countStates(
  rows: readonly TableRow[],
  column: TableColumn,
): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const state = row[column.key];
    if (typeof state === 'string') counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}

function sortKeyOf(cell: TableCell | undefined, column: TableColumn): SortKey {
  if (cell === null || cell === undefined || cell === 'NaN' || cell === '') return undefined;
  if (holdsText(column)) return String(cell);
  const number = Number(cell);
  return Number.isNaN(number) ? String(cell) : number;
}
