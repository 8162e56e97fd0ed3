import { css, html, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { MarkdownBlock } from '../../src/protocol/blocks.js';
import { baseStyles } from '../components/baseStyles.js';
import { followLink, isWebAddress } from '../links.js';
import { BlockElement } from './blockElement.js';
import { markdownFragment } from './markdownFragment.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-markdown-block': NiMarkdownBlock;
  }
}

/**
 * Text of a report.
 *
 * @tag ni-markdown-block
 * @fires ni-link - A web address was followed.
 */
@customElement('ni-markdown-block')
export class NiMarkdownBlock extends BlockElement<MarkdownBlock> {
  static override readonly styles = [
    baseStyles,
    css`
      div {
        max-width: 80ch;
        overflow-wrap: anywhere;
      }
      p,
      ul,
      ol,
      blockquote {
        margin: 4px 0;
      }
      ul,
      ol {
        padding-left: 20px;
      }
      a {
        text-decoration: underline;
      }
      code {
        color: var(--vscode-textPreformat-foreground);
      }
      pre {
        overflow-x: auto;
        padding: 6px 8px;
        background: var(--vscode-textCodeBlock-background);
        border: 1px solid var(--vscode-contrastBorder, transparent);
      }
      blockquote {
        padding-left: 10px;
        border-left: 3px solid var(--ni-line);
      }
    `,
  ];

  protected override render(): TemplateResult {
    return html`<div @click=${this.onClick}>${markdownFragment(this.block.text)}</div>`;
  }

  private readonly onClick = (event: Event): void => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || !isWebAddress(link.href)) return;
    event.preventDefault();
    followLink(this, { kind: 'open-url', url: link.href });
  };
}
