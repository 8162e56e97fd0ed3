import type { TableColumn } from '../../../src/protocol/blocks.js';
import { formatCell } from '../../../src/protocol/formatReport.js';
import { holdsText, type TableData } from './tableData.js';

/** Rows that are looked at to find a column's width: spread over the table, enough to meet its longest names. */
const sampledRowCount = 400;

/** Longer cells are cut with an ellipsis; the whole text is their tooltip. In pixels. */
const maxTextWidth = 720;

/** Texts shrink to this where there is little room; then the table scrolls: a name that cannot be read is of no use. */
const minTextWidth = 160;

/** What stands in a cell beside its text, in pixels: padding, the arrow of a sorted header, a bar, a state's glyph. */
const padding = 22;
const arrowWidth = 16;
const barWidth = 72;
const glyphWidth = 20;

/** Returns the width of a text in pixels, in the font of cells, headers or addresses. */
export type MeasureText = (text: string, part: 'cell' | 'header' | 'address') => number;

/**
 * Returns the columns as CSS grid tracks, the same for every row: a virtual table must not measure what it does not draw.
 * Numbers keep their width, texts shrink when there is little room.
 */
export function columnTracks(table: TableData, measure: MeasureText): string {
  const step = Math.max(1, Math.floor(table.rows.length / sampledRowCount));
  return table.columns
    .map((column) => {
      const heading = column.unit === undefined ? column.label : `${column.label} ${column.unit}`;
      let widest = measure(heading, 'header') + arrowWidth;
      for (let index = 0; index < table.rows.length; index += step) {
        const text = formatCell(table.rows[index]?.[column.key], column);
        widest = Math.max(
          widest,
          measure(text, column.kind === 'address' ? 'address' : 'cell') + extraWidth(column),
        );
      }
      return trackOf(column, Math.ceil(widest) + padding);
    })
    .join(' ');
}

function extraWidth(column: TableColumn): number {
  if (column.kind === 'bar') return barWidth;
  return column.kind === 'state' ? glyphWidth : 0;
}

function trackOf(column: TableColumn, widest: number): string {
  if (!holdsText(column)) return `${String(widest)}px`;
  const width = Math.min(widest, maxTextWidth);
  return `minmax(${String(Math.min(width, minTextWidth))}px, ${String(width)}px)`;
}
