import * as vscode from 'vscode';
import { looksLikeLanguageModel } from '../../protocol/languageModels.js';
import type { KnownModel, ModelStore } from './modelStore.js';

/** Tells whether a model looks like one that writes text; before it is read, whether a tokenizer stands beside it. */
export function isLanguageModel({
  structure,
  hasTokenizer,
}: Pick<KnownModel, 'structure' | 'hasTokenizer'>): boolean {
  if (structure === undefined) return hasTokenizer;
  if (structure instanceof Error) return false;
  return looksLikeLanguageModel(structure.inspection);
}

const rememberedKey = 'languageModels';

/**
 * Keeps the editor's menus informed which files are language models: `resourcePath in neuronInspector.languageModels`. Those of the
 * last time are told at once, since nothing is searched before someone looks.
 */
export function announceLanguageModels(models: ModelStore, memory: vscode.Memento): vscode.Disposable {
  const remembered = memory.get<readonly string[]>(rememberedKey, []);
  const unread = new Set(remembered);
  let told: readonly string[] = [];
  const tell = (paths: readonly string[]): void => {
    if (paths.join('\n') === told.join('\n')) return;
    told = paths;
    void vscode.commands.executeCommand('setContext', 'neuronInspector.languageModels', paths);
  };
  tell(remembered);
  return models.onDidChange(() => {
    const known = models.models.filter(
      (model) => isLanguageModel(model) || (model.structure === undefined && unread.has(model.uri.fsPath)),
    );
    const paths = known.map(({ uri }) => uri.fsPath);
    if (paths.join('\n') !== told.join('\n')) void memory.update(rememberedKey, paths);
    tell(paths);
  });
}
