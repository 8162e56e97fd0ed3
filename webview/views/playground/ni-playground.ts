import '@vscode-elements/elements/dist/vscode-button/index.js';
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { formatNumber } from '../../../src/protocol/formatReport.js';
import type {
  ContinuationState,
  PlaygroundModel,
  PlaygroundPageState,
  PlaygroundRemedy,
  PlaygroundShow,
  PlaygroundTell,
} from '../../../src/protocol/views/playgroundMessages.js';
import '../../components/ni-color-scale.js';
import '../../components/ni-empty.js';
import '../../components/ni-note.js';
import { t } from '../../text.js';
import './ni-token-text.js';
import type { AskedToken, NiTokenText } from './ni-token-text.js';
import { begun, goesOn, settled, taken, type Texts, tokensOf, undone } from './playgroundText.js';
import {
  choiceOf,
  type FieldName,
  type Fields,
  firstFields,
  samplingFields,
  wrongFields,
} from './samplingFields.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-playground': NiPlayground;
  }
}

/** What the page keeps besides where it is. */
type Kept = Omit<PlaygroundPageState, 'model' | 'tokenizerPath'>;

/**
 * The page on which a person writes with a language model: a prompt, how tokens are chosen, and the text token by token.
 * Ctrl/Cmd+Enter continues, Esc stops.
 *
 * @tag ni-playground
 *
 * @prop tell - Tells the host.
 *
 * @fires ni-keep - Something to be kept changed.
 */
@customElement('ni-playground')
export class NiPlayground extends LitElement {
  @property({ attribute: false }) tell: (message: PlaygroundTell) => void = () => undefined;

  @state() private modelName = '';
  @state() private model: PlaygroundModel = { kind: 'reading' };
  @state() private prompt = '';
  @state() private isSampled = false;
  @state() private fields: Fields = firstFields;
  @state() private texts: Texts = { text: null, earlier: [] };
  @state() private continuation: ContinuationState | undefined;
  private lastId = 0;

  @query('textarea') private readonly promptField!: HTMLTextAreaElement | null;
  @query('ni-token-text') private readonly tokenText!: NiTokenText | null;

  /** What is to be kept of the page. */
  get kept(): Kept {
    const { prompt, isSampled, fields, texts, lastId } = this;
    return { prompt, isSampled, fields, ...texts, lastId };
  }

  /** Takes back what was kept; of another version it may be anything. */
  restore({ prompt, isSampled, fields, text, earlier, lastId }: Partial<Kept>): void {
    if (typeof prompt === 'string') this.prompt = prompt;
    this.isSampled = isSampled === true;
    this.fields = { ...firstFields, ...fields };
    this.texts = { text: text ?? null, earlier: earlier ?? [] };
    this.lastId = typeof lastId === 'number' ? lastId : 0;
  }

  /** Hears the host. */
  hear(show: PlaygroundShow): void {
    switch (show.kind) {
      case 'place':
        this.modelName = show.modelName;
        return;
      case 'model':
        this.model = show.model;
        return;
      case 'tokens':
        this.texts = taken(this.texts, show);
        this.keep();
        return;
      case 'idle':
        this.end(undefined);
        return;
      case 'state':
        if (show.id !== this.lastId) return;
        if (isUnderWay(show.state)) this.continuation = show.state;
        else this.end(show.state);
        return;
    }
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener('keydown', this.onKeyDown);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('keydown', this.onKeyDown);
  }

  /** In the page itself, so that the page's style sheet reaches it. */
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(_changed: PropertyValues): void {
    this.promptField?.focus();
  }

  protected override render(): TemplateResult {
    return html`<main>
      <h1>${t('Playground')} <span class="muted">${this.modelName}</span></h1>
      ${this.renderModel()}
      <label class="prompt-label" for="prompt">${t('Prompt')}</label>
      <textarea
        id="prompt"
        rows="3"
        spellcheck="false"
        placeholder=${t('Once upon a time')}
        .value=${this.prompt}
        @input=${(event: Event) => {
          // Bound to the field itself.
          this.prompt = (event.target as HTMLTextAreaElement).value;
          this.keep();
        }}
      ></textarea>
      ${this.renderFields()} ${this.renderActions()} ${this.renderText()}
    </main>`;
  }

  private renderFields(): TemplateResult {
    const { fields, isSampled, onField, onSampled } = this;
    return samplingFields({ fields, isSampled, onField, onSampled });
  }

  private renderModel(): TemplateResult | typeof nothing {
    const { model } = this;
    if (model.kind === 'reading') return html`<p class="muted facts">${t('Reading the model…')}</p>`;
    if (model.kind === 'problem') {
      return html`<ni-empty alert icon="error" .heading=${t('{0} cannot write here', this.modelName)}
        >${model.message}
        <vscode-button
          slot="action"
          @click=${() => {
            this.tell({ kind: 'remedy', remedy: model.remedy });
          }}
          >${remedyText(model.remedy)}</vscode-button
        ></ni-empty
      >`;
    }
    const { contextLength, vocabularySize } = model.facts;
    const facts = [
      model.tokenizerName,
      ...(vocabularySize === null ? [] : [t('{0} tokens', formatNumber(vocabularySize, 'count'))]),
      ...(contextLength === null ? [] : [t('sees {0} tokens', formatNumber(contextLength, 'count'))]),
    ];
    return html`<p class="muted facts">${facts.join(' · ')}</p>`;
  }

  private renderActions(): TemplateResult {
    const { text } = this.texts;
    const isWriting = this.isWriting;
    const hasText = text !== null && text.parts.length > 0;
    return html`<div class="actions">
      ${
        isWriting
          ? html`<vscode-button data-action="cancel" @click=${this.cancel}>${t('Stop')}</vscode-button
              ><kbd>Esc</kbd>`
          : html`<vscode-button data-action="continue" ?disabled=${!this.mayContinue} @click=${this.goOn}
                >${goesOn(this.texts, this.prompt) ? t('Continue') : t('Write')}</vscode-button
              ><kbd>${isMac() ? '⌘' : 'Ctrl'}+${t('Enter')}</kbd>`
      }
      <vscode-button secondary data-action="undo" ?disabled=${isWriting || !hasText} @click=${this.undo}
        >${t('Undo last continuation')}</vscode-button
      >
      <span class="muted" role="status">${this.statusText()}</span>
    </div>`;
  }

  private renderText(): TemplateResult | typeof nothing {
    const { text } = this.texts;
    const failure =
      this.continuation?.kind === 'failed'
        ? html`<ni-note severity="error">${this.continuation.message}</ni-note>`
        : nothing;
    if (text === null) {
      if (this.isWriting || this.model.kind !== 'ready') return failure;
      return html`${failure}
        <p class="muted empty">
          ${t('Nothing is written yet. Type how a text begins; the model writes on, and shows of every token how sure it was and what it might have written instead.')}
        </p>`;
    }
    const tokens = tokensOf(text);
    const limit = this.limitOfSurprise();
    const facts = this.model.kind === 'ready' ? this.model.facts : undefined;
    return html`${failure}
      ${
        text.prompt === this.prompt
          ? nothing
          : html`<ni-note severity="info"
              >${t('The prompt was changed since this was written: it begins a new text. Undo brings this one back.')}</ni-note
            >`
      }
      <div class="legend">
        <span class="muted">${t('Surprise')}</span>
        <ni-color-scale scale="sequential" .limit=${limit} unit=${t('nats')}></ni-color-scale>
        <span class="muted">${t('the prompt is underlined with dots')}</span>
      </div>
      <ni-token-text
        .tokens=${tokens}
        .promptCount=${text.promptTokens.length}
        .limit=${limit}
        .layers=${facts?.carriers ?? []}
        @ni-why=${this.onWhy}
      ></ni-token-text>`;
  }

  /** As uncertain as can be is the end of the scale, and not the largest surprise: colours keep their meaning as a text grows. */
  private limitOfSurprise(): number {
    const size = this.model.kind === 'ready' ? this.model.facts.vocabularySize : null;
    return size === null ? 10 : Math.max(1, Math.log(size));
  }

  private statusText(): string {
    const { continuation } = this;
    switch (continuation?.kind) {
      case undefined:
      case 'failed':
        return '';
      case 'waiting':
        return continuation.activity === null
          ? t('Opening the model…')
          : t('Waiting for the engine: {0}', continuation.activity);
      case 'writing':
        return t('Writing…');
      case 'cancelled':
        return t('Stopped');
      case 'done':
        return this.doneText(continuation.end);
    }
  }

  private doneText({
    writtenCount,
    isEnded,
    seenAtMost,
    provider,
  }: Extract<ContinuationState, { readonly kind: 'done' }>['end']): string {
    return [
      writtenCount === 1 ? t('1 token') : t('{0} tokens', formatNumber(writtenCount, 'count')),
      ...(isEnded ? [t('the model ended the text')] : []),
      ...(seenAtMost === null ? [] : [t('it saw only the last {0}', formatNumber(seenAtMost, 'count'))]),
      provider,
    ].join(' · ');
  }

  private get isWriting(): boolean {
    return this.continuation !== undefined && isUnderWay(this.continuation);
  }

  private get mayContinue(): boolean {
    return (
      this.model.kind === 'ready' && !this.isWriting && wrongFields(this.fields, this.isSampled).size === 0
    );
  }

  private readonly goOn = (): void => {
    if (!this.mayContinue) return;
    const { prompt, texts, fields, isSampled } = this;
    const { text } = texts;
    const ids = text !== null && goesOn(texts, prompt) ? tokensOf(text).map(({ id }) => id) : null;
    this.lastId++;
    this.texts = begun(texts, prompt, this.lastId);
    this.continuation = { kind: 'waiting', activity: null };
    this.keep();
    this.tell({
      kind: 'continue',
      request: { id: this.lastId, prompt, ids, ...choiceOf(fields, isSampled) },
    });
  };

  private readonly cancel = (): void => {
    this.tell({ kind: 'cancel' });
  };

  private readonly undo = (): void => {
    if (this.isWriting) return;
    this.texts = undone(this.texts);
    this.continuation = undefined;
    this.keep();
  };

  private readonly onWhy = (event: CustomEvent<AskedToken>): void => {
    const { text } = this.texts;
    if (text === null) return;
    const { index, layer } = event.detail;
    const ids = tokensOf(text).map(({ id }) => id);
    const token = ids[index];
    const seen = this.model.kind === 'ready' ? this.model.facts.contextLength : null;
    const before = ids.slice(Math.max(0, seen === null ? 0 : index - seen), index);
    if (token !== undefined) this.tell({ kind: 'why', before, token, layer });
  };

  private end(state: ContinuationState | undefined): void {
    this.continuation = state;
    this.texts = settled(this.texts);
    this.keep();
  }

  private readonly onField = (name: FieldName, text: string): void => {
    this.fields = { ...this.fields, [name]: text };
    this.keep();
  };

  private readonly onSampled = (isSampled: boolean): void => {
    this.isSampled = isSampled;
    this.keep();
  };

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.goOn();
    } else if (event.key === 'Escape') {
      if (this.tokenText?.closeCard() !== true && this.isWriting) this.cancel();
    }
  };

  private keep(): void {
    this.dispatchEvent(new CustomEvent('ni-keep'));
  }
}

function isUnderWay({ kind }: ContinuationState): boolean {
  return kind === 'waiting' || kind === 'writing';
}

function isMac(): boolean {
  return navigator.platform.startsWith('Mac');
}

function remedyText(remedy: PlaygroundRemedy): string {
  switch (remedy) {
    case 'choose-tokenizer':
      return t('Choose tokenizer…');
    case 'open-model':
      return t('Open model');
    case 'manage-trust':
      return t('Manage workspace trust');
    case 'try-again':
      return t('Try again');
  }
}
