/** A cell of a grid: row −1 is the header. */
export interface GridPlace {
  readonly row: number;
  readonly column: number;
}

/** How far focus can move. */
export interface GridSize {
  readonly rowCount: number;
  readonly columnCount: number;
  /** Rows that fit on a page. */
  readonly pageSize: number;
}

/** Returns where a key leads in a grid, as the ARIA practices say; undefined for keys that do not move. */
export function moveFocus(
  from: GridPlace,
  key: { readonly key: string; readonly ctrlKey: boolean; readonly metaKey: boolean },
  size: GridSize,
): GridPlace | undefined {
  const to = target(from, key, size);
  if (to === undefined) return undefined;
  return {
    row: Math.max(-1, Math.min(size.rowCount - 1, to.row)),
    column: Math.max(0, Math.min(size.columnCount - 1, to.column)),
  };
}

function target(
  { row, column }: GridPlace,
  { key, ctrlKey, metaKey }: { readonly key: string; readonly ctrlKey: boolean; readonly metaKey: boolean },
  { rowCount, columnCount, pageSize }: GridSize,
): GridPlace | undefined {
  const isWide = ctrlKey || metaKey;
  switch (key) {
    case 'ArrowUp':
      return { row: row - 1, column };
    case 'ArrowDown':
      return { row: row + 1, column };
    case 'ArrowLeft':
      return { row, column: column - 1 };
    case 'ArrowRight':
      return { row, column: column + 1 };
    case 'PageUp':
      return { row: Math.max(Math.min(row, 0), row - pageSize), column };
    case 'PageDown':
      return { row: row + pageSize, column };
    case 'Home':
      return isWide ? { row: 0, column: 0 } : { row, column: 0 };
    case 'End':
      return isWide ? { row: rowCount - 1, column: columnCount - 1 } : { row, column: columnCount - 1 };
    default:
      return undefined;
  }
}
