import { html, nothing, type TemplateResult } from 'lit';
import { applyStyle } from '../../applyStyle.js';
import type { TableCell, TableColumn } from '../../../src/protocol/blocks.js';
import { formatCell, isNumeric } from '../../../src/protocol/formatReport.js';
import { t } from '../../text.js';
import { stateLook } from '../stateLook.js';

/** Where a cell stands, whether the keyboard reaches it, and where it leads. */
export interface CellPlace {
  readonly column: number;
  readonly tabIndex: 0 | -1;
  /** File of the report's part that the cell names. */
  readonly file: string | undefined;
}

/** Returns a cell of a grid as its column's kind draws it. */
export function tableCell(
  cell: TableCell | undefined,
  column: TableColumn,
  { column: index, tabIndex, file }: CellPlace,
): TemplateResult {
  const text = formatCell(cell, column);
  // A cell that holds a link gives its tab stop to the link.
  const isAddress = column.kind === 'address' && cell !== null && cell !== undefined && text !== '';
  const link =
    file !== undefined ? partLink(text, file, tabIndex) : isAddress ? addressLink(text, tabIndex) : undefined;
  return html`<div
    role="gridcell"
    class="cell ${isNumeric(column) ? 'number' : column.kind}"
    aria-colindex=${index + 1}
    data-column=${index}
    tabindex=${link === undefined ? tabIndex : nothing}
  >
    ${link ?? content(cell, column, text)}
  </div>`;
}

function addressLink(address: string, tabIndex: 0 | -1): TemplateResult {
  return html`<a class="address" href="#" data-address=${address} tabindex=${tabIndex} title=${address}
    >${address}</a
  >`;
}

function partLink(name: string, file: string, tabIndex: 0 | -1): TemplateResult {
  return html`<a href="#" data-part-file=${file} tabindex=${tabIndex} title=${name}>${name}</a>`;
}

function content(cell: TableCell | undefined, column: TableColumn, text: string): TemplateResult {
  if (cell === null || cell === undefined) {
    return html`<span class="muted" title=${t('Not captured')}>${text}</span>`;
  }
  switch (column.kind) {
    case 'state': {
      const { level, glyph } = stateLook(text);
      return html`<i class=${level} aria-hidden="true">${glyph}</i><span class=${level}>${text}</span>`;
    }
    // Rounded numbers are looked up whole by pointing at them.
    case 'bar':
      return html`${shareBar(Number(cell))}<span title=${String(cell)}>${text}</span>`;
    case 'number':
    case 'count':
    case 'percent':
      return html`<span title=${String(cell)}>${text}</span>`;
    case 'text':
    case 'address':
      return html`<span title=${text}>${text}</span>`;
  }
}

function shareBar(share: number): TemplateResult {
  const width = Number.isFinite(share) ? Math.max(0, Math.min(1, share)) * 100 : 0;
  return html`<span class="bar" aria-hidden="true"
    ><span ${applyStyle({ width: `${String(width)}%` })}></span
  ></span>`;
}
