import { html, nothing, type TemplateResult } from 'lit';
import { formatNumber } from '../../../../src/protocol/formatReport.js';
import type { LayerBadge } from '../../../../src/protocol/views/modelMessages.js';
import { applyStyle } from '../../../applyStyle.js';
import { t } from '../../../text.js';
import { marked } from '../marked.js';
import { kindWords, type LayerColumn, type LayerRow, shapeText } from './layerRows.js';

/** A column of the list of layers. */
export interface ColumnLook {
  readonly key: LayerColumn;
  readonly label: () => string;
  readonly isNumeric: boolean;
}

/** The columns of the list, in order. */
export const layerColumns: readonly ColumnLook[] = [
  { key: 'name', label: () => t('Layer'), isNumeric: false },
  { key: 'kind', label: () => t('Kind'), isNumeric: false },
  { key: 'units', label: () => t('Units'), isNumeric: true },
  { key: 'params', label: () => t('Parameters'), isNumeric: true },
  { key: 'shape', label: () => t('Output'), isNumeric: false },
  { key: 'share', label: () => t('Share'), isNumeric: true },
  { key: 'state', label: () => t('Results'), isNumeric: false },
];

/** What the cells of a row show besides the layer. */
export interface CellContext {
  readonly badge: LayerBadge | undefined;
  readonly parameterCount: number;
  /** Words to mark. */
  readonly search: string;
}

/** Returns the cells of a layer's row. */
export function layerCells(row: LayerRow, { badge, parameterCount, search }: CellContext): TemplateResult {
  const { layer } = row;
  const shape = shapeText(layer.shape);
  const units = layer.unitCount === null ? '–' : formatNumber(layer.unitCount, 'count');
  const params = layer.parameterCount === 0 ? '–' : formatNumber(layer.parameterCount, 'count');
  const share = parameterCount === 0 ? 0 : Math.min(1, layer.parameterCount / parameterCount);
  return html`
    ${nameCell(row, search)}
    <div role="gridcell" class="cell kind" aria-colindex="2">
      <span title=${kindWords(layer)}>${marked(kindWords(layer), search)}</span>
    </div>
    <div role="gridcell" class="cell number" aria-colindex="3"><span>${units}</span></div>
    <div role="gridcell" class="cell number" aria-colindex="4"><span>${params}</span></div>
    <div role="gridcell" class="cell" aria-colindex="5">
      <span title=${shape === '' ? t('Not known without running the model') : shape}
        >${shape === '' ? '–' : shape}</span
      >
    </div>
    <div role="gridcell" class="cell number" aria-colindex="6">
      ${
        layer.parameterCount === 0
          ? html`<span class="muted">–</span>`
          : html`<span class="bar" aria-hidden="true"
                ><i ${applyStyle({ width: `${String(share * 100)}%` })}></i></span
              ><span class="share">${formatNumber(share, 'percent')}</span>`
      }
    </div>
    <div role="gridcell" class="cell" aria-colindex="7">
      ${
        badge === undefined
          ? nothing
          : html`<span class=${badge.level} title=${badge.detail}>${marked(badge.text, search)}</span>`
      }
    </div>
  `;
}

function nameCell({ layer, depth, hasChildren, isExpanded }: LayerRow, search: string): TemplateResult {
  // In the tree the lines above say the rest.
  const isRepeated = depth > 0 && layer.parent !== null && layer.name.startsWith(`${layer.parent}.`);
  const name = isRepeated ? layer.name.slice((layer.parent?.length ?? 0) + 1) : layer.name;
  return html`<div
    role="gridcell"
    class="cell"
    aria-colindex="1"
    ${applyStyle({ 'padding-inline-start': `${String(4 + depth * 12)}px` })}
  >
    <span class="twistie" aria-hidden="true">${hasChildren ? (isExpanded ? '▾' : '▸') : ''}</span>
    <span title=${layer.path === layer.name ? layer.name : `${layer.name}\n${layer.path}`}
      >${marked(name, search)}</span
    >
  </div>`;
}
