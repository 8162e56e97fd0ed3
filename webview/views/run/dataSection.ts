import { html, nothing, type TemplateResult } from 'lit';
import { formatNumber } from '../../../src/protocol/formatReport.js';
import type { DataFacts, DataState, RunForm } from '../../../src/protocol/views/runMessages.js';
import { t } from '../../text.js';

/** An inspect file that is shown before it is written. */
export type ProposalState =
  | { readonly kind: 'none' }
  | { readonly kind: 'asking' }
  | { readonly kind: 'shown'; readonly path: string; readonly text: string }
  | { readonly kind: 'failed'; readonly message: string };

/** The row of the data. */
export interface DataView {
  readonly need: RunForm['dataNeed'];
  readonly data: DataState;
  /** Data is missing and the run was asked for. */
  readonly isMissing: boolean;
  readonly proposal: ProposalState;
  readonly onChoose: () => void;
  readonly onOpen: () => void;
  readonly onPropose: () => void;
  readonly onSave: (isElsewhere: boolean) => void;
  readonly onDiscard: () => void;
}

/** Draws which data the run takes, how it is understood, and what was assumed. */
export function dataSection(view: DataView): TemplateResult {
  const { need, data, isMissing } = view;
  const place = data.kind === 'none' ? undefined : data.place;
  return html`<section aria-labelledby="data-title">
    <h2 id="data-title">${t('Data')}</h2>
    <div class="data ${isMissing || data.kind === 'refused' ? 'wrong' : ''}">
      <div class="place">
        ${
          place === undefined
            ? html`<span class="muted">${need === 'required' ? t('None chosen') : t('No data')}</span>`
            : html`<button type="button" class="text name" title=${place.path} @click=${view.onOpen}>
                  ${place.name}</button
                ><span class="muted folder">${place.folder}</span>`
        }
        <vscode-button
          id="choose-data"
          ?secondary=${place !== undefined}
          aria-describedby=${isMissing ? 'data-problem' : nothing}
          @click=${view.onChoose}
          >${place === undefined ? t('Choose data…') : t('Change…')}</vscode-button
        >
      </div>
      <div aria-live="polite">${stateLine(data)}</div>
      <p id="data-problem" class="problem" role="alert">
        ${isMissing ? t('Choose the data to run the model on.') : nothing}
      </p>
      ${data.kind === 'known' ? assumptions(data.facts, view) : nothing}
    </div>
  </section>`;
}

function stateLine(data: DataState): TemplateResult | typeof nothing {
  switch (data.kind) {
    case 'none':
    case 'unread':
      return nothing;
    case 'reading':
      return html`<p class="muted">${t('Reading the data…')}</p>`;
    case 'known':
      return html`<p>${factsLine(data.facts)}</p>`;
    case 'refused':
      return html`<p class="problem">${data.message}</p>`;
  }
}

/** `IDX array · 10,000 samples · 10 classes: 0, 1, 2 …`. */
function factsLine({ kind, sampleCount, hasLabels, labelNames }: DataFacts): string {
  const samples = sampleCount === 1 ? t('1 sample') : t('{0} samples', formatNumber(sampleCount, 'count'));
  return [kind, samples, labelWords(hasLabels, labelNames)].join(' · ');
}

/** Names beyond these are only counted. */
const namedLabelCount = 8;

function labelWords(hasLabels: boolean, names: readonly string[]): string {
  if (!hasLabels) return t('no labels');
  if (names.length === 0) return t('with labels');
  const more = names.length > namedLabelCount ? ' …' : '';
  const shown = names.slice(0, namedLabelCount).join(', ');
  return t('{0} classes: {1}', formatNumber(names.length, 'count'), shown + more);
}

function assumptions({ warnings, canBeWritten }: DataFacts, view: DataView): TemplateResult | typeof nothing {
  if (warnings.length === 0 && !canBeWritten) return nothing;
  const { proposal } = view;
  const isOpen = proposal.kind !== 'none';
  return html`${
    warnings.length === 0
      ? nothing
      : html`<ul class="warnings" aria-label=${t('What was assumed')}>
          ${warnings.map(
            (warning) =>
              html`<li>
                <vscode-icon name="warning" aria-hidden="true"></vscode-icon><span>${warning}</span>
              </li>`,
          )}
        </ul>`
  }
  ${
    canBeWritten
      ? html`<button
          type="button"
          class="text"
          aria-expanded=${isOpen ? 'true' : 'false'}
          aria-controls=${isOpen ? 'proposal' : nothing}
          @click=${isOpen ? view.onDiscard : view.onPropose}
        >
          ${t('Write it down in an inspect file')}
        </button>`
      : nothing
  }
  ${isOpen ? proposalBox(view) : nothing}`;
}

function proposalBox({ proposal, onSave, onDiscard }: DataView): TemplateResult {
  if (proposal.kind === 'failed') {
    return html`<p id="proposal" class="problem" role="alert">${proposal.message}</p>`;
  }
  if (proposal.kind !== 'shown') {
    return html`<p id="proposal" class="muted">${t('Asking what is assumed…')}</p>`;
  }
  return html`<div id="proposal" class="proposal" role="group" aria-label=${t('Inspect file')}>
    <p>
      ${t('It says what was assumed, so that nothing is guessed from then on. Correct it in the editor after saving.')}
    </p>
    <pre tabindex="0" aria-label=${t('What will be written')}>${proposal.text}</pre>
    <div class="buttons">
      <vscode-button
        @click=${() => {
          onSave(false);
        }}
        >${t('Save as {0}', proposal.path)}</vscode-button
      >
      <vscode-button
        secondary
        @click=${() => {
          onSave(true);
        }}
        >${t('Save elsewhere…')}</vscode-button
      >
      <vscode-button secondary @click=${onDiscard}>${t('Not now')}</vscode-button>
    </div>
  </div>`;
}
