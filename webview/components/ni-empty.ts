import '@vscode-elements/elements/dist/vscode-icon/index.js';
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { baseStyles } from './baseStyles.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-empty': NiEmpty;
  }
}

/**
 * What stands where there is nothing: why, and the one next step.
 *
 * @tag ni-empty
 *
 * @prop {string} heading - What is missing or went wrong.
 * @prop {string} icon - A codicon.
 * @attr {boolean} alert - Something went wrong: screen readers say so at once.
 *
 * @slot - Why, in a sentence or two.
 * @slot action - The next step: one button or link.
 */
@customElement('ni-empty')
export class NiEmpty extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      .empty {
        display: flex;
        gap: 10px;
        max-width: 80ch;
        padding: 12px 0;
      }
      vscode-icon {
        flex: none;
        color: var(--ni-muted);
      }
      :host([alert]) vscode-icon {
        color: var(--ni-error);
      }
      h2 {
        margin: 0;
        font-size: 1em;
        font-weight: 600;
      }
      .why {
        color: var(--ni-muted);
        overflow-wrap: anywhere;
      }
      :host([alert]) .why {
        color: inherit;
      }
      ::slotted([slot='action']) {
        margin-top: 8px;
      }
    `,
  ];

  @property() heading = '';
  @property() icon = 'info';
  @property({ type: Boolean, reflect: true }) alert = false;

  protected override render(): TemplateResult {
    return html`<div class="empty" role=${this.alert ? 'alert' : nothing}>
      <vscode-icon name=${this.icon} aria-hidden="true"></vscode-icon>
      <div>
        <h2>${this.heading}</h2>
        <div class="why"><slot></slot></div>
        <slot name="action"></slot>
      </div>
    </div>`;
  }
}
