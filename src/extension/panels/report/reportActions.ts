import * as vscode from 'vscode';
import { UserError } from '../../../base/errors.js';
import type { Report } from '../../../protocol/report.js';
import type { ReportAction } from '../../../protocol/views/reportMessages.js';
import type { App } from '../../app.js';
import { idPrefix } from '../../manifest/contribution.js';
import type { StoredResult } from '../../results/storedResult.js';
import { exportReport } from './exportReport.js';
import type { ReportSubject, SubjectState } from './reportSubject.js';

/** Returns what can be done with a subject, in the order of its toolbar. */
export function actionsOf({ state, origin }: ReportSubject): ReportAction[] {
  const { result, report, reportUri, run } = state;
  if (run !== undefined) return [];
  const actions: ReportAction[] = [];
  if (result !== undefined) actions.push('run-again', 'change');
  if (report !== undefined && origin.kind !== 'comparison') actions.push('compare');
  if (result?.analysis === 'attribution' && report !== undefined) actions.push('other-method');
  if (report !== undefined) actions.push('export');
  if (dataPathOf(state) !== undefined) actions.push('open-data');
  if (result !== undefined) actions.push('copy-command');
  if (reportUri !== undefined && origin.kind === 'file') actions.push('open-source');
  return actions;
}

/** Does what the person asked of a report. */
export async function act(app: App, subject: ReportSubject, action: ReportAction): Promise<void> {
  switch (action) {
    case 'run-again':
      await command('rerunResult', nodeOf(subject));
      return;
    case 'change':
      await command('rerunWithChanges', nodeOf(subject));
      return;
    case 'compare':
      await command('compareResults', subject.origin);
      return;
    case 'other-method':
      await command('compareWithOther', nodeOf(subject));
      return;
    case 'export':
      await exportReport(app, { report: reportOf(subject), ...fileOf(subject.state) });
      return;
    case 'open-data':
      await openData(dataPathOf(subject.state));
      return;
    case 'copy-command':
      await command('copyCliCommand', nodeOf(subject));
      return;
    case 'open-source':
      await vscode.commands.executeCommand('vscode.openWith', subject.state.reportUri, 'default');
      return;
  }
}

/** Returns the file of a report, if it has one. */
export function fileOf({ reportUri }: SubjectState): { reportUri?: vscode.Uri } {
  return reportUri === undefined ? {} : { reportUri };
}

async function command(id: string, target: unknown): Promise<void> {
  await vscode.commands.executeCommand(idPrefix + id, target);
}

/** What commands on results take: the entry of the history, or what it would say. */
function nodeOf(subject: ReportSubject): { readonly kind: 'result'; readonly result: StoredResult } {
  return { kind: 'result', result: resultOf(subject) };
}

function resultOf({ state: { result } }: ReportSubject): StoredResult {
  if (result === undefined) throw new Error('The page offers to run again only what was run.');
  return result;
}

function reportOf({ state: { report } }: ReportSubject): Report {
  if (report === undefined) throw new Error('The page offers to export only what it shows.');
  return report;
}

/** What the person named as data says more than the files it leads to: an inspect file has labels and preprocessing. */
function dataPathOf({ result, report }: SubjectState): string | undefined {
  return result?.request.dataPath ?? report?.data?.inspectFile ?? report?.data?.path;
}

/** What the editor shows well is opened, the rest is shown where it lies. */
const shownByEditor = /\.(json|csv|tsv|txt|md|png|jpe?g|gif|webp|bmp)$/i;

async function openData(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  const uri = vscode.Uri.file(path);
  try {
    await vscode.workspace.fs.stat(uri);
  } catch (cause) {
    throw new UserError(
      'data-gone',
      vscode.l10n.t('The data {0} is no longer there. Run the analysis with other data.', path),
      { cause },
    );
  }
  const isInWorkspace = vscode.workspace.getWorkspaceFolder(uri) !== undefined;
  if (shownByEditor.test(path)) await vscode.commands.executeCommand('vscode.open', uri);
  else await vscode.commands.executeCommand(isInWorkspace ? 'revealInExplorer' : 'revealFileInOS', uri);
}
