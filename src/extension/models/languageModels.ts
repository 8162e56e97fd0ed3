import * as vscode from 'vscode';
import { looksLikeLanguageModel } from '../../protocol/languageModels.js';
import type { KnownModel, ModelStore } from './modelStore.js';

/** Tells whether a model that was read looks like one that writes text. */
export function isLanguageModel({ structure }: Pick<KnownModel, 'structure'>): boolean {
  if (structure === undefined || structure instanceof Error) return false;
  return looksLikeLanguageModel(structure.inspection);
}

/** Keeps the editor's menus informed which files are language models: `resourcePath in neuronInspector.languageModels`. */
export function announceLanguageModels(models: ModelStore): vscode.Disposable {
  let told = '';
  return models.onDidChange(() => {
    const paths = models.models.filter(isLanguageModel).map(({ uri }) => uri.fsPath);
    if (paths.join('\n') === told) return;
    told = paths.join('\n');
    void vscode.commands.executeCommand('setContext', 'neuronInspector.languageModels', paths);
  });
}
