import '@vscode-elements/elements/dist/vscode-toolbar-button/index.js';
import { css, html, LitElement, nothing, svg, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { applyStyle } from '../../applyStyle.js';
import type { AudioBlock, ReportNumber } from '../../../src/protocol/blocks.js';
import { formatNumber } from '../../../src/protocol/formatReport.js';
import { paintHeat } from '../../../src/protocol/heatScale.js';
import {
  paintSpectrum,
  relevantSpans,
  spanText,
  wavePath,
  waveSize,
} from '../../../src/protocol/soundShape.js';
import { t } from '../../text.js';
import { ThemeController } from '../../theme.js';
import { baseStyles } from '../baseStyles.js';
import { heatColors } from '../heatColors.js';
import { soundSource } from '../pictureSource.js';
import { SoundPlayer } from './soundPlayer.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-sound': NiSound;
  }
  interface HTMLElementEventMap {
    'ni-sound-pick': CustomEvent<{ readonly piece: number; readonly text: string; readonly anchor: DOMRect }>;
  }
}

/** Between the greys of light and dark ground: a spectrogram reads on both. */
const spectrumGrey = [128, 128, 128] as const;

/**
 * A sound: its wave on the colours of its values, its spectrogram below, and buttons that play it or what matters most of
 * it. Pointing at the wave, or moving with the arrow keys, tells the value.
 *
 * @tag ni-sound
 *
 * @prop item - The sound as its block has it.
 * @prop limit - Value at the end of the colour scale.
 * @prop {string} base - Address of the report's folder, for sounds that are files.
 * @attr {boolean} pickable - A piece can be picked, by a click or Enter.
 * @prop marked - The piece that was picked.
 *
 * @fires ni-sound-pick - A piece was picked: its place, its value in words, and where it is drawn in the window.
 */
@customElement('ni-sound')
export class NiSound extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      .wave {
        position: relative;
        height: 90px;
        max-width: 760px;
        border: 1px solid var(--ni-line);
      }
      canvas,
      svg {
        position: absolute;
        inset: 0;
        display: block;
        width: 100%;
        height: 100%;
        forced-color-adjust: none;
      }
      path {
        fill: var(--vscode-foreground);
        opacity: 0.75;
      }
      .spectrum {
        position: relative;
        height: 90px;
        max-width: 762px;
        margin-top: 4px;
      }
      .spectrum canvas {
        image-rendering: auto;
      }
      .cursor {
        position: absolute;
        top: 0;
        bottom: 0;
        outline: 1px solid var(--vscode-focusBorder);
        pointer-events: none;
      }
      .mark {
        position: absolute;
        top: 0;
        bottom: 0;
        min-width: 3px;
        outline: 2px solid var(--vscode-focusBorder);
        pointer-events: none;
      }
      :host([pickable]) .wave {
        cursor: crosshair;
      }
      .controls {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 2px 10px;
        min-height: 26px;
      }
    `,
  ];

  @property({ attribute: false }) item!: AudioBlock['items'][number];
  @property({ attribute: false }) limit: ReportNumber = 1;
  @property() base = '';
  @property({ type: Boolean, reflect: true }) pickable = false;
  @property({ attribute: false }) marked: number | undefined;

  @state() private pointed: number | undefined;
  @state() private isPlaying = false;
  @state() private isBroken = false;
  @query('.wave') private readonly wave!: HTMLElement;
  @query('.heat') private readonly heat!: HTMLCanvasElement;
  @query('.spectrum canvas') private readonly spectrum!: HTMLCanvasElement | null;

  private player: SoundPlayer | undefined;

  constructor() {
    super();
    new ThemeController(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.player?.close();
    this.player = undefined;
  }

  protected override updated(): void {
    const { values, spectrum, frequencyCount } = this.item;
    const rgba = paintHeat(values, Number(this.limit), heatColors());
    if (values.length > 0) put(this.heat, { width: values.length, height: 1, rgba });
    if (this.spectrum !== null) {
      put(this.spectrum, paintSpectrum(spectrum, frequencyCount, spectrumGrey));
    }
  }

  protected override render(): TemplateResult {
    const { item } = this;
    const { width, height } = waveSize;
    const box = `0 0 ${String(width)} ${String(height)}`;
    return html`
      <div
        class="wave"
        role="img"
        tabindex="0"
        aria-label=${t('Wave of {0}, on the colours of its values', item.caption)}
        aria-description=${
          this.pickable
            ? t('Arrow keys read the values, Enter asks about one.')
            : t('Arrow keys read the values.')
        }
        @pointermove=${this.onPointerMove}
        @pointerleave=${this.clear}
        @blur=${this.clear}
        @keydown=${this.onKeyDown}
        @click=${this.onClick}
      >
        <canvas class="heat" width=${Math.max(1, item.values.length)} height="1"></canvas>
        <svg viewBox=${box} preserveAspectRatio="none" aria-hidden="true">
          ${svg`<path d=${wavePath(item.lows, item.highs)}></path>`}
        </svg>
        ${this.renderBox('mark', this.marked)} ${this.renderBox('cursor', this.pointed)}
      </div>
      ${
        item.frequencyCount === 0
          ? nothing
          : html`<div class="spectrum" role="img" aria-label=${t('Spectrogram of {0}', item.caption)}>
              <canvas></canvas>
            </div>`
      }
      ${this.renderControls()}
    `;
  }

  private renderBox(name: 'cursor' | 'mark', piece: number | undefined): TemplateResult | typeof nothing {
    if (piece === undefined) return nothing;
    const share = 100 / this.item.values.length;
    return html`<span
      class=${name}
      ${applyStyle({ left: `${String(piece * share)}%`, width: `${String(share)}%` })}
    ></span>`;
  }

  private renderControls(): TemplateResult {
    const { item } = this;
    const spans = relevantSpans(item.values, item.durationSeconds);
    const canPlay = soundSource(item.source, this.base) !== undefined;
    return html`<div class="controls">
      ${
        !canPlay || this.isBroken
          ? html`<span class="muted">${t('(the sound is not with the report)')}</span>`
          : this.isPlaying
            ? this.renderButton('debug-stop', t('Stop'), () => {
                this.player?.stop();
              })
            : html`${this.renderButton('play', t('Play'), () => void this.play([]))}${
                spans.length === 0
                  ? nothing
                  : this.renderButton('target', t('Play what matters most'), () => void this.play(spans))
              }`
      }
      <span class="muted">${spans.length === 0 ? '' : spans.map(spanText).join(', ')}</span>
      <span class="muted" role="status">${this.pointedText()}</span>
    </div>`;
  }

  private renderButton(icon: string, label: string, act: () => void): TemplateResult {
    return html`<vscode-toolbar-button icon=${icon} @click=${act}
      ><span>${label}</span></vscode-toolbar-button
    >`;
  }

  private async play(spans: ReturnType<typeof relevantSpans>): Promise<void> {
    const source = soundSource(this.item.source, this.base);
    if (source === undefined) return;
    this.player ??= new SoundPlayer(source, () => {
      this.isPlaying = false;
    });
    try {
      this.isPlaying = true;
      await this.player.play(spans);
    } catch {
      this.isPlaying = false;
      this.isBroken = true;
    }
  }

  private pointedText(): string {
    if (this.pointed === undefined) return '';
    const { values, durationSeconds } = this.item;
    const seconds = ((this.pointed + 0.5) * durationSeconds) / values.length;
    return t('{0} s: {1}', seconds.toFixed(2), formatNumber(values[this.pointed] ?? 0));
  }

  private readonly onPointerMove = (event: PointerEvent): void => {
    this.pointAt(event);
  };

  private readonly onClick = (event: MouseEvent): void => {
    this.pointAt(event);
    this.pick();
  };

  private pick(): void {
    if (!this.pickable || this.pointed === undefined) return;
    const { left, top, width, height } = this.wave.getBoundingClientRect();
    const share = width / this.item.values.length;
    const anchor = new DOMRect(left + this.pointed * share, top, share, height);
    const detail = { piece: this.pointed, text: this.pointedText(), anchor };
    this.dispatchEvent(new CustomEvent('ni-sound-pick', { detail }));
  }

  private pointAt(event: MouseEvent): void {
    const { left, width } = this.wave.getBoundingClientRect();
    this.point(Math.floor(((event.clientX - left) / width) * this.item.values.length));
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    const last = this.item.values.length - 1;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.pick();
      return;
    }
    const from = this.pointed ?? this.marked ?? -1;
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.point(to);
  };

  private readonly clear = (): void => {
    this.pointed = undefined;
  };

  private point(to: number): void {
    this.pointed = Math.max(0, Math.min(this.item.values.length - 1, to));
  }
}

function put(
  canvas: HTMLCanvasElement,
  { width, height, rgba }: { width: number; height: number; rgba: Uint8ClampedArray<ArrayBuffer> },
): void {
  if (width === 0 || height === 0) return;
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
}
