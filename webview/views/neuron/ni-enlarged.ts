import '@vscode-elements/elements/dist/vscode-button/index.js';
import { css, html, LitElement, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import { baseStyles } from '../../components/baseStyles.js';
import { t } from '../../text.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-enlarged': NiEnlarged;
  }
  interface HTMLElementEventMap {
    'ni-closed': CustomEvent<undefined>;
  }
}

/**
 * Something small, shown large over the page until Escape, the button or a click beside it.
 *
 * @tag ni-enlarged
 *
 * @prop {string} heading
 * @prop content - What is shown; undefined closes.
 *
 * @fires ni-closed - The person closed it.
 */
@customElement('ni-enlarged')
export class NiEnlarged extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      dialog {
        max-width: min(94vw, 900px);
        max-height: 94vh;
        padding: 12px 16px;
        color: var(--vscode-foreground);
        background: var(--vscode-editorWidget-background);
        border: 1px solid var(--ni-line);
        box-shadow: 0 2px 12px var(--vscode-widget-shadow, transparent);
      }
      dialog::backdrop {
        background: var(--vscode-editor-background);
        opacity: 0.7;
      }
      header {
        display: flex;
        align-items: start;
        justify-content: space-between;
        gap: 24px;
        margin-bottom: 8px;
      }
      h2 {
        margin: 0;
        font-size: 1.05em;
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      dl {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: 1px 14px;
        margin: 10px 0 0;
        font-variant-numeric: tabular-nums;
      }
      dt {
        color: var(--ni-muted);
      }
      dd {
        margin: 0;
        overflow-wrap: anywhere;
        white-space: pre-wrap;
      }
    `,
  ];

  @property() heading = '';
  @property({ attribute: false }) content: TemplateResult | undefined;
  @query('dialog') private readonly dialog!: HTMLDialogElement;

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has('content')) return;
    if (this.content === undefined) this.dialog.close();
    else if (!this.dialog.open) this.dialog.showModal();
  }

  protected override render(): TemplateResult {
    return html`<dialog aria-label=${this.heading} @close=${this.onClose} @click=${this.onClick}>
      <header>
        <h2>${this.heading}</h2>
        <vscode-button secondary @click=${this.close}>${t('Close')}</vscode-button>
      </header>
      ${this.content}
    </dialog>`;
  }

  private readonly close = (): void => {
    this.dialog.close();
  };

  private readonly onClose = (): void => {
    if (this.content !== undefined) this.dispatchEvent(new CustomEvent('ni-closed'));
  };

  /** Only the backdrop is the dialog itself; all else is inside. */
  private readonly onClick = (event: MouseEvent): void => {
    if (event.target !== this.dialog) return;
    const { left, right, top, bottom } = this.dialog.getBoundingClientRect();
    const isInside =
      event.clientX >= left && event.clientX <= right && event.clientY >= top && event.clientY <= bottom;
    if (!isInside) this.close();
  };
}
