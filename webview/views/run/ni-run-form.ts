import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-icon/index.js';
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { runOptionsSchema } from '../../../src/protocol/runOptions.js';
import type { Setting } from '../../../src/protocol/settings.js';
import type {
  DataState,
  EstimateState,
  LayerSuggestion,
  RunForm,
  RunPageState,
  RunProtocol,
  RunShow,
} from '../../../src/protocol/views/runMessages.js';
import type { Channel } from '../../channel.js';
import '../../components/ni-empty.js';
import { baseStyles } from '../../components/baseStyles.js';
import { declaredText, t } from '../../text.js';
import { dataSection, type ProposalState } from './dataSection.js';
import { formStyles } from './formStyles.js';
import {
  type FormReading,
  fieldText,
  isChanged,
  optionField,
  optionKeys,
  readForm,
  textOf,
  type Texts,
  textsOf,
  usedKeys,
} from './formValues.js';
import { controlId, settingField } from './settingField.js';
import { startSection } from './startSection.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-run-form': NiRunForm;
  }
}

/**
 * The form that a run is started from: data, settings, time and command.
 *
 * @tag ni-run-form
 *
 * @prop {Channel} channel - The way to the host.
 */
@customElement('ni-run-form')
export class NiRunForm extends LitElement {
  static override readonly styles = [baseStyles, formStyles];

  @property({ attribute: false }) channel: Channel<RunProtocol> | undefined;

  @state() private form: RunForm | undefined;
  @state() private texts: Texts = {};
  @state() private data: DataState = { kind: 'none' };
  @state() private estimate: EstimateState = { kind: 'none' };
  @state() private command = '';
  @state() private layers: readonly LayerSuggestion[] = [];
  @state() private hostProblems: Readonly<Record<string, string>> = {};
  @state() private waiting: string | null = null;
  @state() private problem: Extract<RunShow, { kind: 'problem' }> | undefined;
  @state() private proposal: ProposalState = { kind: 'none' };
  @state() private isAdvancedOpen = false;
  @state() private isRestricted = false;
  @state() private isDataMissing = false;
  @state() private isStarting = false;
  @state() private isCopied = false;

  /** Takes what the host shows. */
  hear(show: RunShow): void {
    switch (show.kind) {
      case 'form':
        this.fill(show.form);
        return;
      case 'data':
        this.takeData(show.data);
        return;
      case 'estimate':
        this.estimate = show.estimate;
        return;
      case 'command':
        this.command = show.text;
        this.isCopied = false;
        return;
      case 'layers':
        this.layers = show.layers;
        return;
      case 'problems':
        this.hostProblems = show.problems;
        return;
      case 'trusted':
        this.isRestricted = false;
        return;
      case 'waiting':
        this.waiting = show.text;
        return;
      case 'problem':
        this.problem = show;
        this.isStarting = false;
        return;
    }
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener('keydown', this.onKeyDown);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('keydown', this.onKeyDown);
  }

  protected override render(): TemplateResult | typeof nothing {
    const { form } = this;
    if (form === undefined) return nothing;
    const problems = this.problems(form);
    return html`<main>
      <header>
        <h1>${t('{0} — {1}', form.analysisTitle, form.modelName)}</h1>
        <p class="asks">${form.asks}</p>
      </header>
      ${this.isRestricted ? this.restrictedBanner() : nothing} ${this.problemBanner()}
      ${form.dataNeed === 'none' ? nothing : this.dataRow(form)} ${this.settingsSection(form, problems)}
      ${this.advanced(problems)} ${this.commandSection()}
      ${startSection({
        estimate: this.estimate,
        waiting: this.waiting,
        isRestricted: this.isRestricted,
        isStarting: this.isStarting,
        problemCount: Object.keys(problems).length,
        onRun: this.run,
        onClose: () => this.channel?.tell({ kind: 'close' }),
        onEstimate: () => this.channel?.tell({ kind: 'estimate' }),
        onStopEstimate: () => this.channel?.tell({ kind: 'stop-estimate' }),
      })}
    </main>`;
  }

  private restrictedBanner(): TemplateResult {
    return html`<ni-empty alert icon="shield" heading=${t('Nothing is run in Restricted Mode')}>
      ${t('A model file decides what is computed, so models run only in a workspace that you trust. The settings can be prepared meanwhile.')}
      <vscode-button slot="action" @click=${() => this.channel?.tell({ kind: 'manage-trust' })}
        >${t('Manage Workspace Trust')}</vscode-button
      >
    </ni-empty>`;
  }

  private problemBanner(): TemplateResult | typeof nothing {
    if (this.problem === undefined) return nothing;
    const { heading, message } = this.problem;
    return html`<ni-empty alert icon="error" heading=${heading}>${message}</ni-empty>`;
  }

  private dataRow(form: RunForm): TemplateResult {
    return dataSection({
      need: form.dataNeed,
      data: this.data,
      isMissing: this.isDataMissing,
      proposal: this.proposal,
      onChoose: () => this.channel?.tell({ kind: 'choose-data' }),
      onOpen: () => this.channel?.tell({ kind: 'open-data' }),
      onPropose: () => void this.propose(),
      onSave: (isElsewhere) => void this.save(isElsewhere),
      onDiscard: () => {
        this.proposal = { kind: 'none' };
      },
    });
  }

  private settingsSection(form: RunForm, problems: FormReading['problems']): TemplateResult | typeof nothing {
    const keys = usedKeys(form.settings, this.texts);
    if (keys.length === 0) return nothing;
    const hasChanges = Object.entries(form.settings).some(([key, one]) => isChanged(this.texts, key, one));
    return html`<section aria-labelledby="settings-title">
      <div class="heading">
        <h2 id="settings-title">${t('Settings')}</h2>
        ${
          hasChanges
            ? html`<button type="button" class="text" @click=${this.resetSettings}>${t('Reset all')}</button>`
            : nothing
        }
      </div>
      <div class="fields">${keys.map((key) => this.fieldOf(key, form.settings[key], problems))}</div>
    </section>`;
  }

  private advanced(problems: FormReading['problems']): TemplateResult {
    const changed = optionKeys.filter((key) =>
      isChanged(this.texts, optionField(key), runOptionsSchema[key]),
    );
    const summary = changed.map((key) => {
      const setting = shownOption(key);
      return `${setting.title.toLowerCase()} ${textOf(this.texts, optionField(key), setting)}`;
    });
    const words = optionKeys.map((key) => shownOption(key).title.toLowerCase());
    return html`<details id="advanced" .open=${this.isAdvancedOpen} @toggle=${this.onToggle}>
      <summary>
        <h2>${t('Advanced')}</h2>
        <span class="muted">${(summary.length > 0 ? summary : words).join(', ')}</span>
      </summary>
      <div class="fields">
        ${optionKeys.map((key) => this.fieldOf(optionField(key), shownOption(key), problems))}
      </div>
    </details>`;
  }

  private fieldOf(
    field: string,
    setting: Setting | undefined,
    problems: FormReading['problems'],
  ): TemplateResult | typeof nothing {
    if (setting === undefined) return nothing;
    return settingField({
      field,
      setting,
      text: textOf(this.texts, field, setting),
      problem: problems[field],
      layers: this.layers,
      onText: this.setText,
      onReset: (reset) => {
        this.setText(reset, fieldText(setting.default));
        this.shadowRoot?.getElementById(controlId(reset))?.focus();
      },
      onBrowse: (browsed, isFolder) => void this.browse(browsed, isFolder),
    });
  }

  private commandSection(): TemplateResult {
    return html`<section aria-labelledby="command-title">
      <div class="heading">
        <h2 id="command-title">${t('The same from the command line')}</h2>
        <button type="button" class="text" @click=${() => void this.copy()}>
          ${this.isCopied ? t('Copied') : t('Copy')}
        </button>
      </div>
      <pre class="command" tabindex="0" aria-labelledby="command-title">${this.command}</pre>
      <span class="hidden-text" role="status">${this.isCopied ? t('Command copied.') : nothing}</span>
    </section>`;
  }

  private fill(form: RunForm): void {
    const kept = this.keptState(form);
    this.form = form;
    this.isRestricted = form.isRestricted;
    this.texts = kept?.texts ?? textsOf(form.choice);
    const { choice } = form;
    const isUnusual = choice.seed !== 0 || choice.limit !== null || choice.batchSize !== null;
    this.isAdvancedOpen = kept?.isAdvancedOpen ?? isUnusual;
    this.keep();
    if (kept !== undefined) this.tellChange();
  }

  private takeData(data: DataState): void {
    this.data = data;
    if (data.kind !== 'none') this.isDataMissing = false;
    if (data.kind !== 'known' || !data.facts.canBeWritten) this.proposal = { kind: 'none' };
    this.keep();
  }

  private problems(form: RunForm): Readonly<Record<string, string>> {
    const { problems } = readForm(form.settings, this.texts);
    // What the host found is about values that were right by themselves.
    return { ...this.hostProblems, ...problems };
  }

  private readonly setText = (field: string, text: string): void => {
    this.texts = { ...this.texts, [field]: text };
    this.hostProblems = Object.fromEntries(
      Object.entries(this.hostProblems).filter(([other]) => other !== field),
    );
    this.tellChange();
    this.keep();
  };

  private readonly resetSettings = (): void => {
    const { form } = this;
    if (form === undefined) return;
    this.texts = Object.fromEntries(
      Object.entries(this.texts).filter(([field]) => !(field in form.settings)),
    );
    this.hostProblems = {};
    this.tellChange();
    this.keep();
  };

  private tellChange(): void {
    if (this.form === undefined) return;
    this.channel?.tell({ kind: 'changed', choice: readForm(this.form.settings, this.texts).choice });
  }

  private readonly run = (): void => {
    const { form } = this;
    if (form === undefined || this.isRestricted || this.isStarting) return;
    const [wrong] = Object.keys(this.problems(form));
    if (wrong !== undefined) {
      this.focusField(wrong);
      return;
    }
    if (form.dataNeed === 'required' && this.data.kind === 'none') {
      this.isDataMissing = true;
      this.shadowRoot?.getElementById('choose-data')?.focus();
      return;
    }
    const { choice } = readForm(form.settings, this.texts);
    if (choice === null) return;
    this.isStarting = true;
    this.problem = undefined;
    this.channel?.tell({ kind: 'run', choice });
  };

  private focusField(field: string): void {
    if (field.startsWith('run:')) this.openAdvanced();
    void this.updateComplete.then(() => {
      this.shadowRoot?.getElementById(controlId(field))?.focus();
    });
  }

  private openAdvanced(): void {
    this.isAdvancedOpen = true;
    // By hand too: where it was closed just now, this is not yet known here, and rendering would find nothing new.
    const details = this.shadowRoot?.querySelector<HTMLDetailsElement>('#advanced');
    if (details) details.open = true;
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.run();
  };

  private readonly onToggle = (event: Event): void => {
    // Bound to the details above.
    this.isAdvancedOpen = (event.target as HTMLDetailsElement).open;
    this.keep();
  };

  private async propose(): Promise<void> {
    this.proposal = { kind: 'asking' };
    this.proposal = await this.asking(async (channel) => {
      const { path, text } = await channel.ask({ kind: 'proposal' });
      return { kind: 'shown', path, text };
    });
  }

  private async save(isElsewhere: boolean): Promise<void> {
    const shown = this.proposal;
    this.proposal = await this.asking(async (channel) => {
      const path = await channel.ask({ kind: 'save-proposal', isElsewhere });
      return path === null ? shown : { kind: 'none' };
    });
  }

  private async asking(
    ask: (channel: Channel<RunProtocol>) => Promise<ProposalState>,
  ): Promise<ProposalState> {
    if (this.channel === undefined) return { kind: 'none' };
    try {
      return await ask(this.channel);
    } catch (error) {
      return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  }

  private async browse(field: string, isFolder: boolean): Promise<void> {
    const path = await this.channel?.ask({ kind: 'choose-path', key: field, isFolder });
    if (typeof path === 'string') this.setText(field, path);
  }

  private async copy(): Promise<void> {
    await this.channel?.ask({ kind: 'copy-command' });
    this.isCopied = true;
  }

  private keptState(form: RunForm): RunPageState | undefined {
    // Written by `keep`, of this form or of another one.
    const kept = this.channel?.readState() as RunPageState | undefined;
    return kept?.formId === form.formId ? kept : undefined;
  }

  private keep(): void {
    const { form, data } = this;
    if (form === undefined) return;
    const { choice } = readForm(form.settings, this.texts);
    const dataPath = data.kind === 'none' ? null : data.place.path;
    const { described } = form;
    const kept: RunPageState = {
      formId: form.formId,
      reopen: {
        analysisId: form.analysisId,
        modelPath: form.modelPath,
        dataPath,
        ...(described?.path === dataPath ? { describedBy: described.by } : {}),
        choice: choice ?? form.choice,
      },
      texts: this.texts,
      isAdvancedOpen: this.isAdvancedOpen,
    };
    this.channel?.writeState(kept);
  }
}

/** An option of the run with its texts in the editor's language. */
function shownOption(key: (typeof optionKeys)[number]): Setting {
  const setting: Setting = runOptionsSchema[key];
  return { ...setting, title: declaredText(setting.title), description: declaredText(setting.description) };
}
