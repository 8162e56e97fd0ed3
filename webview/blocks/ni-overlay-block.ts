import { html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { OverlayBlock } from '../../src/protocol/blocks.js';
import { partName } from '../../src/protocol/partNames.js';
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

  private marked:
    { readonly item: number; readonly name: string; readonly at: Pick<HeatValue, 'x' | 'y'> } | undefined;

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
        ${block.items.map((item, index) => this.renderItem(item, index))}
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

  private renderItem(item: OverlayBlock['items'][number], index: number): TemplateResult {
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
          ?pickable=${this.isPickable}
          .marked=${this.markedIn(index)}
          @ni-heat-pick=${(event: HTMLElementEventMap['ni-heat-pick']) => {
            this.onPick(event, item, index);
          }}
          @ni-heat-value=${(event: CustomEvent<HeatValue | null>) => {
            this.pointed = event.detail === null ? undefined : { ...event.detail, caption: item.caption };
          }}
        ></ni-heat-map>
        <figcaption>${item.caption}</figcaption>
      </figure>
    </li>`;
  }

  private onPick(
    { detail }: HTMLElementEventMap['ni-heat-pick'],
    item: OverlayBlock['items'][number],
    index: number,
  ): void {
    const { x, y, anchor } = detail;
    const { width, height, caption } = item;
    const name = partName(this.block.parts?.sizes ?? [], [height, width], [y, x]);
    this.marked = { item: index, name, at: { x, y } };
    const unit = this.block.unit === undefined ? '' : ` ${this.block.unit}`;
    this.context.pick?.({ item: index, name, text: `${heatValueText(detail)}${unit}`, caption }, anchor);
  }

  /** Where the piece is that was picked last, as long as none of another block was. */
  private markedIn(item: number): Pick<HeatValue, 'x' | 'y'> | undefined {
    const { marked } = this;
    return marked?.item === item && this.pickedIn(item) === marked.name ? marked.at : undefined;
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
