/** Rows drawn beyond each edge, so that a turn of the wheel shows no gap. */
const overscan = 8;

/** Row height of the editor's lists over its font size: 22 px at 13 px. */
const rowHeightByFontSize = 22 / 13;

/** Returns the height of a row in the font of an element, in px. */
export function rowHeightIn(element: Element): number {
  const fontSize = Number.parseFloat(getComputedStyle(element).fontSize);
  return Math.round((Number.isNaN(fontSize) ? 13 : fontSize) * rowHeightByFontSize);
}

/** Which part of a table is in view; heights in px. */
export interface TableView {
  readonly scrolled: number;
  readonly height: number;
  readonly rowHeight: number;
  readonly rowCount: number;
  /** The row with the focus, -1 for none. */
  readonly focusedRow: number;
}

/** Returns the rows in view with some around them, and the one with the focus wherever it is: focus must not fall out. */
export function drawnRows({ scrolled, height, rowHeight, rowCount, focusedRow }: TableView): number[] {
  const first = Math.max(0, Math.floor(scrolled / rowHeight) - overscan);
  const last = Math.min(rowCount - 1, Math.ceil((scrolled + height) / rowHeight) + overscan);
  const rows: number[] = [];
  if (focusedRow >= 0 && focusedRow < first) rows.push(focusedRow);
  for (let row = first; row <= last; row++) rows.push(row);
  if (focusedRow > last && focusedRow < rowCount) rows.push(focusedRow);
  return rows;
}
