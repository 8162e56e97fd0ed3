import * as vscode from 'vscode';
import type { App } from '../app.js';
import { chooseModel, chosenModel } from '../hovers/chosenModels.js';

/**
 * Remembers which model a file is about, for its hovers; asks when none is named. Called from hovers with the file's URI as
 * text, from the palette for the file at hand.
 */
export async function chooseHoverModel(app: App, file?: string, modelPath?: string): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const uri = typeof file === 'string' ? file : editor?.document.uri.toString();
  if (uri === undefined) {
    const text = vscode.l10n.t('Open the file of code that a model belongs to, then choose the model.');
    await vscode.window.showInformationMessage(text);
    return;
  }
  const memory = app.context.workspaceState;
  const chosen = modelPath ?? (await askForModel(app, chosenModel(memory, uri)));
  if (chosen === undefined) return;
  await chooseModel(memory, uri, chosen);
  // What was pointed at is now said of the chosen model.
  if (editor?.document.uri.toString() === uri) {
    await vscode.commands.executeCommand('editor.action.showHover');
  }
}

/** Opens the editor's own page about trust: hovers link to it where running is off. */
export async function manageTrust(): Promise<void> {
  await vscode.commands.executeCommand('workbench.trust.manage');
}

async function askForModel(app: App, current: string | undefined): Promise<string | undefined> {
  await app.models.searched;
  const items = app.models.models.map(({ uri, name }) => ({
    label: name,
    description: vscode.workspace.asRelativePath(vscode.Uri.joinPath(uri, '..')),
    ...(uri.fsPath === current ? { detail: vscode.l10n.t('chosen for this file') } : {}),
    path: uri.fsPath,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    placeHolder: vscode.l10n.t('Which model is this file about?'),
    matchOnDescription: true,
  });
  return chosen?.path;
}
