import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { applyStyle } from '../applyStyle.js';
import type { Picture, ReportNumber } from '../../src/protocol/blocks.js';
import { formatNumber } from '../../src/protocol/formatReport.js';
import { paintHeat } from '../../src/protocol/heatScale.js';
import { t } from '../text.js';
import { ThemeController } from '../theme.js';
import { baseStyles } from './baseStyles.js';
import { heatColors } from './heatColors.js';
import './ni-color-scale.js';
import './ni-picture.js';
import { drawnSize } from './pictureSource.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-heat-map': NiHeatMap;
  }
  interface HTMLElementEventMap {
    'ni-heat-value': CustomEvent<HeatValue | null>;
    'ni-heat-pick': CustomEvent<HeatValue & { readonly anchor: DOMRect }>;
  }
}

/** A value of a heat map that is pointed at. */
export interface HeatValue {
  readonly x: number;
  readonly y: number;
  readonly value: number;
}

/** Share of a picture's own opacity that is left below a heat map at full opacity. */
const leastBaseOpacity = 0.3;

/**
 * Values as colours, over the picture they belong to when there is one. Pointing at a pixel, or moving to it with the
 * arrow keys, tells its value.
 *
 * @tag ni-heat-map
 *
 * @prop values - Row-major, `width` × `height`.
 * @prop {number} width
 * @prop {number} height
 * @prop limit - Value at the end of the colour scale.
 * @prop {'diverging' | 'sequential'} scale - Diverging scales are centred on zero.
 * @prop {Picture} picture - Drawn below.
 * @prop {string} base - Address of the report's folder, for pictures that are files.
 * @prop {number} opacity - Of the heat over the picture, 0…1.
 * @prop {string} label - Accessible name.
 * @prop {number} minSize - The longer side is drawn at least this long, in pixels.
 * @attr {boolean} pickable - A pixel can be picked, by a click or Enter.
 * @prop marked - The pixel that was picked.
 * @attr {boolean} controls - Shows a legend, the value pointed at and, over a picture, an opacity slider.
 *
 * @fires ni-heat-value - The value pointed at, null when none is.
 * @fires ni-heat-pick - The value that was picked, and where it is drawn in the window.
 */
@customElement('ni-heat-map')
export class NiHeatMap extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      .stack {
        position: relative;
        display: block;
        line-height: 0;
        max-width: 100%;
        background: var(--ni-panel);
        border: 1px solid var(--ni-line);
      }
      ni-picture {
        height: 100%;
        filter: grayscale(1);
      }
      canvas {
        display: block;
        width: 100%;
        height: 100%;
        image-rendering: pixelated;
        forced-color-adjust: none;
      }
      .over {
        position: absolute;
        inset: 0;
      }
      .cursor {
        position: absolute;
        outline: 1px solid var(--vscode-focusBorder);
        pointer-events: none;
      }
      .mark {
        position: absolute;
        min-width: 3px;
        min-height: 3px;
        outline: 2px solid var(--vscode-focusBorder);
        box-shadow: 0 0 0 3px var(--vscode-editor-background);
        pointer-events: none;
      }
      :host([pickable]) .stack {
        cursor: crosshair;
      }
      .controls {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 16px;
        margin-top: 6px;
        line-height: 1.4;
      }
      input {
        width: 120px;
        accent-color: var(--ni-accent);
      }
      label {
        display: flex;
        align-items: center;
        gap: 6px;
        color: var(--ni-muted);
      }
    `,
  ];

  @property({ attribute: false }) values: ArrayLike<ReportNumber> = [];
  @property({ type: Number }) width = 1;
  @property({ type: Number }) height = 1;
  @property({ attribute: false }) limit: ReportNumber = 1;
  @property() scale: 'diverging' | 'sequential' = 'diverging';
  @property({ attribute: false }) picture: Picture | undefined;
  @property() base = '';
  @property({ type: Number }) opacity = 1;
  @property() label = '';
  @property({ type: Number, attribute: 'min-size' }) minSize = 160;
  @property({ type: Boolean }) controls = false;
  @property({ type: Boolean, reflect: true }) pickable = false;
  @property({ attribute: false }) marked: Pick<HeatValue, 'x' | 'y'> | undefined;

  @state() private pointed: HeatValue | undefined;
  @query('canvas') private readonly canvas!: HTMLCanvasElement;

  constructor() {
    super();
    new ThemeController(this);
  }

  protected override updated(changed: PropertyValues<this>): void {
    // Not for every move of the pointer or mark, which change nothing else. A new theme changes nothing and paints.
    const drawnApart: readonly PropertyKey[] = ['pointed', 'marked'];
    if (changed.size === 0 || [...changed.keys()].some((key) => !drawnApart.includes(key))) this.paint();
  }

  protected override render(): TemplateResult {
    const { width } = drawnSize(this, this.minSize);
    return html`
      <div
        class="stack"
        role="img"
        tabindex="0"
        aria-label=${this.label}
        aria-description=${
          this.pickable
            ? t('Arrow keys read the values, Enter asks about one.')
            : t('Arrow keys read the values.')
        }
        ${applyStyle({ width: `${String(width + 2)}px`, 'aspect-ratio': `${String(this.width)} / ${String(this.height)}` })}
        @pointermove=${this.onPointerMove}
        @pointerleave=${this.clearPointed}
        @blur=${this.clearPointed}
        @keydown=${this.onKeyDown}
        @click=${this.onClick}
      >
        ${this.renderBase()}
        <canvas
          class=${this.picture === undefined ? '' : 'over'}
          width=${this.width}
          height=${this.height}
          ${applyStyle({ opacity: this.picture === undefined ? '1' : String(this.opacity) })}
        ></canvas>
        ${this.renderBox('mark', this.marked)} ${this.renderBox('cursor', this.pointed)}
      </div>
      ${this.controls ? this.renderControls() : nothing}
    `;
  }

  private renderBase(): TemplateResult | typeof nothing {
    if (this.picture === undefined) return nothing;
    const opacity = 1 - (1 - leastBaseOpacity) * this.opacity;
    return html`<ni-picture
      decorative
      .picture=${{ ...this.picture, width: this.width, height: this.height }}
      .base=${this.base}
      .minSize=${this.minSize}
      ${applyStyle({ opacity: String(opacity) })}
    ></ni-picture>`;
  }

  private renderBox(
    name: 'cursor' | 'mark',
    at: Pick<HeatValue, 'x' | 'y'> | undefined,
  ): TemplateResult | typeof nothing {
    if (at === undefined) return nothing;
    const { x, y } = at;
    return html`<span
      class=${name}
      ${applyStyle({
        left: percent(x / this.width),
        top: percent(y / this.height),
        width: percent(1 / this.width),
        height: percent(1 / this.height),
      })}
    ></span>`;
  }

  private renderControls(): TemplateResult {
    return html`<div class="controls">
      <ni-color-scale
        .scale=${this.scale}
        .limit=${this.limit}
        ?has-missing=${hasMissing(this.values)}
      ></ni-color-scale>
      ${
        this.picture === undefined
          ? nothing
          : html`<label
              >${t('Opacity')}<input
                type="range"
                min="0"
                max="100"
                .value=${String(this.opacity * 100)}
                @input=${this.onOpacity}
            /></label>`
      }
      <span class="muted" role="status"
        >${this.pointed === undefined ? '' : heatValueText(this.pointed)}</span
      >
    </div>`;
  }

  private paint(): void {
    const context = this.canvas.getContext('2d');
    if (context === null) return;
    const count = this.width * this.height;
    const values = Array.from({ length: count }, (_, index) => this.values[index] ?? 0);
    const rgba = paintHeat(values, Number(this.limit), heatColors());
    context.putImageData(new ImageData(rgba, this.width, this.height), 0, 0);
  }

  private readonly onPointerMove = (event: PointerEvent): void => {
    this.pointAt(event);
  };

  private pointAt(event: MouseEvent): void {
    const bounds = this.canvas.getBoundingClientRect();
    this.point(
      Math.floor(((event.clientX - bounds.left) / bounds.width) * this.width),
      Math.floor(((event.clientY - bounds.top) / bounds.height) * this.height),
    );
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.pick();
      return;
    }
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const { x, y } = this.pointed ?? this.marked ?? { x: -step[0], y: -step[1] };
    this.point(x + step[0], y + step[1]);
  };

  private readonly onClick = (event: MouseEvent): void => {
    this.pointAt(event);
    this.pick();
  };

  private pick(): void {
    if (!this.pickable || this.pointed === undefined) return;
    const { x, y } = this.pointed;
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const cell = { width: width / this.width, height: height / this.height };
    const anchor = new DOMRect(left + x * cell.width, top + y * cell.height, cell.width, cell.height);
    this.dispatchEvent(new CustomEvent('ni-heat-pick', { detail: { ...this.pointed, anchor } }));
  }

  private readonly onOpacity = (event: Event): void => {
    if (event.currentTarget instanceof HTMLInputElement) {
      this.opacity = Number(event.currentTarget.value) / 100;
    }
  };

  private readonly clearPointed = (): void => {
    this.pointed = undefined;
    this.tell();
  };

  private point(toX: number, toY: number): void {
    const x = Math.max(0, Math.min(this.width - 1, toX));
    const y = Math.max(0, Math.min(this.height - 1, toY));
    if (this.pointed?.x === x && this.pointed.y === y) return;
    this.pointed = { x, y, value: Number(this.values[y * this.width + x] ?? 0) };
    this.tell();
  }

  private tell(): void {
    this.dispatchEvent(new CustomEvent('ni-heat-value', { detail: this.pointed ?? null }));
  }
}

const steps: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Returns a value that is pointed at in words. */
export function heatValueText({ x, y, value }: HeatValue): string {
  return t('x {0}, y {1}: {2}', x, y, formatNumber(Number.isFinite(value) ? value : 'NaN'));
}

/** Tells whether some value is no finite number. */
export function hasMissing(values: ArrayLike<ReportNumber>): boolean {
  return Array.from(values).some((value) => !Number.isFinite(Number(value)));
}

function percent(share: number): string {
  return `${String(share * 100)}%`;
}
