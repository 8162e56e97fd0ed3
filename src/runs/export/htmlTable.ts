import type { TableBlock, TableCell, TableColumn } from '../../protocol/blocks.js';
import { counted, formatCell, isNumeric } from '../../protocol/formatReport.js';
import { escapeHtml } from './escape.js';
import { partsAttribute } from './htmlParts.js';

/** A page with more rows than this is slow to open; the CSV has them all. */
const maxRows = 2000;

/** Returns a table as HTML: a scrolling region that the keyboard reaches, header fixed, numbers aligned. */
export function htmlTable(
  table: Pick<TableBlock, 'columns' | 'rows' | 'omittedRowCount' | 'parts'>,
  label: string,
): string {
  const { columns, rows, omittedRowCount = 0, parts } = table;
  const shown = rows.slice(0, maxRows);
  const head = columns.map(headerCell).join('');
  const body = shown.map(
    (row) =>
      `<tr${partName(row[parts?.key ?? ''])}${partItem(row[parts?.itemKey ?? ''])}>${columns.map((column) => bodyCell(row[column.key], column)).join('')}</tr>`,
  );
  const more = rows.length - shown.length + omittedRowCount;
  const note = more === 0 ? '' : `<p class="muted">… ${counted(more, 'more row')}</p>`;
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(label)}"><table data-sortable${partsAttribute(parts, 0, { counts: [], values: [] })}><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>${note}`;
}

function partItem(item: TableCell | undefined): string {
  return typeof item === 'number' ? ` data-item="${String(item)}"` : '';
}

function partName(name: TableCell | undefined): string {
  return typeof name === 'string' ? ` data-part="${escapeHtml(name)}"` : '';
}

function headerCell(column: TableColumn): string {
  const className = isNumeric(column) && column.kind !== 'bar' ? ' class="number"' : '';
  const title = column.description === undefined ? '' : ` title="${escapeHtml(column.description)}"`;
  const unit = column.unit === undefined ? '' : ` <span class="muted">${escapeHtml(column.unit)}</span>`;
  return `<th scope="col"${className}${title}>${escapeHtml(column.label)}${unit}</th>`;
}

function bodyCell(cell: TableCell | undefined, column: TableColumn): string {
  const text = escapeHtml(formatCell(cell, column));
  switch (column.kind) {
    case 'text':
      return `<td>${text}</td>`;
    case 'address':
      return `<td><code>${text}</code></td>`;
    case 'state':
      return `<td><span class="state ${/^[a-z-]+$/.test(text) ? text : ''}">${text}</span></td>`;
    case 'bar':
      return `<td class="bar"${sortValue(cell)}>${bar(cell)}${text}</td>`;
    case 'number':
    case 'count':
    case 'percent':
      return `<td class="number"${sortValue(cell)}>${text}</td>`;
  }
}

/** Numbers sort by what they are, not by how they are shown. */
function sortValue(cell: TableCell | undefined): string {
  return cell === undefined || cell === null ? '' : ` data-value="${escapeHtml(String(cell))}"`;
}

/** Drawn as SVG because the page's policy allows no inline style. */
function bar(cell: TableCell | undefined): string {
  const share = typeof cell === 'number' ? Math.max(0, Math.min(1, cell)) : 0;
  return `<svg viewBox="0 0 72 10" aria-hidden="true"><rect width="72" height="10"/><rect width="${Number((share * 72).toFixed(2))}" height="10"/></svg>`;
}
