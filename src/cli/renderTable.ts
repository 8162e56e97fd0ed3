import type { TableBlock, TableCell, TableColumn } from '../protocol/blocks.js';
import { columnHeading, formatCell, isNumeric } from '../protocol/formatReport.js';
import { crop, type Paint, safeText } from './paint.js';

/** How much of a table is shown. */
export interface TableOptions {
  readonly width: number;
  readonly maxRows: number;
  readonly paint: Paint;
}

/** Cells wider than this are cut. */
const maxCellWidth = 48;
const barWidth = 10;
const gap = '  ';

/** Returns a table as lines of text: columns that fit, rows up to a number, and a line saying what is left out. */
export function renderTable(
  table: Pick<TableBlock, 'columns' | 'rows' | 'omittedRowCount'>,
  { width, maxRows, paint }: TableOptions,
): string[] {
  const shownRows = table.rows.slice(0, maxRows);
  const columns: { column: TableColumn; cells: string[]; width: number }[] = [];
  let used = 0;
  for (const column of table.columns) {
    const cells = shownRows.map((row) => crop(cellText(row[column.key], column), maxCellWidth));
    const columnWidth = Math.max(headingOf(column).length, ...cells.map((cell) => cell.length));
    if (columns.length > 0 && used + columnWidth > width) break;
    used += columnWidth + gap.length;
    columns.push({ column, cells, width: columnWidth });
  }
  const align = (text: string, index: number): string => {
    const shown = columns[index];
    if (shown === undefined) return text;
    return isNumeric(shown.column) && shown.column.kind !== 'bar'
      ? text.padStart(shown.width)
      : text.padEnd(shown.width);
  };
  const header = columns.map(({ column }, i) => align(headingOf(column), i)).join(gap);
  const lines = [paint.dim(header.trimEnd())];
  for (let row = 0; row < shownRows.length; row++) {
    const cells = columns.map(({ column, cells }, i) => painted(align(cells[row] ?? '', i), column, paint));
    lines.push(cells.join(gap).trimEnd());
  }
  const left = leftOut(table, shownRows.length, columns.length);
  if (left !== '') lines.push(paint.dim(left));
  return lines;
}

function headingOf(column: TableColumn): string {
  return safeText(columnHeading(column));
}

function cellText(cell: TableCell | undefined, column: TableColumn): string {
  const text = safeText(formatCell(cell, column)).replaceAll('\n', ' ');
  if (column.kind !== 'bar' || typeof cell !== 'number') return text;
  const filled = Math.round(Math.max(0, Math.min(1, cell)) * barWidth);
  return `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${text}`;
}

function painted(text: string, column: TableColumn, paint: Paint): string {
  if (column.kind === 'address') return paint.cyan(text);
  if (column.kind !== 'state') return text;
  const state = text.trim();
  if (state === 'active') return paint.green(text);
  return state === 'dead' || state === 'not-finite' ? paint.red(text) : paint.yellow(text);
}

function leftOut(
  table: Pick<TableBlock, 'columns' | 'rows' | 'omittedRowCount'>,
  rowCount: number,
  columnCount: number,
): string {
  const parts: string[] = [];
  const rows = table.rows.length - rowCount + (table.omittedRowCount ?? 0);
  if (rows > 0) parts.push(`${rows.toLocaleString('en-US')} more row${rows === 1 ? '' : 's'}`);
  const columns = table.columns.slice(columnCount).map((column) => safeText(column.label));
  if (columns.length > 0) parts.push(`not shown: ${columns.join(', ')}`);
  return parts.length === 0 ? '' : `… ${parts.join('; ')}`;
}
