import type { Random } from '../../src/base/random.js';

/** Returns a table as CSV, every number drawn evenly from 0 to `width`. */
export function drawTable(
  random: Random,
  {
    columns,
    rowCount,
    width,
  }: { readonly columns: readonly string[]; readonly rowCount: number; readonly width: number },
): string {
  const lines = Array.from({ length: rowCount }, () =>
    columns.map(() => (width * random.next()).toFixed(3)).join(','),
  );
  return `${columns.join(',')}\n${lines.join('\n')}\n`;
}
