import { css, html, LitElement, svg, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { baseStyles } from './baseStyles.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-sparkline': NiSparkline;
  }
}

/** A bar that is not zero is at least this high, in shares of the whole: few is not none. */
const leastHeight = 0.06;

/**
 * Counts as small bars, the highest as high as the line.
 *
 * @tag ni-sparkline
 *
 * @prop counts - One a bar.
 * @prop {string} label - What it shows, for screen readers.
 *
 * @cssprop [--ni-sparkline-width=72px]
 * @cssprop [--ni-sparkline-height=14px]
 */
@customElement('ni-sparkline')
export class NiSparkline extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        display: inline-block;
        vertical-align: middle;
        line-height: 0;
      }
      svg {
        width: var(--ni-sparkline-width, 72px);
        height: var(--ni-sparkline-height, 14px);
        border-bottom: 1px solid var(--ni-line);
      }
      rect {
        fill: var(--ni-accent);
        shape-rendering: crispEdges;
      }
    `,
  ];

  @property({ attribute: false }) counts: readonly number[] = [];
  @property() label = '';

  protected override render(): TemplateResult {
    const { counts } = this;
    const highest = Math.max(...counts.filter((count) => Number.isFinite(count)), 0);
    const bars = counts.map((count, index) => {
      const share = highest > 0 && count > 0 ? Math.max(leastHeight, count / highest) : 0;
      return svg`<rect x=${index + 0.05} width="0.9" y=${1 - share} height=${share}></rect>`;
    });
    return html`<svg
      role="img"
      aria-label=${this.label}
      viewBox="0 0 ${Math.max(1, counts.length)} 1"
      preserveAspectRatio="none"
    >
      ${bars}
    </svg>`;
  }
}
