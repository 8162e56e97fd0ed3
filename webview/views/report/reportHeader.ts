import { html, nothing, type TemplateResult } from 'lit';
import { provenance } from '../../../src/protocol/formatReport.js';
import type { Report, ReportStatus } from '../../../src/protocol/report.js';
import type { ReportAction, ReportPageContent } from '../../../src/protocol/views/reportMessages.js';
import '../../components/ni-note.js';
import type { Severity } from '../../components/ni-note.js';
import { t } from '../../text.js';
import { actionLook } from './reportToolbar.js';

/** Returns the question, the answer, what it rests on, and what to know before believing it. */
export function reportHeader(
  content: ReportPageContent,
  act: (action: ReportAction) => void,
): TemplateResult {
  const { report } = content;
  const question = report?.question ?? content.heading?.question ?? '';
  const modelName = report?.model.name ?? content.heading?.modelName ?? '';
  return html`<header>
    <h1>${question} ${modelName === '' ? nothing : html`<span class="model">· ${modelName}</span>`}</h1>
    ${report === undefined ? nothing : answer(report, content, act)}
  </header>`;
}

function answer(
  report: Report,
  content: ReportPageContent,
  act: (action: ReportAction) => void,
): TemplateResult {
  // A run that left nothing but its error says it once.
  const isOnlyError =
    report.status === 'failed' && report.warnings.some((text) => report.summary.includes(text));
  const notes = notesOf(report, content);
  return html`
    ${isOnlyError ? nothing : html`<p class="lead">${report.summary}</p>`}
    <ul class="facts-line" aria-label=${t('What it rests on')}>
      ${provenance(report).map((fact) =>
        fact === report.status
          ? html`<li class="status ${report.status}">${statusText(report.status)}</li>`
          : html`<li>${fact}</li>`,
      )}
    </ul>
    ${notes.length === 0 ? nothing : html`<div class="notes">${notes.map((note) => noteOf(note, act))}</div>`}
  `;
}

interface Note {
  readonly severity: Severity;
  readonly text: string;
  /** What helps. */
  readonly action?: ReportAction | undefined;
}

/** Returns what to know before believing the report, the newest first. */
function notesOf(report: Report, { isStale, crossed, actions }: ReportPageContent): Note[] {
  const again = actions.includes('run-again') ? 'run-again' : undefined;
  const stale: Note = {
    severity: 'warning',
    text: t('The model changed since this was measured.'),
    action: again,
  };
  return [
    ...(isStale ? [stale] : []),
    ...crossed.map((reason): Note => ({ severity: 'error', text: t('Limit crossed: {0}', reason) })),
    ...report.warnings.map((text, index): Note => {
      const severity = index === 0 ? severityOf(report.status) : 'warning';
      return { severity, text, action: severity === 'error' ? again : undefined };
    }),
  ];
}

function noteOf({ severity, text, action }: Note, act: (action: ReportAction) => void): TemplateResult {
  if (action === undefined) return html`<ni-note severity=${severity}>${text}</ni-note>`;
  return html`<ni-note severity=${severity}
    >${text}
    <button
      class="text"
      @click=${() => {
        act(action);
      }}
    >
      ${actionLook(action).label}
    </button></ni-note
  >`;
}

/** The first warning of a run that did not end well says why. */
function severityOf(status: ReportStatus): Severity {
  switch (status) {
    case 'failed':
      return 'error';
    case 'cancelled':
      return 'info';
    case 'complete':
    case 'partial':
      return 'warning';
  }
}

function statusText(status: ReportStatus): string {
  switch (status) {
    case 'complete':
      return t('complete');
    case 'partial':
      return t('partial');
    case 'cancelled':
      return t('cancelled');
    case 'failed':
      return t('failed');
  }
}
