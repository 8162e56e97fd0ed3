import { css, html, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { AudioBlock } from '../../src/protocol/blocks.js';
import { partName } from '../../src/protocol/partNames.js';
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
        (item, index) =>
          html`<figure>
            <figcaption>${item.caption}</figcaption>
            <ni-sound
              .item=${item}
              .limit=${block.limit}
              .base=${this.context.base}
              ?pickable=${this.isPickable}
              .marked=${this.markedIn(index)}
              @ni-sound-pick=${(event: HTMLElementEventMap['ni-sound-pick']) => {
                const { piece, text, anchor } = event.detail;
                const name = this.nameOf(index, piece);
                this.context.pick?.({ item: index, name, text, caption: item.caption }, anchor);
              }}
            ></ni-sound>
          </figure>`,
      )}
    `;
  }

  private nameOf(item: number, piece: number): string {
    const { parts, items } = this.block;
    return partName(parts?.sizes ?? [], [items[item]?.values.length ?? 1], [piece]);
  }

  private markedIn(item: number): number | undefined {
    const name = this.pickedIn(item);
    if (name === undefined) return undefined;
    return this.block.items[item]?.values.findIndex((_, piece) => this.nameOf(item, piece) === name);
  }
}
