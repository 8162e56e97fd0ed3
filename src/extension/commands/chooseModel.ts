import * as vscode from 'vscode';
import type { App } from '../app.js';

/** Returns a model file that the person browses to. */
export async function browseForModel(): Promise<vscode.Uri | undefined> {
  const files = await vscode.window.showOpenDialog({
    canSelectMany: false,
    filters: { [vscode.l10n.t('ONNX models')]: ['onnx'] },
    openLabel: vscode.l10n.t('Open Model'),
  });
  return files?.[0];
}

/**
 * Returns the model that a command is about: the one it was called with (a file of the explorer, a line of the tree), the
 * only one there is, or the one the person chooses.
 */
export async function modelOf(app: App, target: unknown): Promise<vscode.Uri | undefined> {
  const given = uriIn(target);
  if (given !== undefined) return given;
  await app.models.searched;
  const { models } = app.models;
  if (models.length === 0) return browseForModel();
  const [only] = models;
  if (models.length === 1) return only?.uri;
  const current = app.currentModel.uri?.fsPath;
  const items: ModelItem[] = models
    .map(({ uri, name }) => ({
      label: name,
      description: vscode.workspace.asRelativePath(vscode.Uri.joinPath(uri, '..')),
      uri,
    }))
    // The one asked about last comes first.
    .sort((a, b) => Number(b.uri.fsPath === current) - Number(a.uri.fsPath === current));
  const browse: ModelItem = { label: vscode.l10n.t('$(folder-opened) Browse…'), uri: undefined };
  const chosen = await vscode.window.showQuickPick([...items, browse], {
    placeHolder: vscode.l10n.t('Which model?'),
    matchOnDescription: true,
  });
  if (chosen === undefined) return undefined;
  return chosen.uri ?? browseForModel();
}

interface ModelItem extends vscode.QuickPickItem {
  readonly uri: vscode.Uri | undefined;
}

/** Returns the file in what the editor passes: a Uri from the explorer or a link, or a node of our tree that carries one. */
export function uriIn(target: unknown): vscode.Uri | undefined {
  if (target instanceof Object && 'scheme' in target && 'path' in target) {
    // Links pass plain data, which has lost its class.
    return vscode.Uri.from(target as vscode.Uri);
  }
  if (target instanceof Object && 'uri' in target) return uriIn(target.uri);
  return undefined;
}
