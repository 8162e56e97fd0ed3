import '@vscode-elements/elements/dist/vscode-button/index.js';
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import type { FollowUp } from '../../../src/protocol/parts.js';
import { t } from '../../text.js';
import { baseStyles } from '../baseStyles.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-part-panel': NiPartPanel;
  }
  interface HTMLElementEventMap {
    'ni-part-asked': CustomEvent<AskedPart>;
    'ni-part-choice': CustomEvent<Readonly<Record<string, string>>>;
  }
}

/** A question about a piece that was asked. */
export interface AskedPart {
  readonly followUp: FollowUp;
  /** What the person chose, where the question has a choice. */
  readonly chosen: string | undefined;
  /** Run it, or copy the command that does. */
  readonly way: 'run' | 'copy';
}

/** Room between what was picked and the panel, and between the panel and the edge of the window. */
const gap = 6;

/**
 * Says what a piece of a report is, beside it, and offers what can be asked about it. Escape or a click elsewhere closes it.
 *
 * @tag ni-part-panel
 *
 * @prop {string} heading - What was picked: `Pixel`.
 * @prop {string} text - Where it is and its value.
 * @prop {string} caption - What it is a piece of.
 * @prop followUps - What can be asked.
 * @attr {boolean} can-run - Questions can be answered here, and not only be copied as commands.
 * @prop choices - What was chosen before, by setting.
 *
 * @fires ni-part-asked - A question was asked.
 * @fires ni-part-choice - All choices, when one was made.
 */
@customElement('ni-part-panel')
export class NiPartPanel extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      .panel {
        position: absolute;
        inset: auto;
        width: max-content;
        max-width: min(420px, calc(100vw - 16px));
        margin: 0;
        padding: 8px 10px;
        border: 1px solid var(--vscode-editorWidget-border, var(--ni-line));
        border-radius: 3px;
        color: var(--vscode-editorWidget-foreground, inherit);
        background: var(--vscode-editorWidget-background, var(--ni-panel));
        box-shadow: 0 2px 8px var(--vscode-widget-shadow, transparent);
      }
      p {
        margin: 0;
        overflow-wrap: anywhere;
      }
      .question {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 6px 10px;
        margin-top: 8px;
      }
      label {
        display: flex;
        align-items: center;
        gap: 6px;
        color: var(--ni-muted);
      }
      select {
        max-width: 220px;
        padding: 2px 4px;
        border: 1px solid var(--vscode-settings-dropdownBorder, var(--ni-line));
        color: var(--vscode-settings-dropdownForeground, inherit);
        background: var(--vscode-settings-dropdownBackground, transparent);
        font: inherit;
      }
    `,
  ];

  @property() heading = '';
  @property() text = '';
  @property() caption = '';
  @property({ attribute: false }) followUps: readonly FollowUp[] = [];
  @property({ type: Boolean, attribute: 'can-run' }) canRun = false;
  @property({ attribute: false }) choices: Readonly<Record<string, string>> = {};

  @query('.panel') private readonly panel!: HTMLElement;

  /** What had the focus before. */
  private opener: HTMLElement | undefined;

  /** Opens it beside what was picked, which is drawn at `anchor` in the window. */
  async show(anchor: DOMRect): Promise<void> {
    await this.updateComplete;
    this.opener = focusedElement();
    this.panel.showPopover();
    const { offsetWidth, offsetHeight } = this.panel;
    const hasRoomBelow = anchor.bottom + gap + offsetHeight <= window.innerHeight;
    const top = hasRoomBelow ? anchor.bottom + gap : Math.max(gap, anchor.top - gap - offsetHeight);
    const left = Math.max(gap, Math.min(anchor.left, window.innerWidth - offsetWidth - gap));
    // In the page and not in the window: it stays beside what it is about when the page scrolls.
    this.panel.style.top = `${String(top + window.scrollY)}px`;
    this.panel.style.left = `${String(left + window.scrollX)}px`;
    this.panel.querySelector<HTMLElement>('vscode-button, button')?.focus();
  }

  protected override render(): TemplateResult {
    return html`<div
      class="panel"
      popover
      role="dialog"
      aria-label=${`${this.heading} ${this.text}`}
      @keydown=${this.onKeyDown}
    >
      <p><strong>${this.heading}</strong> ${this.text}</p>
      ${this.caption === '' ? nothing : html`<p class="muted">${this.caption}</p>`}
      ${this.followUps.map((followUp) => this.renderQuestion(followUp))}
    </div>`;
  }

  private renderQuestion(followUp: FollowUp): TemplateResult {
    return html`<div class="question">
      ${
        this.canRun
          ? html`<vscode-button
              @click=${() => {
                this.ask(followUp, 'run');
              }}
              >${followUp.label}</vscode-button
            >`
          : html`<span>${followUp.label}</span>`
      }
      ${this.renderChoice(followUp)}
      <button
        class="text"
        @click=${() => {
          this.ask(followUp, 'copy');
        }}
      >
        ${t('Copy CLI command')}
      </button>
    </div>`;
  }

  private renderChoice({ choice }: FollowUp): TemplateResult | typeof nothing {
    if (choice === undefined) return nothing;
    const chosen = this.chosenFor(choice);
    return html`<label
      >${choice.label}<select
        @change=${(event: Event) => {
          if (!(event.target instanceof HTMLSelectElement)) return;
          this.choices = { ...this.choices, [choice.setting]: event.target.value };
          this.dispatchEvent(new CustomEvent('ni-part-choice', { detail: this.choices }));
        }}
      >
        ${choice.values.map((value) => html`<option value=${value} ?selected=${value === chosen}>${value}</option>`)}
      </select></label
    >`;
  }

  private chosenFor({ setting, values, value }: NonNullable<FollowUp['choice']>): string {
    const before = this.choices[setting];
    return before !== undefined && values.includes(before) ? before : value;
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    this.close();
  };

  /** Whoever came by keyboard goes on where they were; browsers do not find what is inside several shadow roots. */
  private close(): void {
    this.panel.hidePopover();
    this.opener?.focus();
  }

  private ask(followUp: FollowUp, way: AskedPart['way']): void {
    const chosen = followUp.choice === undefined ? undefined : this.chosenFor(followUp.choice);
    this.close();
    const detail: AskedPart = { followUp, chosen, way };
    this.dispatchEvent(new CustomEvent('ni-part-asked', { detail }));
  }
}

/** Returns the element that has the focus, inside shadow roots too. */
function focusedElement(): HTMLElement | undefined {
  let found = document.activeElement;
  for (;;) {
    const inner = found?.shadowRoot?.activeElement ?? null;
    if (inner === null) return found instanceof HTMLElement ? found : undefined;
    found = inner;
  }
}
