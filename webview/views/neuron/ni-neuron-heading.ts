import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-icon/index.js';
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { formatNumber } from '../../../src/protocol/formatReport.js';
import type { NeuronPlace, NeuronTell, NeuronTrail } from '../../../src/protocol/views/neuronMessages.js';
import { baseStyles } from '../../components/baseStyles.js';
import { t } from '../../text.js';
import { kindText, mapText } from './neuronWords.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-neuron-heading': NiNeuronHeading;
  }
}

/**
 * Which neuron the page is about, and the ways to others: back and forward, previous and next, any by number or address.
 *
 * @tag ni-neuron-heading
 *
 * @prop place - The neuron.
 * @prop trail - Where the page has been.
 * @prop act - Tells the host.
 * @prop goTo - Asks the host to go to a unit or address; rejects with the reason.
 */
@customElement('ni-neuron-heading')
export class NiNeuronHeading extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      .bar,
      .line,
      .ways {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 10px;
      }
      .bar {
        gap: 0 2px;
        margin-left: -4px;
      }
      button.icon {
        display: flex;
        padding: 3px;
        border: 0;
        border-radius: 5px;
        color: var(--vscode-icon-foreground, inherit);
        background: none;
        cursor: pointer;
      }
      button.icon:hover:enabled {
        background: var(--vscode-toolbar-hoverBackground);
        outline: 1px dashed var(--ni-hover-outline);
      }
      button.icon:disabled {
        opacity: 0.4;
        cursor: default;
      }
      .where {
        margin-left: 4px;
        color: var(--ni-muted);
        overflow-wrap: anywhere;
      }
      .line {
        justify-content: space-between;
      }
      .name {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        gap: 0 12px;
        min-width: 0;
      }
      h1 {
        margin: 0;
        font-family: var(--ni-code-font);
        font-size: 1.5em;
        font-weight: 600;
        line-height: 1.3;
        overflow-wrap: anywhere;
      }
      .ways {
        gap: 4px;
      }
      input {
        width: 15ch;
        padding: 3px 6px;
        color: var(--vscode-input-foreground);
        background: var(--vscode-input-background);
        border: 1px solid var(--vscode-input-border, var(--ni-line));
        border-radius: 2px;
        font: inherit;
      }
      .of {
        margin: 0 6px 0 2px;
        color: var(--ni-muted);
        white-space: nowrap;
      }
      .refused {
        margin: 4px 0 0;
        color: var(--ni-error);
        overflow-wrap: anywhere;
      }
      .step {
        white-space: nowrap;
      }
      kbd {
        margin: 0 -4px 0 6px;
        padding: 0 3px;
        line-height: 1.3;
        border: 1px solid var(--ni-line);
        border-radius: 2px;
        color: var(--ni-muted);
        font-family: var(--ni-code-font);
        font-size: 0.9em;
      }
    `,
  ];

  @property({ attribute: false }) place!: NeuronPlace;
  @property({ attribute: false }) trail: NeuronTrail = { addresses: [], index: -1 };
  @property({ attribute: false }) act: (tell: NeuronTell) => void = () => undefined;
  @property({ attribute: false }) goTo: (text: string) => Promise<unknown> = () => Promise.resolve();

  @state() private refusal = '';
  @query('input') private readonly field!: HTMLInputElement;

  /** Puts the keyboard into the field. */
  focusField(): void {
    this.field.focus();
    this.field.select();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('place')) this.refusal = '';
  }

  protected override updated(changed: PropertyValues<this>): void {
    // Written by hand: the field keeps what is typed, and a walk must not leave an old number there.
    if (changed.has('place')) this.field.value = String(this.place.unit);
  }

  protected override render(): TemplateResult {
    const { place } = this;
    return html`
      ${this.renderBar()}
      <div class="line">
        <div class="name">
          <h1>${place.address}</h1>
          <span>${kindText(place)} · ${mapText(place.map)}</span>
        </div>
        ${this.renderWays()}
      </div>
      ${this.refusal === '' ? nothing : html`<p class="refused" role="alert">${this.refusal}</p>`}
    `;
  }

  private renderBar(): TemplateResult {
    const { addresses, index } = this.trail;
    return html`<div class="bar">
      ${this.renderTravel(-1, addresses[index - 1])} ${this.renderTravel(1, addresses[index + 1])}
      <span class="where">
        <button
          class="text"
          @click=${() => {
            this.act({ kind: 'open-model' });
          }}
        >
          ${this.place.modelName}
        </button>
        <span aria-hidden="true">›</span>
        <button
          class="text address"
          title=${t('Show the layer in the model')}
          @click=${() => {
            this.act({ kind: 'open-layer' });
          }}
        >
          ${this.place.layer}
        </button>
      </span>
    </div>`;
  }

  private renderTravel(by: 1 | -1, address: string | undefined): TemplateResult {
    const way = by < 0 ? t('Back') : t('Forward');
    const keys = by < 0 ? t('Alt+Left') : t('Alt+Right');
    const label = address === undefined ? way : t('{0} to {1}', way, address);
    return html`<button
      class="icon"
      aria-label=${label}
      title=${`${label} (${keys})`}
      ?disabled=${address === undefined}
      @click=${() => {
        this.act({ kind: 'travel', by });
      }}
    >
      <vscode-icon name=${by < 0 ? 'arrow-left' : 'arrow-right'} aria-hidden="true"></vscode-icon>
    </button>`;
  }

  private renderWays(): TemplateResult {
    const { place } = this;
    const count =
      place.unitCount === null ? t('of an open number') : t('of {0}', formatNumber(place.unitCount, 'count'));
    return html`<div class="ways" role="group" aria-label=${t('Other units of {0}', place.layer)}>
      ${this.renderStep(-1)} ${this.renderStep(1)}
      <input
        spellcheck="false"
        aria-label=${t('Go to unit or address')}
        title=${t('A unit’s number or any address; Enter goes there (g)')}
        @keydown=${this.onKeyDown}
      />
      <span class="of">${count}</span>
    </div>`;
  }

  private renderStep(by: 1 | -1): TemplateResult {
    const { unit, previous, next } = this.place;
    const address = by < 0 ? previous : next;
    const name = by < 0 ? t('Previous unit') : t('Next unit');
    const keys = by < 0 ? t('j or Left arrow') : t('k or Right arrow');
    const number = address === null ? html`<span class="hidden-text">${t('none')}</span>` : String(unit + by);
    const arrow = html`<span aria-hidden="true">${by < 0 ? '◀' : '▶'}</span>`;
    return html`<vscode-button
      secondary
      title=${`${name} (${keys})`}
      ?disabled=${address === null}
      aria-disabled=${address === null}
      @click=${() => {
        if (address !== null) this.act({ kind: 'step', by });
      }}
    >
      <span class="hidden-text">${name}</span>
      <span class="step">
        ${by < 0 ? html`${arrow} ${number}` : html`${number} ${arrow}`}
        <kbd aria-hidden="true">${by < 0 ? 'j' : 'k'}</kbd>
      </span>
    </vscode-button>`;
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      this.field.value = String(this.place.unit);
      this.refusal = '';
      this.field.blur();
    }
    if (event.key === 'Enter') void this.go(this.field.value);
  };

  private async go(text: string): Promise<void> {
    if (text.trim() === '') return;
    this.refusal = '';
    try {
      await this.goTo(text);
    } catch (error) {
      this.refusal = error instanceof Error ? error.message : String(error);
    }
  }
}
