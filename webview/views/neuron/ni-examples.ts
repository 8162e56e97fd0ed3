import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { baseStyles } from '../../components/baseStyles.js';
import '../../components/ni-color-scale.js';
import { t } from '../../text.js';
import { enlargedExample, type Example, exampleTile, type MapLook, tileSizeOf } from './exampleTile.js';
import './ni-enlarged.js';
import './ni-tiles.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-examples': NiExamples;
  }
  interface HTMLElementEventMap {
    'ni-opacity': CustomEvent<number>;
  }
}

/**
 * Samples as pictures with the neuron's map over them, or as text; one can be enlarged.
 *
 * @tag ni-examples
 *
 * @prop examples
 * @prop look - How maps are coloured.
 * @prop {string} label - Accessible name.
 * @attr {boolean} legend - Shows the colour scale and the opacity of the maps.
 *
 * @fires ni-opacity - The person changed the opacity of the maps, 0…1.
 */
@customElement('ni-examples')
export class NiExamples extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      .controls {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 20px;
        min-height: 26px;
        padding-bottom: 4px;
      }
      label {
        display: flex;
        align-items: center;
        gap: 6px;
        color: var(--ni-muted);
      }
      input {
        width: 120px;
        accent-color: var(--ni-accent);
      }
    `,
  ];

  @property({ attribute: false }) examples: readonly Example[] = [];
  @property({ attribute: false }) look: MapLook = { limit: 1, scale: 'sequential', opacity: 0.7 };
  @property() label = '';
  @property({ type: Boolean }) legend = false;

  @state() private enlarged: Example | undefined;

  protected override render(): TemplateResult {
    const { examples, look, enlarged } = this;
    const count = examples.length;
    return html`
      ${this.legend && examples.some(({ map }) => map !== undefined) ? this.renderControls() : nothing}
      <ni-tiles
        .label=${this.label}
        .size=${tileSizeOf(examples)}
        .tiles=${examples.map((example, index) => exampleTile(example, index, { count, look }))}
        @ni-tile=${(event: CustomEvent<number>) => {
          this.enlarged = examples[event.detail];
        }}
      ></ni-tiles>
      <ni-enlarged
        .heading=${enlarged?.id ?? ''}
        .content=${enlarged === undefined ? undefined : enlargedExample(enlarged, look)}
        @ni-closed=${() => {
          this.enlarged = undefined;
        }}
      ></ni-enlarged>
    `;
  }

  private renderControls(): TemplateResult {
    const { limit, scale, opacity } = this.look;
    const hasPictures = this.examples.some(({ picture }) => picture !== undefined);
    return html`<div class="controls">
      <ni-color-scale .scale=${scale} .limit=${limit}></ni-color-scale>
      ${
        hasPictures
          ? html`<label
              >${t('Opacity of the maps')}<input
                type="range"
                min="0"
                max="100"
                .value=${String(Math.round(opacity * 100))}
                @input=${this.onOpacity}
            /></label>`
          : nothing
      }
    </div>`;
  }

  private readonly onOpacity = (event: Event): void => {
    if (!(event.currentTarget instanceof HTMLInputElement)) return;
    const detail = Number(event.currentTarget.value) / 100;
    this.dispatchEvent(new CustomEvent('ni-opacity', { detail, bubbles: true, composed: true }));
  };
}
