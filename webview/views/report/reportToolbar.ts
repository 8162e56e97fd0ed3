import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-toolbar-button/index.js';
import { html, type TemplateResult } from 'lit';
import type { ReportAction } from '../../../src/protocol/views/reportMessages.js';
import { t } from '../../text.js';

interface ActionLook {
  readonly label: string;
  /** A codicon. */
  readonly icon: string;
}

/** Returns what an action is called on its button. */
export function actionLook(action: ReportAction): ActionLook {
  switch (action) {
    case 'run-again':
      return { label: t('Run again'), icon: 'debug-restart' };
    case 'change':
      return { label: t('Run with changes…'), icon: 'settings' };
    case 'compare':
      return { label: t('Compare with…'), icon: 'compare-changes' };
    case 'other-method':
      return { label: t('Another method…'), icon: 'symbol-method' };
    case 'export':
      return { label: t('Export…'), icon: 'export' };
    case 'open-data':
      return { label: t('Open data'), icon: 'database' };
    case 'copy-command':
      return { label: t('Copy CLI command'), icon: 'terminal' };
    case 'open-source':
      return { label: t('Open as text'), icon: 'json' };
  }
}

/** Returns the toolbar of a report. */
export function reportToolbar(
  actions: readonly ReportAction[],
  act: (action: ReportAction) => void,
): TemplateResult {
  return html`<div class="toolbar" role="toolbar" aria-label=${t('What to do with this report')}>
    ${actions.map((action) => {
      const { label, icon } = actionLook(action);
      return html`<vscode-toolbar-button
        icon=${icon}
        title=${label}
        @click=${() => {
          act(action);
        }}
        ><span>${label}</span></vscode-toolbar-button
      >`;
    })}
  </div>`;
}

/** Returns an action as the one next step. */
export function actionButton(action: ReportAction, act: (action: ReportAction) => void): TemplateResult {
  const { label } = actionLook(action);
  return html`<vscode-button
    slot="action"
    @click=${() => {
      act(action);
    }}
    >${label}</vscode-button
  >`;
}
