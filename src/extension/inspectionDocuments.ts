import type * as vscode from 'vscode';
import { UserError } from '../base/errors.js';
import { formatInspection } from '../onnx/formatInspection.js';
import { inspectModel } from '../onnx/inspect.js';
import { readModel } from '../onnx/readModel.js';

/** Scheme of the read-only documents that show a model's structure. */
export const inspectionScheme = 'neuron-inspector';

/** Returns the address of the document that shows a model file's structure. */
export function inspectionUri(model: vscode.Uri): vscode.Uri {
  return model.with({ scheme: inspectionScheme, path: `${model.path}.layers.txt` });
}

/** Makes the text of inspection documents from the model files they name; weights stay unread, nothing runs. */
export class InspectionDocuments implements vscode.TextDocumentContentProvider {
  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const model = uri.with({ scheme: 'file', path: uri.path.slice(0, -'.layers.txt'.length) });
    try {
      return formatInspection(inspectModel(await readModel(model.fsPath)));
    } catch (error) {
      if (error instanceof UserError) return `${error.message}\n`;
      throw error;
    }
  }
}
