import { css, html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { CitationBlock } from '../../src/protocol/blocks.js';
import { baseStyles } from '../components/baseStyles.js';
import { followLink, isWebAddress } from '../links.js';
import { BlockElement } from './blockElement.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-citation-block': NiCitationBlock;
  }
}

/**
 * The papers behind the numbers.
 *
 * @tag ni-citation-block
 * @fires ni-link - A paper was followed.
 */
@customElement('ni-citation-block')
export class NiCitationBlock extends BlockElement<CitationBlock> {
  static override readonly styles = [
    baseStyles,
    css`
      ul {
        margin: 0;
        padding-left: 18px;
      }
      li {
        overflow-wrap: anywhere;
      }
    `,
  ];

  protected override render(): TemplateResult {
    const papers = this.context.report.papers.filter(({ id }) => this.block.papers.includes(id));
    if (papers.length === 0) return html`${nothing}`;
    return html`<ul>
      ${papers.map(({ title, url }) => html`<li>${isWebAddress(url) ? this.renderLink(title, url) : title}</li>`)}
    </ul>`;
  }

  private renderLink(title: string, url: string): TemplateResult {
    return html`<a
      href=${url}
      title=${url}
      @click=${(event: Event) => {
        event.preventDefault();
        followLink(this, { kind: 'open-url', url });
      }}
      >${title}</a
    >`;
  }
}
