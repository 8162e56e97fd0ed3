import { dirname, resolve } from 'node:path';
import * as vscode from 'vscode';
import { isInspectFileName } from '../../data/dataNames.js';
import { configurationSection } from '../configuration.js';
import { idPrefix } from '../manifest/contribution.js';
import { inspectLenses } from './inspectLenses.js';
import type { Lens } from './lens.js';
import { testLenses } from './testLenses.js';

/** Returns the offers in a document as the editor shows them; none where the setting switches them off. */
export function sampleLenses(document: vscode.TextDocument): vscode.CodeLens[] {
  const settings = vscode.workspace.getConfiguration(configurationSection, document.uri);
  if (!settings.get<boolean>('codeLens.enabled', true) || document.uri.scheme !== 'file') return [];
  const { fsPath } = document.uri;
  const lenses = isInspectFileName(fsPath)
    ? inspectLenses(document.getText())
    : testLenses(document.getText());
  return lenses.map((lens) => {
    const { range } = document.lineAt(lens.line);
    return new vscode.CodeLens(range, commandOf(lens, fsPath));
  });
}

function commandOf(lens: Lens, fsPath: string): vscode.Command {
  switch (lens.kind) {
    case 'explain':
      return {
        title: vscode.l10n.t('Explain this prediction'),
        tooltip: vscode.l10n.t('Shows what in {0} speaks for the prediction, and what against it', lens.path),
        command: `${idPrefix}explainPrediction`,
        arguments: [{ path: lens.path, from: fsPath }],
      };
    case 'explain-first':
      return {
        title: vscode.l10n.t('Explain first sample'),
        tooltip: vscode.l10n.t(
          'Shows what in the first sample speaks for its prediction, and what against it',
        ),
        command: `${idPrefix}explainPrediction`,
        arguments: [vscode.Uri.file(fsPath), 0],
      };
    case 'run':
      return {
        title: vscode.l10n.t('Run analysis…'),
        tooltip: vscode.l10n.t('Asks a question about {0}', lens.model),
        command: `${idPrefix}runAnalysis`,
        arguments: [vscode.Uri.file(resolve(dirname(fsPath), lens.model))],
      };
  }
}
