import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { formatNumber } from '../../../../src/protocol/formatReport.js';
import { baseStyles } from '../../../components/baseStyles.js';
import { t } from '../../../text.js';
import type { GraphItem, ItemId } from './graphTree.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-graph-results': NiGraphResults;
  }
}

/** More results than this are counted: a longer list is not read but narrowed. */
const listedCount = 200;

/**
 * What a search in a graph found.
 *
 * @tag ni-graph-results
 *
 * @prop results - In file order.
 * @prop current - The one that is looked at.
 *
 * @fires ni-graph-reveal - A result is to be chosen and brought into view.
 */
@customElement('ni-graph-results')
export class NiGraphResults extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      ol {
        margin: 0;
        padding: 4px 0;
        list-style: none;
      }
      button {
        display: flex;
        gap: 8px;
        width: 100%;
        padding: 1px 12px;
        border: 0;
        color: inherit;
        background: none;
        font: inherit;
        text-align: start;
        cursor: pointer;
      }
      button:hover {
        background: var(--ni-hover);
      }
      button[aria-current='true'] {
        color: var(--vscode-list-inactiveSelectionForeground, inherit);
        background: var(--vscode-list-inactiveSelectionBackground);
        outline: 1px dotted var(--ni-hover-outline);
        outline-offset: -1px;
      }
      button:focus-visible {
        outline: 1px solid var(--vscode-focusBorder);
        outline-offset: -1px;
      }
      .what {
        flex: none;
        font-weight: 600;
      }
      .name {
        min-width: 0;
        overflow: hidden;
        color: var(--ni-muted);
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      p {
        margin: 0;
        padding: 4px 12px;
        color: var(--ni-muted);
      }
    `,
  ];

  @property({ attribute: false }) results: readonly GraphItem[] = [];
  @property({ attribute: false }) current: ItemId | undefined;

  protected override render(): TemplateResult {
    const { results } = this;
    if (results.length === 0) {
      return html`<p>
        ${t('No node matches. Words are searched in names, operators, attributes and shapes; op:Conv, attr:strides, shape:64x28 and in:features say where.')}
      </p>`;
    }
    const more = results.length - listedCount;
    return html`<ol aria-label=${t('Results')}>
        ${results.slice(0, listedCount).map((item) => this.renderResult(item))}
      </ol>
      ${
        more > 0
          ? html`<p>${t('… {0} more; another word narrows it down.', formatNumber(more, 'count'))}</p>`
          : nothing
      }`;
  }

  private renderResult(item: GraphItem): TemplateResult {
    return html`<li>
      <button
        aria-current=${String(item.id === this.current)}
        title=${item.name}
        @click=${() => {
          this.dispatchEvent(new CustomEvent('ni-graph-reveal', { detail: item.id }));
        }}
      >
        <span class="what">${item.node?.operator ?? ''}</span>
        <span class="name">${item.name}</span>
      </button>
    </li>`;
  }
}
