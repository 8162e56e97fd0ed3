import type { LayerRow } from './layerRows.js';

/** What a key does in a tree of rows. */
export type TreeMove =
  { readonly kind: 'go'; readonly row: number } | { readonly kind: 'expand' } | { readonly kind: 'collapse' };

/** Returns what a key does in a row; undefined when it does nothing there. */
export function moveInTree(
  rows: readonly Pick<LayerRow, 'depth' | 'hasChildren' | 'isExpanded'>[],
  { row, pageSize, key }: { readonly row: number; readonly pageSize: number; readonly key: string },
): TreeMove | undefined {
  const current = rows[row];
  if (current === undefined) return undefined;
  const go = (to: number): TreeMove => ({ kind: 'go', row: Math.min(rows.length - 1, Math.max(0, to)) });
  switch (key) {
    case 'ArrowDown':
      return go(row + 1);
    case 'ArrowUp':
      return go(row - 1);
    case 'Home':
      return go(0);
    case 'End':
      return go(rows.length - 1);
    case 'PageDown':
      return go(row + pageSize);
    case 'PageUp':
      return go(row - pageSize);
    case 'ArrowRight':
      if (!current.hasChildren) return undefined;
      return current.isExpanded ? go(row + 1) : { kind: 'expand' };
    case 'ArrowLeft': {
      if (current.isExpanded) return { kind: 'collapse' };
      const parent = parentRow(rows, row);
      return parent === undefined ? undefined : go(parent);
    }
    case 'Enter':
    case ' ':
      if (!current.hasChildren) return go(row);
      return { kind: current.isExpanded ? 'collapse' : 'expand' };
    default:
      return undefined;
  }
}

function parentRow(rows: readonly Pick<LayerRow, 'depth'>[], row: number): number | undefined {
  const depth = rows[row]?.depth ?? 0;
  for (let above = row - 1; above >= 0; above--) {
    if ((rows[above]?.depth ?? 0) < depth) return above;
  }
  return undefined;
}
