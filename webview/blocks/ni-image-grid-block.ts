import { css, html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { ImageGridBlock } from '../../src/protocol/blocks.js';
import { baseStyles } from '../components/baseStyles.js';
import '../components/ni-picture.js';
import { BlockElement } from './blockElement.js';
import { figureStyles } from './figureStyles.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-image-grid-block': NiImageGridBlock;
  }
}

/** Side of a picture among others: large enough to recognise, small enough to compare a dozen. */
const pictureSize = 96;

/**
 * Several pictures, each with its caption.
 *
 * @tag ni-image-grid-block
 */
@customElement('ni-image-grid-block')
export class NiImageGridBlock extends BlockElement<ImageGridBlock> {
  static override readonly styles = [
    baseStyles,
    figureStyles,
    css`
      ul {
        gap: 10px;
      }
      figcaption {
        margin-top: 0;
      }
    `,
  ];

  protected override render(): TemplateResult {
    return html`<ul>
      ${this.block.images.map(
        (image) =>
          html`<li>
            <figure>
              <ni-picture .picture=${image} .base=${this.context.base} .minSize=${pictureSize}></ni-picture>
              ${image.caption === undefined ? nothing : html`<figcaption>${image.caption}</figcaption>`}
            </figure>
          </li>`,
      )}
    </ul>`;
  }
}
