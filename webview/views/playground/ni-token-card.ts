import '@vscode-elements/elements/dist/vscode-button/index.js';
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { ReadToken, TokenAlternative } from '../../../src/protocol/generatedText.js';
import { formatNumber } from '../../../src/protocol/formatReport.js';
import { applyStyle } from '../../applyStyle.js';
import { baseStyles } from '../../components/baseStyles.js';
import { t } from '../../text.js';
import { tokenText } from '../../tokenText.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-token-card': NiTokenCard;
  }
}

/** Widest that the card gets, in pixels. */
const cardWidth = 340;

/**
 * What the model said of a token: how sure it was, and what might have stood there.
 *
 * @tag ni-token-card
 *
 * @prop token - The token.
 * @prop isKept - It was clicked: what can be asked is offered.
 * @prop mayAsk - There is anything before it that its score could rest on.
 * @prop layers - Layers whose neurons can be asked for.
 *
 * @fires ni-ask - Why does it stand here? The layer, or null for the tokens before it.
 * @fires ni-close - It is not wanted any more.
 */
@customElement('ni-token-card')
export class NiTokenCard extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        position: absolute;
        z-index: 10;
        padding: 6px 10px 8px;
        border: 1px solid var(--vscode-editorHoverWidget-border, var(--ni-line));
        color: var(--vscode-editorHoverWidget-foreground, inherit);
        background: var(--vscode-editorHoverWidget-background, var(--vscode-editor-background));
        font-variant-numeric: tabular-nums;
      }
      :host(:not([kept])) {
        pointer-events: none;
      }
      p {
        margin: 0 0 4px;
        overflow-wrap: anywhere;
      }
      ol {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        grid-template-columns: minmax(0, 1fr) 90px 52px;
        gap: 8px;
        align-items: center;
      }
      li.own {
        font-weight: 600;
      }
      .name {
        overflow: hidden;
        font-family: var(--ni-code-font);
        text-overflow: ellipsis;
        white-space: pre;
      }
      .bar {
        height: 8px;
        border: 1px solid var(--ni-hairline);
      }
      .bar > div {
        height: 100%;
        background: var(--ni-accent);
        forced-color-adjust: none;
      }
      .share {
        text-align: end;
      }
      .questions {
        display: grid;
        gap: 6px;
        margin-top: 8px;
        padding-top: 8px;
        border-top: 1px solid var(--ni-hairline);
      }
      .carriers {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 6px;
        align-items: center;
      }
      select {
        min-width: 0;
        max-width: 100%;
        padding: 2px 4px;
        border: 1px solid var(--vscode-dropdown-border, var(--ni-line));
        color: var(--vscode-dropdown-foreground);
        background: var(--vscode-dropdown-background);
        font: inherit;
      }
    `,
  ];

  @property({ attribute: false }) token!: ReadToken;
  @property({ type: Boolean, attribute: 'kept', reflect: true }) isKept = false;
  @property({ attribute: false }) mayAsk = false;
  @property({ attribute: false }) layers: readonly string[] = [];

  @state() private layer = '';

  /** Stands below its token, inside the text's width. */
  placeAt({ left, top }: { readonly left: number; readonly top: number }, width: number): void {
    const room = Math.min(cardWidth, width);
    this.style.setProperty('width', `${String(room)}px`);
    this.style.setProperty('left', `${String(Math.max(0, Math.min(left, width - room)))}px`);
    this.style.setProperty('top', `${String(top + 2)}px`);
  }

  protected override render(): TemplateResult {
    const { judged } = this.token;
    return html`<div
      role=${this.isKept ? 'dialog' : 'tooltip'}
      aria-label=${t('The token “{0}”', this.token.text.trim())}
    >
      <p>${judged === null ? t('Nothing that the model saw stands before it.') : judgedText(judged)}</p>
      ${
        judged === null
          ? nothing
          : html`<ol>
              ${judged.alternatives.map((other) => alternativeRow(other, this.token.id))}
            </ol>`
      }
      ${this.isKept ? this.renderQuestions() : nothing}
    </div>`;
  }

  private renderQuestions(): TemplateResult {
    return html`<div class="questions">
      ${
        this.mayAsk
          ? html`<vscode-button
                @click=${() => {
                  this.ask(null);
                }}
                >${t('Why this token?')}</vscode-button
              >
              ${this.layers.length === 0 ? nothing : this.renderCarriers()}`
          : nothing
      }
      <vscode-button
        secondary
        @click=${() => {
          this.dispatchEvent(new CustomEvent('ni-close'));
        }}
        >${t('Close')}</vscode-button
      >
    </div>`;
  }

  private renderCarriers(): TemplateResult {
    const chosen = this.layers.includes(this.layer) ? this.layer : (this.layers.at(-1) ?? '');
    return html`<div class="carriers">
      <vscode-button
        secondary
        @click=${() => {
          this.ask(chosen);
        }}
        >${t('Which neurons carry it?')}</vscode-button
      >
      <select
        aria-label=${t('In layer')}
        @change=${(event: Event) => {
          // Bound to the select itself.
          this.layer = (event.target as HTMLSelectElement).value;
        }}
      >
        ${this.layers.map((name) => html`<option value=${name} ?selected=${name === chosen}>${name}</option>`)}
      </select>
    </div>`;
  }

  private ask(layer: string | null): void {
    this.dispatchEvent(new CustomEvent('ni-ask', { detail: layer }));
  }
}

function judgedText({ surprise, likelierCount, entropy }: Exclude<ReadToken['judged'], null>): string {
  const rank =
    likelierCount === 0
      ? t('the likeliest')
      : likelierCount === 1
        ? t('1 token was likelier')
        : t('{0} tokens were likelier', formatNumber(likelierCount, 'count'));
  const share = formatNumber(Math.exp(-Number(surprise)), 'percent');
  return [
    share,
    rank,
    t('surprise {0} of {1} nats to be expected', formatNumber(surprise), formatNumber(entropy)),
  ].join(' · ');
}

function alternativeRow({ id, text, probability }: TokenAlternative, own: number): TemplateResult {
  const width = `${(100 * probability).toFixed(1)}%`;
  return html`<li class=${id === own ? 'own' : ''}>
    <span class="name" title=${text}>${tokenText(text)}</span>
    <span class="bar" aria-hidden="true"><div ${applyStyle({ width })}></div></span>
    <span class="share">${formatNumber(probability, 'percent')}</span>
  </li>`;
}
