import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { ReadToken } from '../../../src/protocol/generatedText.js';
import { formatNumber } from '../../../src/protocol/formatReport.js';
import { applyStyle } from '../../applyStyle.js';
import { baseStyles } from '../../components/baseStyles.js';
import { cssColor, heatColors } from '../../components/heatColors.js';
import { t } from '../../text.js';
import { ThemeController } from '../../theme.js';
import './ni-token-card.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-token-text': NiTokenText;
  }
  interface HTMLElementEventMap {
    'ni-why': CustomEvent<AskedToken>;
  }
}

/** A token that is asked about, and where. */
export interface AskedToken {
  readonly index: number;
  /** The layer whose neurons are asked for; null: the tokens before it. */
  readonly layer: string | null;
}

/** Colour at the end of the scale, in percent: text on it can still be read in every theme. */
const strongest = 55;

/**
 * The text, token by token on the colour of its surprise. What stood to choose is shown beside the token that is pointed at or
 * has the focus; a click or Enter keeps it open, and leads to why the token stands there.
 *
 * @tag ni-token-text
 *
 * @prop tokens - All of them.
 * @prop promptCount - How many are the prompt's.
 * @prop limit - Surprise at the end of the scale, in nats.
 * @prop layers - Layers whose neurons can be asked for.
 *
 * @fires ni-why - Why does this token stand here?
 */
@customElement('ni-token-text')
export class NiTokenText extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        position: relative;
      }
      .text {
        max-width: 100ch;
        font-family: var(--ni-code-font);
        font-size: 1.05em;
        line-height: 1.9;
        overflow-wrap: anywhere;
      }
      .text span {
        padding: 2px 0;
        white-space: pre-wrap;
        cursor: pointer;
      }
      .text span.prompt {
        border-bottom: 1px dotted var(--ni-muted);
      }
      .text span.shown {
        outline: 1px solid var(--vscode-focusBorder);
      }
      @media (forced-colors: active) {
        .text span {
          forced-color-adjust: none;
        }
      }
    `,
  ];

  @property({ attribute: false }) tokens: readonly ReadToken[] = [];
  @property({ type: Number }) promptCount = 0;
  @property({ type: Number }) limit = 1;
  @property({ attribute: false }) layers: readonly string[] = [];

  /** The token whose card is shown; −1: none. */
  @state() private shown = -1;
  /** The card stays until it is closed. */
  @state() private isKept = false;
  /** The token that Tab leads to. */
  @state() private focused = 0;

  constructor() {
    super();
    new ThemeController(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener('resize', this.onResize);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('resize', this.onResize);
  }

  /** Closes what a click has opened; tells whether there was anything. */
  closeCard(): boolean {
    const wasKept = this.isKept;
    // A token that gets the focus shows its card, so that comes first.
    if (wasKept) this.tokenAt(this.focused)?.focus();
    this.isKept = false;
    this.shown = -1;
    return wasKept;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('tokens')) return;
    this.focused = Math.min(this.focused, Math.max(0, this.tokens.length - 1));
    if (this.shown < this.tokens.length) return;
    this.shown = -1;
    this.isKept = false;
  }

  protected override updated(): void {
    const card = this.renderRoot.querySelector('ni-token-card');
    const token = this.tokenAt(this.shown);
    if (card === null || token === null) return;
    const [host, box] = [this.getBoundingClientRect(), token.getBoundingClientRect()];
    card.placeAt({ left: box.left - host.left, top: box.bottom - host.top }, host.width);
  }

  protected override render(): TemplateResult {
    const colors = cssColor(heatColors().positive);
    const token = this.tokens[this.shown];
    return html`<div
        class="text"
        role="list"
        aria-label=${t('The text, token by token')}
        @keydown=${this.onKeyDown}
        @pointerover=${this.onPoint}
        @pointerleave=${this.onLeave}
        @focusin=${this.onPoint}
        @focusout=${this.onLeave}
        @click=${this.onClick}
      >
        ${this.tokens.map((each, index) => this.renderToken(each, index, colors))}
      </div>
      ${
        token === undefined
          ? nothing
          : html`<ni-token-card
              .token=${token}
              .isKept=${this.isKept}
              .mayAsk=${this.shown > 0}
              .layers=${this.layers}
              @ni-ask=${(event: CustomEvent<string | null>) => {
                this.ask(event.detail);
              }}
              @ni-close=${() => this.closeCard()}
            ></ni-token-card>`
      }`;
  }

  private renderToken(token: ReadToken, index: number, color: string): TemplateResult {
    const classes = `${index < this.promptCount ? 'prompt' : ''} ${index === this.shown ? 'shown' : ''}`;
    const background = `color-mix(in srgb, ${color} ${this.shareOf(token).toFixed(0)}%, transparent)`;
    // On one line: white space between tokens would be part of the text.
    // prettier-ignore
    return html`<span role="listitem" class=${classes} data-index=${index} tabindex=${index === this.focused ? 0 : -1} aria-label=${spoken(token)} ${applyStyle({ background })}>${token.text}</span>`;
  }

  private shareOf({ judged }: ReadToken): number {
    if (judged === null) return 0;
    const surprise = Number(judged.surprise);
    if (Number.isNaN(surprise)) return 0;
    return strongest * Math.min(1, surprise / Math.max(this.limit, Number.MIN_VALUE));
  }

  private ask(layer: string | null): void {
    const detail: AskedToken = { index: this.shown, layer };
    this.dispatchEvent(new CustomEvent('ni-why', { detail, bubbles: true, composed: true }));
  }

  /** Tokens have other places then, and so has the card. */
  private readonly onResize = (): void => {
    this.requestUpdate();
  };

  private readonly onPoint = (event: Event): void => {
    if (this.isKept) return;
    this.shown = indexOf(event) ?? -1;
  };

  private readonly onLeave = (): void => {
    if (!this.isKept) this.shown = -1;
  };

  private readonly onClick = (event: Event): void => {
    const index = indexOf(event);
    if (index === undefined) return;
    this.isKept = !(this.isKept && index === this.shown);
    this.focused = index;
    this.shown = index;
  };

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.onClick(event);
      return;
    }
    const last = this.tokens.length - 1;
    const to = { ArrowLeft: this.focused - 1, ArrowRight: this.focused + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.isKept = false;
    this.focused = Math.max(0, Math.min(last, to));
    this.tokenAt(this.focused)?.focus();
  };

  private tokenAt(index: number): HTMLElement | null {
    return this.renderRoot.querySelector(`[data-index="${String(index)}"]`);
  }
}

function indexOf({ target }: Event): number | undefined {
  const index = target instanceof HTMLElement ? target.dataset['index'] : undefined;
  return index === undefined ? undefined : Number(index);
}

function spoken({ text, judged }: ReadToken): string {
  if (judged === null) return text;
  return `${text}, ${t('surprise {0} nats', formatNumber(judged.surprise))}`;
}
