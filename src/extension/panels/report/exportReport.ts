import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { messageOf, UserError } from '../../../base/errors.js';
import type { Report } from '../../../protocol/report.js';
import type { App } from '../../app.js';
import { engineConfiguration } from '../../configuration.js';
import { localPath } from '../../localPath.js';

/** What can be exported: a report, and its file when it has one. */
export interface ExportedReport {
  readonly report: Report;
  readonly reportUri?: vscode.Uri;
}

interface ExportFormat {
  readonly option: '--html' | '--markdown' | '--csv';
  readonly extension: string;
  readonly label: string;
  readonly detail: string;
}

/** Longest time that an export may take: a page of a thousand charts is drawn in far less. */
const timeoutMs = 120_000;

/**
 * Writes a report as HTML, Markdown or CSV where the person says.
 *
 * The command line does it, in a process of its own: an export from the editor and one from a script are the same file, and
 * the libraries that draw charts are never loaded into the editor.
 */
export async function exportReport(app: Pick<App, 'extensionUri'>, exported: ExportedReport): Promise<void> {
  const format = await chooseFormat();
  if (format === undefined) return;
  const target = await chooseTarget(exported.report, format);
  if (target === undefined) return;
  await withReportFile(exported, (reportPath) =>
    runExport(app, [reportPath, format.option, localPath(target)]),
  );
  vscode.window.setStatusBarMessage(vscode.l10n.t('Exported to {0}', target.fsPath), 6000);
}

async function chooseFormat(): Promise<ExportFormat | undefined> {
  const formats: ExportFormat[] = [
    {
      option: '--html',
      extension: 'html',
      label: vscode.l10n.t('HTML page'),
      detail: vscode.l10n.t('Charts and pictures inside; opens anywhere, loads nothing'),
    },
    {
      option: '--markdown',
      extension: 'md',
      label: vscode.l10n.t('Markdown'),
      detail: vscode.l10n.t('For a pull request or notes'),
    },
    {
      option: '--csv',
      extension: 'csv',
      label: vscode.l10n.t('CSV'),
      detail: vscode.l10n.t('Tables, numbers and findings for a spreadsheet'),
    },
  ];
  return vscode.window.showQuickPick(formats, { placeHolder: vscode.l10n.t('Export the report as') });
}

async function chooseTarget(report: Report, format: ExportFormat): Promise<vscode.Uri | undefined> {
  const name = `${report.model.name}.${report.analysis}`.replace(/[^\p{L}\p{N}._-]+/gu, '-');
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file(tmpdir());
  return vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.joinPath(folder, `${name}.${format.extension}`),
    filters: { [format.label]: [format.extension] },
    saveLabel: vscode.l10n.t('Export'),
  });
}

/** A report that is on no disk is written to one for as long as it is needed. */
async function withReportFile(
  { report, reportUri }: ExportedReport,
  use: (reportPath: string) => Promise<void>,
): Promise<void> {
  if (reportUri?.scheme === 'file') {
    await use(reportUri.fsPath);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'neuron-inspector-'));
  try {
    const path = join(folder, 'report.nireport.json');
    await writeFile(path, JSON.stringify(report));
    await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function runExport({ extensionUri }: Pick<App, 'extensionUri'>, args: readonly string[]): Promise<void> {
  const cli = vscode.Uri.joinPath(extensionUri, 'dist', 'cli.js').fsPath;
  const node = engineConfiguration().nodePath ?? process.execPath;
  return new Promise((resolve, reject) => {
    const options = { timeout: timeoutMs, env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' } };
    execFile(node, [cli, 'export', ...args], options, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(exportFailed(stderr.trim() === '' ? messageOf(error) : stderr.trim(), error));
    });
  });
}

function exportFailed(reason: string, cause: unknown): UserError {
  return new UserError(
    'export-failed',
    vscode.l10n.t('The report was not exported: {0}', reason.replace(/^error:\s*/i, '')),
    { kind: 'environment', cause },
  );
}
