import { html, type TemplateResult } from 'lit';
import { t } from '../../../text.js';
import { layerColumns } from './layerCells.js';
import type { LayerColumn, LayerQuery } from './layerRows.js';

/** How the columns' heads are drawn, and what they do. */
export interface LayersHead {
  readonly sort: LayerQuery['sort'];
  /** Column whose head Tab leads to. */
  readonly focused: number;
  readonly onSort: (column: LayerColumn, index: number) => void;
  readonly onKey: (event: KeyboardEvent) => void;
}

/** Returns the heads of all columns: buttons that sort. */
export function layersHead({ sort, focused, onSort, onKey }: LayersHead): TemplateResult[] {
  return layerColumns.map(({ key, isNumeric, label }, index) => {
    const direction = sort?.column === key ? sort.direction : 'none';
    const arrow = { ascending: '▲', descending: '▼', none: '' }[direction];
    return html`<div
      role="columnheader"
      class="cell ${isNumeric ? 'number' : ''}"
      aria-sort=${direction}
      aria-colindex=${index + 1}
    >
      <button
        data-column=${key}
        tabindex=${focused === index ? 0 : -1}
        title=${t('Sort by {0}', label())}
        @click=${() => {
          onSort(key, index);
        }}
        @keydown=${onKey}
      >
        <span>${label()}</span><span class="arrow" aria-hidden="true">${arrow}</span>
      </button>
    </div>`;
  });
}

/** Returns how a column's head sorts next: numbers from the largest, words from the first, then the other way, then not. */
export function nextSort(sort: LayersHead['sort'], column: LayerColumn): LayersHead['sort'] {
  const isNumeric = layerColumns.find(({ key }) => key === column)?.isNumeric === true;
  const directions = isNumeric
    ? (['descending', 'ascending'] as const)
    : (['ascending', 'descending'] as const);
  const current = sort?.column === column ? directions.indexOf(sort.direction) : -1;
  const direction = directions[current + 1];
  return direction === undefined ? undefined : { column, direction };
}
