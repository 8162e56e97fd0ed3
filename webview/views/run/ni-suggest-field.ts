import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { t } from '../../text.js';
import { matchSuggestions, type Suggestion } from './suggestions.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-suggest-field': NiSuggestField;
  }
}

/**
 * A text field that completes names of layers and neurons. It renders into its parent's tree, so that the labels and
 * messages there are its own: relations by id do not cross shadow roots.
 *
 * @tag ni-suggest-field
 *
 * @prop {string} fieldId - Id of the input, for its label.
 * @prop {string} value - What is typed.
 * @prop {string} describedBy - Ids of what describes it.
 * @prop {boolean} invalid - The value is wrong.
 * @prop {string} placeholder - What stands there when it is empty.
 * @prop {Suggestion[]} suggestions - What it may complete to.
 *
 * @fires ni-input - The text as it is now.
 */
@customElement('ni-suggest-field')
export class NiSuggestField extends LitElement {
  @property() fieldId = '';
  @property() value = '';
  @property() describedBy = '';
  @property({ type: Boolean }) invalid = false;
  @property() placeholder = '';
  @property({ attribute: false }) suggestions: readonly Suggestion[] = [];

  @state() private isOpen = false;
  /** −1: none is chosen yet. */
  @state() private active = -1;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override render(): TemplateResult {
    const shown = this.isOpen ? matchSuggestions(this.suggestions, this.value) : [];
    const listId = `${this.fieldId}-list`;
    const activeId = this.active >= 0 && this.active < shown.length ? `${listId}-${this.active}` : nothing;
    return html`
      <div class="suggest">
        <input
          id=${this.fieldId}
          type="text"
          role="combobox"
          spellcheck="false"
          autocomplete="off"
          placeholder=${this.placeholder}
          aria-autocomplete="list"
          aria-expanded=${shown.length > 0 ? 'true' : 'false'}
          aria-controls=${shown.length > 0 ? listId : nothing}
          aria-activedescendant=${activeId}
          aria-describedby=${this.describedBy}
          aria-invalid=${this.invalid ? 'true' : 'false'}
          .value=${this.value}
          @input=${this.onInput}
          @keydown=${this.onKeyDown}
          @click=${this.open}
          @blur=${this.close}
        />
        ${shown.length === 0 ? nothing : this.list(shown, listId)}
      </div>
    `;
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has('active')) {
      this.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
    }
  }

  private list(shown: readonly Suggestion[], listId: string): TemplateResult {
    // Pressing, not clicking: a click would come after the field has lost the focus and the list is gone.
    return html`<ul id=${listId} class="suggestions" role="listbox" aria-label=${t('Layers of the model')}>
      ${shown.map(
        (suggestion, index) =>
          html`<li
            id=${`${listId}-${index}`}
            role="option"
            aria-selected=${index === this.active ? 'true' : 'false'}
            @mousedown=${(event: Event) => {
              event.preventDefault();
              this.choose(suggestion);
            }}
          >
            <span class="name">${suggestion.text}</span> <span class="muted">${suggestion.detail}</span>
          </li>`,
      )}
    </ul>`;
  }

  private readonly open = (): void => {
    this.isOpen = true;
    this.active = -1;
  };

  private readonly close = (): void => {
    this.isOpen = false;
    this.active = -1;
  };

  private readonly onInput = (event: Event): void => {
    // Bound to the input above.
    this.value = (event.target as HTMLInputElement).value;
    this.open();
    this.tell();
  };

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    const shown = matchSuggestions(this.suggestions, this.value);
    switch (event.key) {
      case 'ArrowDown':
      case 'ArrowUp': {
        event.preventDefault();
        if (!this.isOpen) this.open();
        const step = event.key === 'ArrowDown' ? 1 : -1;
        if (shown.length > 0) this.active = stepped(this.active, step, shown.length);
        return;
      }
      case 'Enter': {
        const chosen = this.isOpen && !event.ctrlKey && !event.metaKey ? shown[this.active] : undefined;
        if (chosen === undefined) return;
        event.preventDefault();
        this.choose(chosen);
        return;
      }
      case 'Escape':
        if (this.isOpen) event.preventDefault();
        this.close();
        return;
    }
  };

  /** Takes a suggestion; the number of a neuron is selected, because it is what comes next. */
  private choose({ text }: Suggestion): void {
    this.value = text;
    this.close();
    this.tell();
    const input = this.querySelector('input');
    if (input === null) return;
    input.value = text;
    input.focus();
    const unit = /\[(\d+)\]$/.exec(text);
    if (unit !== null) input.setSelectionRange(unit.index + 1, text.length - 1);
  }

  private tell(): void {
    this.dispatchEvent(new CustomEvent('ni-input', { detail: this.value }));
  }
}

/** Goes round at both ends; from no choice, down leads to the first and up to the last. */
function stepped(active: number, step: 1 | -1, count: number): number {
  if (active < 0) return step > 0 ? 0 : count - 1;
  return (active + step + count) % count;
}
