import { css, html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { ImageBlock } from '../../src/protocol/blocks.js';
import { baseStyles } from '../components/baseStyles.js';
import '../components/ni-picture.js';
import { BlockElement } from './blockElement.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-image-block': NiImageBlock;
  }
}

/**
 * One picture with its caption.
 *
 * @tag ni-image-block
 */
@customElement('ni-image-block')
export class NiImageBlock extends BlockElement<ImageBlock> {
  static override readonly styles = [
    baseStyles,
    css`
      figure {
        margin: 0;
      }
      figcaption {
        margin-top: 2px;
        color: var(--ni-muted);
      }
    `,
  ];

  protected override render(): TemplateResult {
    const { image } = this.block;
    return html`<figure>
      <ni-picture .picture=${image} .base=${this.context.base}></ni-picture>
      ${image.caption === undefined ? nothing : html`<figcaption>${image.caption}</figcaption>`}
    </figure>`;
  }
}
