/** Returns rows as RFC 4180 text with CRLF line ends; text that would be a formula gets a leading apostrophe. */
export function csvText(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
}

/** Spreadsheets run cells that begin like this, whatever file they came in (OWASP, "CSV Injection"). */
const formulaStart = /^[=+\-@\t\r]/;

/** What our own reports spell out for numbers that JSON cannot hold, and plain numbers, are no formulas. */
const isHarmless = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^-Infinity$/i;

function csvCell(cell: string | number): string {
  if (typeof cell === 'number') return String(cell);
  const text = formulaStart.test(cell) && !isHarmless.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
