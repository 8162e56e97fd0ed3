import * as vscode from 'vscode';
import type { App } from '../app.js';
import { chooseModel } from '../run/chooseModel.js';

/**
 * Returns the model that a command is about: the one it was called with (a file of the explorer, a line of the tree), the
 * only one there is, or the one the person chooses.
 */
export async function modelOf(app: App, target: unknown): Promise<vscode.Uri | undefined> {
  const given = uriIn(target);
  if (given !== undefined) return given;
  await app.models.searched;
  const [only, ...others] = app.models.models;
  if (only !== undefined && others.length === 0) return only.uri;
  const answer = await chooseModel(app, { title: vscode.l10n.t('Choose a Model'), canGoBack: false });
  return answer.kind === 'chosen' ? answer.value : undefined;
}

/** Returns what the editor passed: a Uri from the explorer, or a node of our tree that carries one. */
export function uriIn(target: unknown): vscode.Uri | undefined {
  if (target instanceof vscode.Uri) return target;
  if (target instanceof Object && 'scheme' in target && 'path' in target) {
    // Links pass plain data, which has lost its class; it still has the parts of a Uri.
    return vscode.Uri.from(target as Parameters<typeof vscode.Uri.from>[0]);
  }
  if (target instanceof Object && 'uri' in target) return uriIn(target.uri);
  return undefined;
}
