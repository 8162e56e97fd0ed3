import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { formatNumber } from '../../../src/protocol/formatReport.js';
import type { TokenStretch } from '../../../src/protocol/units.js';
import { applyStyle } from '../../applyStyle.js';
import { baseStyles } from '../../components/baseStyles.js';
import { heatColors } from '../../components/heatColors.js';
import { textColor } from '../../components/textColor.js';
import { t } from '../../text.js';
import { ThemeController } from '../../theme.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-token-stretch': NiTokenStretch;
  }
}

/**
 * A part of a text, each token on the colour of the neuron's output there; the one with the largest is outlined.
 *
 * @tag ni-token-stretch
 *
 * @prop stretch
 * @prop {number} limit - Where the scale ends.
 * @prop {number} position - Position of the largest output in the whole row.
 * @attr {boolean} large - At full size.
 */
@customElement('ni-token-stretch')
export class NiTokenStretch extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      p {
        margin: 0;
        font-family: var(--ni-code-font);
        font-size: 0.9em;
        line-height: 1.6;
        overflow-wrap: anywhere;
      }
      :host([large]) p {
        max-width: 80ch;
        font-size: 1em;
        line-height: 1.9;
      }
      span {
        white-space: pre-wrap;
      }
      .piece {
        padding: 1px 0;
        forced-color-adjust: none;
      }
      .largest {
        outline: 1px solid var(--vscode-focusBorder);
      }
      .cut {
        color: var(--ni-muted);
      }
    `,
  ];

  @property({ attribute: false }) stretch!: TokenStretch;
  @property({ attribute: false }) limit = 1;
  @property({ attribute: false }) position = -1;

  constructor() {
    super();
    new ThemeController(this);
  }

  protected override render(): TemplateResult {
    const { start, tokens, length } = this.stretch;
    const colors = heatColors();
    // On one line: white space between pieces would be part of the text.
    const pieces = tokens.map(({ text, value }, place) => {
      const at = start + place;
      const number = value === null ? t('masked') : formatNumber(value);
      const background = value === null ? 'transparent' : textColor(Number(value), this.limit, colors);
      const name = at === this.position ? 'piece largest' : 'piece';
      // prettier-ignore
      return html`<span class=${name} title=${t('{0} at {1}', number, at)} ${applyStyle({ background })}>${text}</span>`;
    });
    const cut = html`<span class="cut">…</span>`;
    // prettier-ignore
    return html`<p>${start > 0 ? cut : ''}${pieces}${start + tokens.length < length ? cut : ''}</p>`;
  }
}
