import * as vscode from 'vscode';
import type { App } from '../../app.js';

/** Returns the data known for a model: chosen before, or tied to it by an inspect file; undefined when it is gone. */
export async function knownData(app: Pick<App, 'models'>, model: vscode.Uri): Promise<string | undefined> {
  await app.models.searched;
  const { dataPath } = app.models.open(model);
  return dataPath !== undefined && (await existsOnDisk(dataPath)) ? dataPath : undefined;
}

/** Tells whether a file or folder is there. */
export async function existsOnDisk(path: string): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(vscode.Uri.file(path));
    return true;
  } catch {
    return false;
  }
}
