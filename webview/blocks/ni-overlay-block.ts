import { html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { OverlayBlock } from '../../src/protocol/blocks.js';
import { baseStyles } from '../components/baseStyles.js';
import '../components/ni-color-scale.js';
import '../components/ni-heat-map.js';
import { hasMissing, type HeatValue, heatValueText } from '../components/ni-heat-map.js';
import { t } from '../text.js';
import { BlockElement } from './blockElement.js';
import { controlStyles, figureStyles } from './figureStyles.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-overlay-block': NiOverlayBlock;
  }
}

/** Side of a heat map among others. */
const mapSize = 140;

/** The heat is what was asked for; at full opacity the input below can still be recognised. */
const firstOpacity = 1;

/**
 * Heat maps over their inputs: one legend, one opacity and one place for the value pointed at, so that they compare.
 *
 * @tag ni-overlay-block
 */
@customElement('ni-overlay-block')
export class NiOverlayBlock extends BlockElement<OverlayBlock> {
  static override readonly styles = [baseStyles, controlStyles, figureStyles];

  @state() private opacity: number | undefined;
  @state() private pointed: (HeatValue & { readonly caption: string }) | undefined;

  protected override render(): TemplateResult {
    const { block } = this;
    return html`
      <div class="controls">
        <ni-color-scale
          .scale=${block.scale}
          .limit=${block.limit}
          .unit=${block.unit ?? ''}
          ?has-missing=${block.items.some(({ values }) => hasMissing(values))}
        ></ni-color-scale>
        ${block.items.some(({ base }) => base !== undefined) ? this.renderSlider() : nothing}
        <span class="muted" role="status">${this.pointedText()}</span>
      </div>
      <ul>
        ${block.items.map((item) => this.renderItem(item))}
      </ul>
    `;
  }

  private renderSlider(): TemplateResult {
    return html`<label
      >${t('Opacity')}<input
        type="range"
        min="0"
        max="100"
        .value=${String(Math.round(this.currentOpacity() * 100))}
        @input=${this.onOpacity}
    /></label>`;
  }

  private renderItem(item: OverlayBlock['items'][number]): TemplateResult {
    const { block } = this;
    return html`<li>
      <figure>
        <ni-heat-map
          .values=${item.values}
          .width=${item.width}
          .height=${item.height}
          .limit=${block.limit}
          .scale=${block.scale}
          .picture=${item.base}
          .base=${this.context.base}
          .opacity=${this.currentOpacity()}
          .minSize=${mapSize}
          .label=${t('Heat map: {0}', item.caption)}
          @ni-heat-value=${(event: CustomEvent<HeatValue | undefined>) => {
            this.pointed =
              event.detail === undefined ? undefined : { ...event.detail, caption: item.caption };
          }}
        ></ni-heat-map>
        <figcaption>${item.caption}</figcaption>
      </figure>
    </li>`;
  }

  private pointedText(): string {
    if (this.pointed === undefined) return '';
    const unit = this.block.unit === undefined ? '' : ` ${this.block.unit}`;
    return `${this.pointed.caption} · ${heatValueText(this.pointed)}${unit}`;
  }

  private currentOpacity(): number {
    const saved = this.context.state.read('opacity');
    return this.opacity ?? (typeof saved === 'number' ? saved : firstOpacity);
  }

  private readonly onOpacity = (event: Event): void => {
    if (!(event.currentTarget instanceof HTMLInputElement)) return;
    this.opacity = Number(event.currentTarget.value) / 100;
    this.context.state.set('opacity', this.opacity);
  };
}
