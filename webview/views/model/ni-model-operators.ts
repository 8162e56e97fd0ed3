import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { baseStyles } from '../../components/baseStyles.js';
import '../../components/ni-table.js';
import type { TableData, TableState } from '../../components/table/tableData.js';
import { t } from '../../text.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-model-operators': NiModelOperators;
  }
  interface HTMLElementEventMap {
    'ni-show-operator': CustomEvent<string>;
    'ni-operators-state': CustomEvent<TableState>;
  }
}

/**
 * The operators of a model with how often each is used.
 *
 * @tag ni-model-operators
 *
 * @prop operators - Counts by operator.
 * @prop saved - How the table was left.
 *
 * @fires ni-show-operator - Its nodes are to be shown in the graph.
 * @fires ni-operators-state - The table is to be kept as it is.
 */
@customElement('ni-model-operators')
export class NiModelOperators extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        height: 100%;
        padding: 8px 12px;
      }
      p {
        margin: 0 0 6px;
        color: var(--ni-muted);
      }
      ni-table {
        flex: 1 1 auto;
        min-height: 0;
      }
    `,
  ];

  @property({ attribute: false }) operators: Readonly<Record<string, number>> = {};
  @property({ attribute: false }) saved: TableState | undefined;

  protected override render(): TemplateResult {
    return html`<p>${t('Choose an operator to see its nodes in the graph.')}</p>
      <ni-table
        fill
        .label=${t('Operators')}
        .table=${this.table()}
        .saved=${this.saved}
        @ni-table-row=${this.onRow}
        @ni-table-state=${this.onState}
      ></ni-table>`;
  }

  private table(): TableData {
    const entries = Object.entries(this.operators).sort(([, a], [, b]) => b - a);
    const total = entries.reduce((sum, [, count]) => sum + count, 0);
    return {
      columns: [
        { key: 'operator', label: t('Operator'), kind: 'text' },
        { key: 'count', label: t('Nodes'), kind: 'count' },
        { key: 'share', label: t('Share of nodes'), kind: 'bar' },
      ],
      rows: entries.map(([operator, count]) => ({ operator, count, share: count / total })),
    };
  }

  private readonly onRow = (event: HTMLElementEventMap['ni-table-row']): void => {
    const { operator } = event.detail.row;
    if (typeof operator !== 'string') return;
    const options = { detail: operator, bubbles: true, composed: true };
    this.dispatchEvent(new CustomEvent('ni-show-operator', options));
  };

  private readonly onState = (event: HTMLElementEventMap['ni-table-state']): void => {
    this.dispatchEvent(new CustomEvent('ni-operators-state', { detail: event.detail }));
  };
}
