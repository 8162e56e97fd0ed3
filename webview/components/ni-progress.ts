import '@vscode-elements/elements/dist/vscode-button/index.js';
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { applyStyle } from '../applyStyle.js';
import { approximateDuration } from '../../src/protocol/approximateDuration.js';
import { t } from '../text.js';
import { baseStyles } from './baseStyles.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-progress': NiProgress;
  }
  interface HTMLElementEventMap {
    'ni-cancel': CustomEvent<undefined>;
  }
}

/** Before this share is done, or this time has passed, a rate says nothing yet. */
const leastFraction = 0.03;
const leastElapsedMs = 1500;

/**
 * Work under way: how far, what is being done, how long it will take, and how to stop it.
 *
 * @tag ni-progress
 *
 * @prop {number} fractionDone - 0…1.
 * @prop {string} message - What is being done.
 * @prop {number} startedMs - When it began, milliseconds since 1970; leaves out times when 0.
 * @attr {boolean} cancellable - Offers to cancel.
 * @attr {boolean} cancelling - The cancel was heard.
 *
 * @fires ni-cancel - Once: the person wants it to stop.
 */
@customElement('ni-progress')
export class NiProgress extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      .line {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 12px;
        min-height: 26px;
        font-variant-numeric: tabular-nums;
      }
      .message {
        flex: 1 1 20ch;
        min-width: 0;
        overflow-wrap: anywhere;
      }
      .track {
        height: 5px;
        border: 1px solid var(--ni-hairline);
      }
      .done {
        height: 100%;
        background: var(--vscode-progressBar-background);
        transition: width 120ms linear;
      }
      @media (forced-colors: active) {
        .done {
          background: Highlight;
          forced-color-adjust: none;
        }
      }
    `,
  ];

  @property({ type: Number }) fractionDone = 0;
  @property() message = '';
  @property({ type: Number }) startedMs = 0;
  @property({ type: Boolean }) cancellable = false;
  @property({ type: Boolean }) cancelling = false;

  @state() private nowMs = Date.now();
  private clock: number | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.clock = window.setInterval(() => {
      this.nowMs = Date.now();
    }, 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearInterval(this.clock);
  }

  protected override render(): TemplateResult {
    const percent = Math.round(Math.max(0, Math.min(1, this.fractionDone)) * 100);
    return html`
      <div class="line">
        <span class="message">${this.cancelling ? t('Cancelling…') : this.message}</span>
        <span class="muted">${this.timeText()}</span>
        ${
          this.cancellable
            ? html`<vscode-button secondary ?disabled=${this.cancelling} @click=${this.cancel}
                >${t('Cancel')}</vscode-button
              >`
            : nothing
        }
      </div>
      <div
        class="track"
        role="progressbar"
        aria-label=${this.message === '' ? t('Progress') : this.message}
        aria-valuenow=${percent}
        aria-valuemin="0"
        aria-valuemax="100"
      >
        <div class="done" ${applyStyle({ width: `${String(percent)}%` })}></div>
      </div>
    `;
  }

  private timeText(): string {
    if (this.startedMs === 0 || this.cancelling) return '';
    const elapsedMs = this.nowMs - this.startedMs;
    const leftMs = remainingMs(elapsedMs, this.fractionDone);
    if (leftMs === undefined) return '';
    return t('{0} left', approximateDuration(Math.max(1000, leftMs)));
  }

  private readonly cancel = (): void => {
    if (this.cancelling) return;
    this.cancelling = true;
    this.dispatchEvent(new CustomEvent('ni-cancel', { bubbles: true, composed: true }));
  };
}

/** Returns how long work will go on at the rate so far; undefined while that says nothing. */
export function remainingMs(elapsedMs: number, fractionDone: number): number | undefined {
  if (fractionDone < leastFraction || fractionDone >= 1 || elapsedMs < leastElapsedMs) return undefined;
  return (elapsedMs * (1 - fractionDone)) / fractionDone;
}
