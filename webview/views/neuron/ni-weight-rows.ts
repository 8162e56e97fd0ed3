import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { formatNumber } from '../../../src/protocol/formatReport.js';
import type { UnitWeight } from '../../../src/protocol/units.js';
import { applyStyle } from '../../applyStyle.js';
import { baseStyles } from '../../components/baseStyles.js';
import { cssColor, heatColors } from '../../components/heatColors.js';
import { followLink } from '../../links.js';
import { t } from '../../text.js';
import { ThemeController } from '../../theme.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-weight-rows': NiWeightRows;
  }
}

/**
 * Neurons and inputs with a number for each, as a bar too; neurons are links.
 *
 * @tag ni-weight-rows
 *
 * @prop rows - What is listed, in order.
 * @prop fromLabel - What stands in the first column.
 * @prop valueLabel - What the numbers are.
 *
 * @fires ni-link - A link was followed.
 */
@customElement('ni-weight-rows')
export class NiWeightRows extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      table {
        width: 100%;
        max-width: 620px;
        border-collapse: collapse;
        font-variant-numeric: tabular-nums;
      }
      th {
        padding: 1px 8px 3px 0;
        color: var(--ni-muted);
        font-weight: normal;
        text-align: left;
        border-bottom: 1px solid var(--ni-hairline);
      }
      td {
        padding: 1px 8px 1px 0;
      }
      .from {
        min-width: 12ch;
        max-width: 30ch;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .number {
        text-align: right;
        white-space: nowrap;
      }
      .bars {
        width: 100%;
      }
      .track {
        display: flex;
        height: 11px;
        background: linear-gradient(var(--ni-line), var(--ni-line)) center / 1px 100% no-repeat;
      }
      .bar {
        outline: 1px solid var(--vscode-contrastBorder, transparent);
        forced-color-adjust: none;
      }
    `,
  ];

  @property({ attribute: false }) rows: readonly UnitWeight[] = [];
  @property({ attribute: false }) fromLabel = '';
  @property({ attribute: false }) valueLabel = '';

  constructor() {
    super();
    new ThemeController(this);
  }

  protected override render(): TemplateResult {
    const most = Math.max(...this.rows.map(({ value }) => Math.abs(value)));
    return html`<table>
      <thead>
        <tr>
          <th scope="col" class="from">${this.fromLabel}</th>
          <th scope="col" class="number">${this.valueLabel}</th>
          <th scope="col" class="bars"><span class="hidden-text">${t('As a bar')}</span></th>
        </tr>
      </thead>
      <tbody>
        ${this.rows.map((row) => this.renderRow(row, most))}
      </tbody>
    </table>`;
  }

  private renderRow({ from, address, value }: UnitWeight, most: number): TemplateResult {
    return html`<tr>
      <td class="from" title=${from}>
        ${address === undefined ? html`<span class="address">${from}</span>` : this.renderLink(from, address)}
      </td>
      <td class="number">${formatNumber(value)}</td>
      <td aria-hidden="true">${bar(value, most)}</td>
    </tr>`;
  }

  private renderLink(from: string, address: string): TemplateResult {
    return html`<button
      class="text address"
      @click=${() => {
        followLink(this, { kind: 'open-address', address });
      }}
    >
      ${from}
    </button>`;
  }
}

/** Grows from the middle, to the right when positive, in the colours of the heat maps. */
function bar(value: number, most: number): TemplateResult {
  const { positive, negative } = heatColors();
  const half = most > 0 ? (Math.abs(value) / most) * 50 : 0;
  const start = value < 0 ? 50 - half : 50;
  return html`<div class="track">
    <div
      class="bar"
      ${applyStyle({
        'margin-left': `${String(start)}%`,
        width: `${String(half)}%`,
        background: cssColor(value < 0 ? negative : positive),
      })}
    ></div>
  </div>`;
}
