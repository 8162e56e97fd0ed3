import type { TableColumn } from '../../../src/protocol/blocks.js';
import { formatCell } from '../../../src/protocol/formatReport.js';
import { holdsText, type TableData } from './tableData.js';

/** Rows that are looked at to find a column's width: spread over the table, enough to meet its longest names. */
const sampledRowCount = 400;

/** Longer cells are cut with an ellipsis; the whole text is their tooltip. */
const maxTextWidth = 44;

/** Room for the bar of a share, in characters. */
const barWidth = 10;

/**
 * Returns the columns as CSS grid tracks in `ch`, the same for every row: a virtual table must not measure what it does
 * not draw. Numbers keep their width, texts shrink when there is little room.
 */
export function columnTracks(table: TableData): string {
  const step = Math.max(1, Math.floor(table.rows.length / sampledRowCount));
  return table.columns
    .map((column) => {
      let longest = column.label.length + (column.unit === undefined ? 0 : column.unit.length + 1) + 2;
      for (let index = 0; index < table.rows.length; index += step) {
        longest = Math.max(longest, widthOf(column, formatCell(table.rows[index]?.[column.key], column)));
      }
      return trackOf(column, longest);
    })
    .join(' ');
}

function widthOf(column: TableColumn, text: string): number {
  if (column.kind === 'bar') return text.length + barWidth;
  return column.kind === 'state' ? text.length + 2 : text.length;
}

function trackOf(column: TableColumn, longest: number): string {
  if (!holdsText(column)) return `calc(${longest}ch + 20px)`;
  const width = Math.min(longest, maxTextWidth);
  return `minmax(${Math.min(width, 12)}ch, calc(${width}ch + 20px))`;
}
