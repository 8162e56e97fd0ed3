import * as vscode from 'vscode';
import { inspectionUri } from '../inspectionDocuments.js';

/** Shows the layers of a model file beside the code; asks for the file when none was chosen. */
export async function inspectModelCommand(chosen?: vscode.Uri): Promise<void> {
  const model = chosen ?? (await askForModel());
  if (model === undefined) return;
  if (model.scheme !== 'file') {
    await vscode.window.showErrorMessage(
      vscode.l10n.t(
        'Neuron Inspector reads models from disk, and {0} is not on one. Copy it to a local folder first.',
        model.toString(true),
      ),
    );
    return;
  }
  const document = await vscode.workspace.openTextDocument(inspectionUri(model));
  await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preview: true });
}

async function askForModel(): Promise<vscode.Uri | undefined> {
  const files = await vscode.window.showOpenDialog({
    canSelectMany: false,
    filters: { [vscode.l10n.t('ONNX models')]: ['onnx'] },
    openLabel: vscode.l10n.t('Inspect'),
  });
  return files?.[0];
}
