import { html, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { TableBlock } from '../../src/protocol/blocks.js';
import type { Report } from '../../src/protocol/report.js';
import { baseStyles } from '../components/baseStyles.js';
import '../components/ni-table.js';
import { rowOfPart, rowPart } from '../components/parts/rowPart.js';
import type { TableState } from '../components/table/tableData.js';
import { t } from '../text.js';
import { BlockElement } from './blockElement.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-table-block': NiTableBlock;
  }
}

/**
 * A table of a report.
 *
 * @tag ni-table-block
 */
@customElement('ni-table-block')
export class NiTableBlock extends BlockElement<TableBlock> {
  static override readonly styles = [baseStyles];

  protected override render(): TemplateResult {
    const { block, context } = this;
    return html`<ni-table
      .label=${block.title ?? block.alt ?? t('Table')}
      .table=${block}
      .omittedRowCount=${block.omittedRowCount ?? 0}
      .saved=${context.state.read('table')}
      .partFiles=${partFiles(context.report)}
      ?pickable=${this.isPickable}
      .markedRow=${rowOfPart(block.rows, block.parts, context.picked)}
      @ni-table-row=${({ detail: { row, anchor } }: HTMLElementEventMap['ni-table-row']) => {
        const part = rowPart(row, block.columns, block.parts);
        if (part !== undefined) context.pick?.(part, anchor);
      }}
      @ni-table-state=${(event: CustomEvent<TableState>) => {
        this.context.state.set('table', event.detail);
      }}
    ></ni-table>`;
  }
}

/** Files of reports of other models, by the name of the model. */
function partFiles({ parts = [] }: Report): ReadonlyMap<string, string> {
  return new Map(
    parts.flatMap(({ of, file }) => (of === undefined || file === undefined ? [] : [[of, file]])),
  );
}
