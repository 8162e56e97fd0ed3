import * as vscode from 'vscode';
import { inspectModelCommand } from './commands/inspectModel.js';
import { InspectionDocuments, inspectionScheme } from './inspectionDocuments.js';

/** Registers everything the extension contributes; called by the editor on the first use of a contribution. */
export function activate(context: vscode.ExtensionContext): void {
  const documents = new InspectionDocuments();
  context.subscriptions.push(
    vscode.workspace.registerTextDocumentContentProvider(inspectionScheme, documents),
    vscode.commands.registerCommand('neuronInspector.inspectModel', inspectModelCommand),
  );
}
