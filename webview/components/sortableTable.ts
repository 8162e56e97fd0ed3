import { compareKeys, type SortKey } from './sortKey.js';

/** Which way a column is sorted. */
type Direction = 'ascending' | 'descending';

/**
 * Makes the headers of a table sort its rows, by click or keyboard; the state is in `aria-sort`.
 *
 * A cell sorts by its `data-value` when it has one (numbers as they are, not as shown), else by its text. Cells that are
 * empty or not a number come last either way.
 */
export function makeSortable(table: HTMLTableElement): void {
  const headers = [...table.querySelectorAll<HTMLTableCellElement>('thead th')];
  for (const [column, header] of headers.entries()) {
    const button = table.ownerDocument.createElement('button');
    button.type = 'button';
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener('click', () => {
      const direction: Direction = header.ariaSort === 'descending' ? 'ascending' : 'descending';
      for (const other of headers) other.removeAttribute('aria-sort');
      header.setAttribute('aria-sort', direction);
      sortRows(table, column, direction);
    });
  }
}

function sortRows(table: HTMLTableElement, column: number, direction: Direction): void {
  const [body] = table.tBodies;
  if (body === undefined) return;
  const keyed = [...body.rows].map((row) => ({ row, key: sortKeyOf(row.cells[column]) }));
  const sign = direction === 'ascending' ? 1 : -1;
  keyed.sort((a, b) => compareKeys(a.key, b.key, sign));
  body.append(...keyed.map(({ row }) => row));
}

function sortKeyOf(cell: HTMLTableCellElement | undefined): SortKey {
  const text = cell?.dataset['value'] ?? cell?.textContent.trim() ?? '';
  if (text === '' || text === 'NaN') return undefined;
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}
