import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { Picture } from '../../src/protocol/blocks.js';
import { t } from '../text.js';
import { baseStyles } from './baseStyles.js';
import { drawnSize, pictureSource } from './pictureSource.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-picture': NiPicture;
  }
}

/**
 * A picture whose pixels stay crisp, or its description when it cannot be shown.
 *
 * @tag ni-picture
 *
 * @prop picture - What to show; a data URI or a file beside the report.
 * @prop {string} base - Address of the report's folder, for pictures that are files.
 * @prop {number} minSize - The longer side is drawn at least this long, in pixels.
 * @attr {boolean} decorative - Fills its container and says nothing to screen readers: something beside it does.
 */
@customElement('ni-picture')
export class NiPicture extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      img {
        display: block;
        max-width: 100%;
        height: auto;
        image-rendering: pixelated;
        background: var(--ni-panel);
        border: 1px solid var(--ni-line);
      }
      :host([decorative]) img {
        width: 100%;
        height: 100%;
        border: 0;
      }
      p {
        margin: 0;
      }
    `,
  ];

  @property({ attribute: false }) picture: Picture | undefined;
  @property() base = '';
  @property({ type: Number, attribute: 'min-size' }) minSize = 160;
  @property({ type: Boolean, reflect: true }) decorative = false;

  /** Source that the browser could not load. */
  @state() private failed: string | undefined;

  protected override render(): TemplateResult {
    const { picture } = this;
    if (picture === undefined) return html``;
    const source = pictureSource(picture.source, this.base);
    if (source === undefined || source === this.failed) {
      return html`<p class="muted">${picture.alt} ${t('(the picture is not with the report)')}</p>`;
    }
    const { width, height } = drawnSize(picture, this.minSize);
    return html`<img
      src=${source}
      width=${width}
      height=${height}
      alt=${this.decorative ? '' : picture.alt}
      draggable="false"
      @error=${() => {
        this.failed = source;
      }}
    />`;
  }
}
