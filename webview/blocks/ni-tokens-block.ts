import { css, html, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { guard } from 'lit/directives/guard.js';
import { applyStyle } from '../applyStyle.js';
import type { TokensBlock } from '../../src/protocol/blocks.js';
import { formatNumber } from '../../src/protocol/formatReport.js';
import { partName } from '../../src/protocol/partNames.js';
import { baseStyles } from '../components/baseStyles.js';
import type { HeatColors } from '../../src/protocol/heatScale.js';
import { heatColors } from '../components/heatColors.js';
import '../components/ni-color-scale.js';
import { textColor } from '../components/textColor.js';
import { t } from '../text.js';
import { ThemeController } from '../theme.js';
import { BlockElement } from './blockElement.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-tokens-block': NiTokensBlock;
  }
}

/**
 * Text in pieces, each on the colour of its value; the value is told for the piece that is pointed at or has the focus.
 *
 * @tag ni-tokens-block
 */
@customElement('ni-tokens-block')
export class NiTokensBlock extends BlockElement<TokensBlock> {
  static override readonly styles = [
    baseStyles,
    css`
      .text {
        max-width: 90ch;
        margin: 0;
        padding: 0;
        font-family: var(--ni-code-font);
        line-height: 1.9;
        overflow-wrap: anywhere;
      }
      .text span {
        padding: 2px 0;
        white-space: pre-wrap;
        cursor: default;
      }
      .text.pickable span {
        cursor: pointer;
      }
      .text span.marked {
        outline: 2px solid var(--vscode-focusBorder);
      }
      .legend {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 20px;
        min-height: 1.4em;
        margin-bottom: 4px;
      }
    `,
  ];

  @state() private shown = -1;
  /** The token that Tab leads to. */
  private focused = 0;
  /** Counts themes: colours are of the one that is. */
  private themeCount = 0;

  constructor() {
    super();
    new ThemeController(this);
  }

  protected override willUpdate(changed: PropertyValues): void {
    // A new theme changes nothing else.
    if (changed.size === 0) this.themeCount++;
  }

  protected override render(): TemplateResult {
    const { block } = this;
    return html`
      <div class="legend">
        <ni-color-scale .scale=${block.scale} .limit=${block.limit}></ni-color-scale>
        <span class="muted" role="status">${this.shownText()}</span>
      </div>
      <div
        class="text ${this.isPickable ? 'pickable' : ''}"
        role="list"
        aria-label=${block.alt ?? block.title ?? t('Text with a value for each piece')}
        @keydown=${this.onKeyDown}
        @pointerover=${this.onPoint}
        @pointerleave=${this.onLeave}
        @focusin=${this.onPoint}
        @focusout=${this.onLeave}
        @click=${this.onPick}
      >
        ${
          // Ten thousand tokens are not compared for each that is pointed at.
          guard([block, this.pickedIn(0), this.themeCount], () => this.renderTokens())
        }
      </div>
    `;
  }

  private renderTokens(): TemplateResult[] {
    const colors = heatColors();
    return this.block.tokens.map((token, index) => this.renderToken(token, index, colors));
  }

  private renderToken(
    { text, value, note }: TokensBlock['tokens'][number],
    index: number,
    colors: HeatColors,
  ): TemplateResult {
    const marked = this.pickedIn(0) === this.nameOf(index) ? 'marked' : '';
    // On one line: white space between pieces would be part of the text.
    // prettier-ignore
    return html`<span role="listitem" class=${marked} data-index=${index} tabindex=${index === this.focused ? 0 : -1} aria-label=${`${text} ${note ?? formatNumber(value)}`} ${applyStyle({ background: textColor(Number(value), Number(this.block.limit), colors) })}>${text}</span>`;
  }

  private shownText(): string {
    const token = this.block.tokens[this.shown];
    return token === undefined ? '' : `“${token.text.trim()}” ${token.note ?? formatNumber(token.value)}`;
  }

  private readonly onPoint = (event: Event): void => {
    const index = event.target instanceof HTMLElement ? event.target.dataset['index'] : undefined;
    this.shown = index === undefined ? -1 : Number(index);
  };

  private readonly onLeave = (): void => {
    this.shown = -1;
  };

  private nameOf(index: number): string {
    const { parts, tokens } = this.block;
    return partName(parts?.sizes ?? [], [tokens.length], [index]);
  }

  private readonly onPick = (event: Event): void => {
    const { target } = event;
    if (!this.isPickable || !(target instanceof HTMLElement)) return;
    const index = Number(target.dataset['index']);
    const token = this.block.tokens[index];
    if (token === undefined) return;
    event.preventDefault();
    this.moveTabStop(index);
    const text = `“${token.text.trim()}” ${token.note ?? formatNumber(token.value)}`;
    this.context.pick?.({ item: 0, name: this.nameOf(index), text }, target.getBoundingClientRect());
  };

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' || event.key === ' ') {
      this.onPick(event);
      return;
    }
    const last = this.block.tokens.length - 1;
    const to = { ArrowLeft: this.focused - 1, ArrowRight: this.focused + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.moveTabStop(Math.max(0, Math.min(last, to)));
    this.tokenAt(this.focused)?.focus();
  };

  private moveTabStop(index: number): void {
    this.tokenAt(this.focused)?.setAttribute('tabindex', '-1');
    this.focused = index;
    this.tokenAt(index)?.setAttribute('tabindex', '0');
  }

  private tokenAt(index: number): HTMLElement | null {
    return this.renderRoot.querySelector(`[data-index="${String(index)}"]`);
  }
}
