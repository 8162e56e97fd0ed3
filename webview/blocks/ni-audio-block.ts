import { css, html, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { AudioBlock } from '../../src/protocol/blocks.js';
import { baseStyles } from '../components/baseStyles.js';
import '../components/ni-color-scale.js';
import { hasMissing } from '../components/ni-heat-map.js';
import '../components/sound/ni-sound.js';
import { BlockElement } from './blockElement.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-audio-block': NiAudioBlock;
  }
}

/**
 * Sounds with a value for each of their pieces, one legend for all.
 *
 * @tag ni-audio-block
 */
@customElement('ni-audio-block')
export class NiAudioBlock extends BlockElement<AudioBlock> {
  static override readonly styles = [
    baseStyles,
    css`
      figure {
        margin: 8px 0 0;
      }
      figcaption {
        color: var(--ni-muted);
        font-size: 0.9em;
        overflow-wrap: anywhere;
      }
    `,
  ];

  protected override render(): TemplateResult {
    const { block } = this;
    return html`
      <ni-color-scale
        .scale=${block.scale}
        .limit=${block.limit}
        ?has-missing=${block.items.some(({ values }) => hasMissing(values))}
      ></ni-color-scale>
      ${block.items.map(
        (item) =>
          html`<figure>
            <figcaption>${item.caption}</figcaption>
            <ni-sound .item=${item} .limit=${block.limit} .base=${this.context.base}></ni-sound>
          </figure>`,
      )}
    `;
  }
}
