import { css, html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { applyStyle } from '../applyStyle.js';
import type { CompareBlock } from '../../src/protocol/blocks.js';
import { formatNumber } from '../../src/protocol/formatReport.js';
import { partName } from '../../src/protocol/partNames.js';
import { baseStyles } from '../components/baseStyles.js';
import '../components/ni-color-scale.js';
import '../components/ni-heat-map.js';
import { hasMissing, type HeatValue } from '../components/ni-heat-map.js';
import '../components/ni-picture.js';
import type { PartId } from '../components/parts/pickedPart.js';
import { drawnSize } from '../components/pictureSource.js';
import { t } from '../text.js';
import { BlockElement } from './blockElement.js';
import { controlStyles, figureStyles } from './figureStyles.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-compare-block': NiCompareBlock;
  }
}

type Item = CompareBlock['items'][number];
type Side = Item['sides'][number];
type Place = Pick<HeatValue, 'x' | 'y'>;

interface PlacedItem {
  readonly item: Item;
  readonly index: number;
}

/** Side of a comparison, at least: large enough to see small differences. */
const mapSize = 220;

/**
 * Two heat maps or pictures of one size on top of each other: a slider wipes from one to the other, for all pairs at once,
 * and the value pointed at is told of both.
 *
 * @tag ni-compare-block
 */
@customElement('ni-compare-block')
export class NiCompareBlock extends BlockElement<CompareBlock> {
  static override readonly styles = [
    baseStyles,
    controlStyles,
    figureStyles,
    css`
      /* Above the edge, which is above the picture. */
      .controls {
        z-index: 3;
      }
      input {
        width: 180px;
      }
      ul {
        gap: 14px;
      }
      .sides {
        display: flex;
        justify-content: space-between;
        gap: 8px;
        font-size: 0.9em;
      }
      .sides span {
        overflow-wrap: anywhere;
      }
      .pair {
        position: relative;
      }
      .right {
        position: absolute;
        inset: 0;
        background: var(--vscode-editor-background);
      }
      .edge {
        position: absolute;
        top: 0;
        bottom: 0;
        z-index: 2;
        width: 0;
        border-left: 2px solid var(--vscode-focusBorder);
        pointer-events: none;
      }
    `,
  ];

  /** Share of the width that shows the left side; undefined until it is moved. */
  @state() private moved: number | undefined;
  @state() private pointed: { readonly item: Item; readonly at: HeatValue } | undefined;

  private marked: (PartId & { readonly at: Place }) | undefined;

  protected override render(): TemplateResult {
    const { block } = this;
    const values = block.items.flatMap(({ sides }) => sides.flatMap((side) => side.values ?? []));
    return html`
      <div class="controls">
        <label
          >${t('Wipe')}<input
            type="range"
            min="0"
            max="100"
            aria-valuetext=${this.wipeText()}
            .value=${String(Math.round(this.wipe() * 100))}
            @input=${this.onWipe}
        /></label>
        ${
          values.length === 0
            ? nothing
            : html`<ni-color-scale
                .scale=${block.scale}
                .limit=${block.limit}
                .unit=${block.unit ?? ''}
                ?has-missing=${hasMissing(values)}
              ></ni-color-scale>`
        }
        <span class="muted" role="status">${this.pointedText()}</span>
      </div>
      <ul>
        ${block.items.map((item, index) => this.renderItem(item, index))}
      </ul>
    `;
  }

  private renderItem(item: Item, index: number): TemplateResult {
    const [left, right] = item.sides;
    const percent = `${String(this.wipe() * 100)}%`;
    const { width } = drawnSize(item, mapSize);
    return html`<li>
      <figure>
        <div class="sides" ${applyStyle({ width: `${String(width + 2)}px`, 'max-width': '100%' })}>
          <span>${left.label}</span><span>${right.label}</span>
        </div>
        <div class="pair">
          ${this.renderSide({ item, index }, left)}
          <div class="right" ${applyStyle({ 'clip-path': `inset(0 0 0 ${percent})` })}>
            ${this.renderSide({ item, index }, right)}
          </div>
          <span class="edge" ${applyStyle({ left: percent })}></span>
        </div>
        <figcaption>${item.caption}</figcaption>
      </figure>
    </li>`;
  }

  private renderSide({ item, index }: PlacedItem, { label, base, values }: Side): TemplateResult {
    const name = `${label}: ${item.caption}`;
    if (values === undefined) {
      const picture = base === undefined ? undefined : { ...base, alt: name };
      return html`<ni-picture
        .picture=${picture}
        .base=${this.context.base}
        .minSize=${mapSize}
      ></ni-picture>`;
    }
    return html`<ni-heat-map
      .values=${values}
      .width=${item.width}
      .height=${item.height}
      .limit=${this.block.limit}
      .scale=${this.block.scale}
      .picture=${base}
      .base=${this.context.base}
      .minSize=${mapSize}
      .label=${t('Heat map: {0}', name)}
      ?pickable=${this.isPickable}
      .marked=${this.markedIn(index)}
      @ni-heat-pick=${({ detail }: HTMLElementEventMap['ni-heat-pick']) => {
        this.onPick(detail, { item, index });
      }}
      @ni-heat-value=${(event: CustomEvent<HeatValue | null>) => {
        this.pointed = event.detail === null ? undefined : { item, at: event.detail };
      }}
    ></ni-heat-map>`;
  }

  /** A piece of one side is the piece of the other at the same place: the panel says both, and asks either. */
  private onPick({ x, y, anchor }: HTMLElementEventMap['ni-heat-pick']['detail'], of: PlacedItem): void {
    const { width, height, caption } = of.item;
    const name = partName(this.block.parts?.sizes ?? [], [height, width], [y, x]);
    this.marked = { item: of.index, name, at: { x, y } };
    const text = this.valuesText(of.item, { x, y });
    this.context.pick?.({ item: of.index, name, text, caption }, anchor);
  }

  private markedIn(item: number): Place | undefined {
    const { marked } = this;
    return marked?.item === item && this.pickedIn(item) === marked.name ? marked.at : undefined;
  }

  private pointedText(): string {
    return this.pointed === undefined ? '' : this.valuesText(this.pointed.item, this.pointed.at);
  }

  /** Values of both sides at a place. */
  private valuesText(item: Item, at: Place): string {
    const unit = this.block.unit === undefined ? '' : ` ${this.block.unit}`;
    const texts = item.sides.map(({ label, values }) => {
      const value = values?.[at.y * item.width + at.x];
      return value === undefined ? label : `${label} ${formatNumber(value)}${unit}`;
    });
    return t('x {0}, y {1}: {2}', at.x, at.y, texts.join(' · '));
  }

  private wipeText(): string {
    const [item] = this.block.items;
    const left = Math.round(this.wipe() * 100);
    return t(
      '{0} % {1}, {2} % {3}',
      left,
      item?.sides[0].label ?? '',
      100 - left,
      item?.sides[1].label ?? '',
    );
  }

  private wipe(): number {
    const saved = this.context.state.read('wipe');
    return this.moved ?? (typeof saved === 'number' ? saved : 0.5);
  }

  private readonly onWipe = (event: Event): void => {
    if (!(event.currentTarget instanceof HTMLInputElement)) return;
    this.moved = Number(event.currentTarget.value) / 100;
    this.context.state.set('wipe', this.moved);
  };
}
