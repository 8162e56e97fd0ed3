import * as vscode from 'vscode';
import type { App } from '../app.js';
import { idPrefix } from '../manifest/contribution.js';
import type { ModelNode } from './modelItems.js';

/** Shows the trees of the side bar; the history is read when its tree is first seen. */
export function registerTrees(app: App): void {
  const { trees, currentModel, results } = app;
  const models = vscode.window.createTreeView(`${idPrefix}models`, {
    treeDataProvider: trees.models,
    showCollapseAll: true,
  });
  const analyses = vscode.window.createTreeView(`${idPrefix}analyses`, { treeDataProvider: trees.analyses });
  const history = vscode.window.createTreeView(`${idPrefix}results`, {
    treeDataProvider: trees.results,
    canSelectMany: true,
  });
  const nameModel = (): void => {
    const uri = currentModel.uri;
    if (uri === undefined) return;
    const name = uri.path.split('/').at(-1) ?? '';
    // With a description alone, some editors show a view without its title.
    analyses.title = vscode.l10n.t('Analyses');
    analyses.description = vscode.l10n.t('for {0}', name);
  };
  app.context.subscriptions.push(
    models,
    analyses,
    history,
    models.onDidChangeSelection(({ selection }) => {
      const uri = modelOfNode(selection[0]);
      if (uri !== undefined) currentModel.choose(uri);
    }),
    currentModel.onDidChange(nameModel),
    // Another window on the same folder shares the history.
    vscode.window.onDidChangeWindowState(({ focused }) => {
      if (focused) void results.refresh();
    }),
  );
  void results.refresh();
}

function modelOfNode(node: ModelNode | undefined): vscode.Uri | undefined {
  return node === undefined || node.kind === 'message' ? undefined : node.uri;
}
