import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { applyStyle } from '../applyStyle.js';
import type { ReportNumber } from '../../src/protocol/blocks.js';
import { formatNumber } from '../../src/protocol/formatReport.js';
import { ThemeController } from '../theme.js';
import { t } from '../text.js';
import { baseStyles } from './baseStyles.js';
import { cssColor, heatColors } from './heatColors.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-color-scale': NiColorScale;
  }
}

/**
 * The legend of a colour scale: its ends in numbers and the colours between, zero in the middle when it diverges.
 *
 * @tag ni-color-scale
 *
 * @prop {'diverging' | 'sequential'} scale - Diverging scales are centred on zero.
 * @prop limit - Value at the end of the scale.
 * @prop {string} unit - What the values are counted in.
 * @attr {boolean} has-missing - Also explains the colour of values that are no number.
 */
@customElement('ni-color-scale')
export class NiColorScale extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 2px 8px;
        color: var(--ni-muted);
        font-variant-numeric: tabular-nums;
      }
      .ramp {
        width: 140px;
        height: 10px;
        border: 1px solid var(--ni-line);
        forced-color-adjust: none;
      }
      .missing {
        width: 10px;
        height: 10px;
        margin-left: 8px;
        border: 1px solid var(--ni-line);
        forced-color-adjust: none;
      }
    `,
  ];

  @property() scale: 'diverging' | 'sequential' = 'diverging';
  @property({ attribute: false }) limit: ReportNumber = 1;
  @property() unit = '';
  @property({ type: Boolean, attribute: 'has-missing' }) hasMissing = false;

  constructor() {
    super();
    new ThemeController(this);
  }

  protected override render(): TemplateResult {
    const colors = heatColors();
    const positive = cssColor(colors.positive);
    const limit = formatNumber(this.limit);
    const isDiverging = this.scale === 'diverging';
    const ramp = isDiverging
      ? `linear-gradient(to right, ${cssColor(colors.negative)}, transparent, ${positive})`
      : `linear-gradient(to right, transparent, ${positive})`;
    return html`
      <span>${isDiverging ? `−${limit}` : '0'}</span>
      <span class="ramp" aria-hidden="true" ${applyStyle({ background: ramp })}></span>
      <span>${isDiverging ? `+${limit}` : limit}${this.unit === '' ? '' : ` ${this.unit}`}</span>
      ${
        this.hasMissing
          ? html`<span
                class="missing"
                aria-hidden="true"
                ${applyStyle({ background: cssColor(colors.notFinite) })}
              ></span
              ><span>${t('not a number')}</span>`
          : nothing
      }
    `;
  }
}
