import { html, nothing, type TemplateResult } from 'lit';
import type { TableColumn } from '../../../src/protocol/blocks.js';
import { isNumeric } from '../../../src/protocol/formatReport.js';
import type { TableSort } from './tableData.js';

/** Returns the head of a column: its label and unit, and how the rows are sorted by it. */
export function headerCell(
  column: TableColumn,
  index: number,
  { sort, tabIndex }: { readonly sort: TableSort | undefined; readonly tabIndex: 0 | -1 },
): TemplateResult {
  const direction = sort?.key === column.key ? sort.direction : 'none';
  const arrow = { ascending: '▲', descending: '▼', none: '' }[direction];
  return html`<div
    role="columnheader"
    class="cell ${isNumeric(column) ? 'number' : ''}"
    aria-sort=${direction}
    aria-colindex=${index + 1}
    data-column=${index}
    tabindex=${tabIndex}
    title=${column.description ?? column.label}
  >
    <span>${column.label}</span>
    ${column.unit === undefined ? nothing : html`<span class="unit">${column.unit}</span>`}
    <span class="arrow" aria-hidden="true">${arrow}</span>
  </div>`;
}
