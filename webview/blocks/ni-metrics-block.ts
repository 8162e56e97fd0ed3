import { css, html, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { MetricsBlock } from '../../src/protocol/blocks.js';
import { blockMetrics } from '../../src/protocol/formatReport.js';
import { baseStyles } from '../components/baseStyles.js';
import '../components/ni-metric.js';
import { BlockElement } from './blockElement.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-metrics-block': NiMetricsBlock;
  }
}

/**
 * Key numbers, each with what it rests on.
 *
 * @tag ni-metrics-block
 */
@customElement('ni-metrics-block')
export class NiMetricsBlock extends BlockElement<MetricsBlock> {
  static override readonly styles = [
    baseStyles,
    css`
      ul {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(196px, max-content));
        gap: 8px 24px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        max-width: 260px;
        padding-left: 10px;
        border-left: 2px solid var(--ni-line);
      }
    `,
  ];

  protected override render(): TemplateResult {
    return html`<ul>
      ${blockMetrics(this.context.report, this.block).map(
        ({ label, value, evidence }) =>
          html`<li><ni-metric .label=${label} .value=${value} .evidence=${evidence}></ni-metric></li>`,
      )}
    </ul>`;
  }
}
