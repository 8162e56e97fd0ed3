import { html, nothing, type TemplateResult } from 'lit';
import { approximateDuration } from '../../../src/protocol/approximateDuration.js';
import type { EstimateState } from '../../../src/protocol/views/runMessages.js';
import { t } from '../../text.js';

/** The end of the form: how long it takes, and the way to start it. */
export interface StartView {
  readonly estimate: EstimateState;
  readonly waiting: string | null;
  readonly isRestricted: boolean;
  readonly isStarting: boolean;
  readonly problemCount: number;
  readonly onRun: () => void;
  readonly onClose: () => void;
  readonly onEstimate: () => void;
  readonly onStopEstimate: () => void;
}

const isApple = /mac|iphone|ipad/i.test(navigator.platform);

/** Draws the buttons and the time estimate. */
export function startSection(view: StartView): TemplateResult {
  const { problemCount, waiting, isRestricted, isStarting } = view;
  const shortcut = isApple ? '⌘⏎' : t('Ctrl+Enter');
  return html`<div class="start">
    <vscode-button
      id="run"
      icon="play"
      ?disabled=${isRestricted || isStarting}
      aria-keyshortcuts=${isApple ? 'Meta+Enter' : 'Control+Enter'}
      title=${t('Run ({0})', shortcut)}
      @click=${view.onRun}
      >${isStarting ? t('Starting…') : t('Run')}</vscode-button
    >
    <vscode-button secondary @click=${view.onClose}>${t('Cancel')}</vscode-button>
    <div class="outlook" aria-live="polite">
      ${
        problemCount > 0
          ? html`<span class="problem"
              >${problemCount === 1 ? t('1 value needs correcting.') : t('{0} values need correcting.', problemCount)}</span
            >`
          : estimateWords(view)
      }
      ${waiting === null ? nothing : html`<span class="muted">${waiting}.</span>`}
    </div>
  </div>`;
}

function estimateWords({ estimate, onEstimate, onStopEstimate }: StartView): TemplateResult | typeof nothing {
  switch (estimate.kind) {
    case 'none':
      return nothing;
    case 'estimating':
      return html`<span class="muted">${t('Estimating the time…')}</span>
        <button type="button" class="text" aria-label=${t('Stop estimating')} @click=${onStopEstimate}>
          ${t('Stop')}
        </button>`;
    case 'known':
      return html`<strong>${approximateDuration(estimate.durationMs)}</strong>
        <span class="muted">${estimate.how}</span>`;
    case 'unknown':
      return html`<span class="muted">${t('The time cannot be estimated: {0}', estimate.reason)}</span>
        <button type="button" class="text" @click=${onEstimate}>${t('Try again')}</button>`;
  }
}
