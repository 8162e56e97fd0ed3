import * as vscode from 'vscode';
import { messageOf, UserError } from '../../../base/errors.js';
import type { Report } from '../../../protocol/report.js';

/** A report is text for a page: nobody means a file larger than this. */
const maxReportBytes = 256 * 1024 * 1024;

/**
 * Returns the report in a file.
 *
 * @throws UserError `report-unreadable`, `not-a-report`, saying what is wrong with the file.
 */
export async function readReportFile(uri: vscode.Uri): Promise<Report> {
  const name = uri.path.split('/').at(-1) ?? uri.path;
  const text = await readText(uri, name);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(
      'not-a-report',
      vscode.l10n.t(
        '{0} is damaged: it is no JSON ({1}). Run the analysis again, or open the file as text to mend it.',
        name,
        messageOf(error),
      ),
      { cause: error },
    );
  }
  const { parseReport } = await import('../../../protocol/documents.js');
  return parseReport(value, name);
}

async function readText(uri: vscode.Uri, name: string): Promise<string> {
  try {
    const { size } = await vscode.workspace.fs.stat(uri);
    if (size > maxReportBytes) throw new Error(vscode.l10n.t('it is larger than 256 MB'));
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  } catch (error) {
    throw new UserError(
      'report-unreadable',
      vscode.l10n.t('{0} cannot be read: {1}. Check that it still exists.', name, messageOf(error)),
      { cause: error },
    );
  }
}
