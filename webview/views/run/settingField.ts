import { html, nothing, type TemplateResult } from 'lit';
import type { Setting } from '../../../src/protocol/settings.js';
import type { LayerSuggestion } from '../../../src/protocol/views/runMessages.js';
import { t } from '../../text.js';
import { fieldText } from './formValues.js';
import './ni-suggest-field.js';
import { suggestionsFor } from './suggestions.js';

/** One field of the form. */
export interface FieldView {
  /** Key of the field. */
  readonly field: string;
  readonly setting: Setting;
  readonly text: string;
  readonly problem: string | undefined;
  readonly layers: readonly LayerSuggestion[];
  readonly onText: (field: string, text: string) => void;
  readonly onReset: (field: string) => void;
  /** Lets the person browse for a file, or a folder. */
  readonly onBrowse: (field: string, isFolder: boolean) => void;
}

/** Returns the id of a field's control. */
export function controlId(field: string): string {
  return `field-${field.replace(':', '-')}`;
}

// Native controls: those of vscode-elements keep theirs in a shadow root of their own, which neither the description nor
// the message about a wrong value can be tied to.

/** Draws a setting: label, control, description, and what is wrong with it. */
export function settingField(view: FieldView): TemplateResult {
  const { field, setting, text, problem } = view;
  const id = controlId(field);
  const isChanged = text.trim() !== fieldText(setting.default);
  const reset = isChanged
    ? html`<button
        type="button"
        class="icon"
        title=${t('Reset to {0}', defaultWords(setting))}
        aria-label=${t('Reset {0} to {1}', setting.title, defaultWords(setting))}
        @click=${() => {
          view.onReset(field);
        }}
      >
        <vscode-icon name="discard" aria-hidden="true"></vscode-icon>
      </button>`
    : nothing;
  return html`<div class="field ${isChanged ? 'changed' : ''}" data-field=${field}>
    ${
      setting.kind === 'boolean'
        ? html`<div class="check">
            ${checkbox(view, id)}<label for=${id}>${setting.title}</label>${reset}
          </div>`
        : html`<div class="label"><label for=${id}>${setting.title}</label>${reset}</div>
            <div class="control">${control(view, id)}</div>`
    }
    <p id=${`${id}-description`} class="description">${setting.description}</p>
    <p id=${`${id}-problem`} class="problem" aria-live="polite">${problem ?? nothing}</p>
  </div>`;
}

function control(view: FieldView, id: string): TemplateResult {
  const { field, setting, text, problem, onText } = view;
  const listens = (event: Event): void => {
    // Bound to the controls below.
    onText(field, (event.target as HTMLInputElement | HTMLSelectElement).value);
  };
  if (setting.kind === 'choice') {
    return html`<select
      id=${id}
      aria-describedby=${described(id)}
      aria-invalid=${problem === undefined ? 'false' : 'true'}
      .value=${text}
      @change=${listens}
    >
      ${setting.choices.map((choice) => html`<option value=${choice} ?selected=${choice === text}>${choice}</option>`)}
    </select>`;
  }
  if (setting.kind === 'text' && (setting.format === 'address' || setting.format === 'layer')) {
    return suggestField(view, id, setting.format);
  }
  const isNumber = setting.kind === 'number' || setting.kind === 'integer';
  const isPath = setting.kind === 'text' && (setting.format === 'path' || setting.format === 'models');
  const unit = isNumber ? setting.unit : undefined;
  return html`<input
      id=${id}
      type="text"
      class=${isNumber ? 'number' : ''}
      inputmode=${setting.kind === 'integer' ? 'numeric' : isNumber ? 'decimal' : 'text'}
      spellcheck="false"
      autocomplete="off"
      placeholder=${placeholderOf(setting)}
      aria-describedby=${described(id)}
      aria-invalid=${problem === undefined ? 'false' : 'true'}
      .value=${text}
      @input=${listens}
    />
    ${unit === undefined ? nothing : html`<span class="muted">${unit}</span>`}
    ${isPath ? browseButton(view) : nothing}`;
}

function suggestField(
  { field, setting, text, problem, layers, onText }: FieldView,
  id: string,
  format: 'address' | 'layer',
): TemplateResult {
  return html`<ni-suggest-field
    .fieldId=${id}
    .value=${text}
    .describedBy=${described(id)}
    .invalid=${problem !== undefined}
    .placeholder=${placeholderOf(setting)}
    .suggestions=${suggestionsFor(layers, format)}
    @ni-input=${(event: CustomEvent<string>) => {
      onText(field, event.detail);
    }}
  ></ni-suggest-field>`;
}

function browseButton({ field, setting, onBrowse }: FieldView): TemplateResult {
  return html`<vscode-button
    secondary
    aria-label=${t('Browse for {0}', setting.title)}
    @click=${() => {
      onBrowse(field, setting.kind === 'text' && setting.format === 'models');
    }}
    >${t('Browse…')}</vscode-button
  >`;
}

function checkbox({ field, text, onText }: FieldView, id: string): TemplateResult {
  return html`<input
    id=${id}
    type="checkbox"
    aria-describedby=${described(id)}
    .checked=${text === 'true'}
    @change=${(event: Event) => {
      // Bound to the checkbox above.
      onText(field, String((event.target as HTMLInputElement).checked));
    }}
  />`;
}

function described(id: string): string {
  return `${id}-description ${id}-problem`;
}

/** What stands in an empty field: the description says what that means. */
function placeholderOf(setting: Setting): string {
  if (setting.default !== null) return '';
  switch (setting.kind === 'text' ? setting.format : undefined) {
    case 'address':
      return t('not set, for example {0}', 'features.3[42]');
    case 'layer':
      return t('not set, for example {0}', 'features.3');
    case 'integers':
      return t('not set, for example {0}', '5,3');
    case 'models':
      return t('not set, for example {0}', 'checkpoints/step-*.onnx');
    case 'path':
    case 'text':
    case undefined:
      break;
  }
  return t('not set');
}

function defaultWords(setting: Setting): string {
  if (setting.default === null) return t('not set');
  if (setting.kind === 'boolean') return setting.default ? t('on') : t('off');
  return String(setting.default);
}
