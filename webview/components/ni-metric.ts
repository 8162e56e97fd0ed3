import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { baseStyles } from './baseStyles.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-metric': NiMetric;
  }
}

/**
 * A key number with what it is and what it rests on.
 *
 * @tag ni-metric
 *
 * @prop {string} label
 * @prop {string} value - With its unit.
 * @prop {string} evidence - How the number came about; never left out in reports.
 * @prop {string} change - How it differs from another run, in comparisons.
 */
@customElement('ni-metric')
export class NiMetric extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      dl {
        margin: 0;
        font-variant-numeric: tabular-nums;
      }
      dt,
      .evidence {
        color: var(--ni-muted);
      }
      dd {
        margin: 0;
      }
      .value {
        font-size: 1.45em;
        line-height: 1.3;
      }
      .evidence {
        font-size: 0.9em;
        overflow-wrap: anywhere;
      }
    `,
  ];

  @property() label = '';
  @property() value = '';
  @property() evidence = '';
  @property() change = '';

  protected override render(): TemplateResult {
    return html`<dl>
      <dt>${this.label}</dt>
      <dd class="value">${this.value}</dd>
      ${this.change === '' ? nothing : html`<dd class="change">${this.change}</dd>`}
      ${this.evidence === '' ? nothing : html`<dd class="evidence">${this.evidence}</dd>`}
    </dl>`;
  }
}
