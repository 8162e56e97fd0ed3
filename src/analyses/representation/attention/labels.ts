import type { ShownRow } from './measure.js';

/**
 * Returns what the positions of a row are called: the whole numbers that an input holds for them, `#17`, else their places.
 *
 * Where several inputs fit, the first does.
 */
export function positionLabels(row: ShownRow | undefined, count: number): string[] {
  const ids = [...(row?.ids.values() ?? [])].find((numbers) => numbers.length === count);
  return Array.from({ length: count }, (_, position) => {
    const id = ids?.[position];
    return id === undefined ? String(position) : `${String(position)} #${String(id)}`;
  });
}
