import '@vscode-elements/elements/dist/vscode-icon/index.js';
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { t } from '../text.js';
import { baseStyles } from './baseStyles.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-note': NiNote;
  }
}

/** How bad something is; also the name of its codicon. */
export type Severity = 'error' | 'warning' | 'info';

/** Returns a severity in words. */
export function severityText(severity: Severity): string {
  switch (severity) {
    case 'error':
      return t('Error');
    case 'warning':
      return t('Warning');
    case 'info':
      return t('Info');
  }
}

/**
 * Something to know before reading on.
 *
 * @tag ni-note
 *
 * @prop {'error' | 'warning' | 'info'} severity
 *
 * @slot - What it is and what to do, with a link or button where one helps.
 */
@customElement('ni-note')
export class NiNote extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      .note {
        display: flex;
        gap: 8px;
        max-width: 100ch;
        padding: 5px 10px 5px 8px;
        border: 1px solid var(--ni-line);
        border-left: 3px solid var(--note-color);
      }
      :host {
        --note-color: var(--ni-warning);
      }
      :host([severity='error']) {
        --note-color: var(--ni-error);
      }
      :host([severity='info']) {
        --note-color: var(--ni-info);
      }
      vscode-icon {
        flex: none;
        color: var(--note-color);
      }
      div {
        min-width: 0;
        overflow-wrap: anywhere;
      }
    `,
  ];

  @property({ reflect: true }) severity: Severity = 'warning';

  protected override render(): TemplateResult {
    return html`<div class="note" role="note" aria-label=${severityText(this.severity)}>
      <vscode-icon name=${this.severity} aria-hidden="true"></vscode-icon>
      <div><slot></slot></div>
    </div>`;
  }
}
