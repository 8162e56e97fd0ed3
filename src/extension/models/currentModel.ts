import * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.js';
import type { ModelStore } from './modelStore.js';

/** The model that questions are asked of when none is named: the one opened or chosen last. */
export interface CurrentModel extends Disposable {
  /** Undefined while no model is known. */
  readonly uri: vscode.Uri | undefined;
  readonly onDidChange: vscode.Event<void>;
  choose(uri: vscode.Uri): void;
}

/** Returns the current model: the last one chosen that still exists, else the first of the workspace. */
export function createCurrentModel(models: ModelStore): CurrentModel {
  const changed = new vscode.EventEmitter<void>();
  let chosen: vscode.Uri | undefined;
  const listener = models.onDidChange(() => {
    changed.fire();
  });
  return {
    get uri() {
      if (chosen !== undefined && models.find(chosen) !== undefined) return chosen;
      return models.models[0]?.uri;
    },
    onDidChange: changed.event,
    choose: (uri) => {
      if (chosen?.fsPath === uri.fsPath) return;
      chosen = uri;
      changed.fire();
    },
    dispose: () => {
      listener.dispose();
      changed.dispose();
    },
  };
}
