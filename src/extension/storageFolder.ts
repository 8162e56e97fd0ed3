import { createHash } from 'node:crypto';
import * as vscode from 'vscode';

/**
 * Returns the folder for results and caches of what is open: the workspace file, the folders, or nothing.
 *
 * It is a folder of the user's storage and not the editor's storage of the workspace, because the editor gives every window
 * but the first another one, and sometimes a reloaded window too: the history would seem lost
 * (docs/decisions/0010-one-history-per-folder.md).
 */
export function storageFolder(globalStorageUri: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(globalStorageUri, 'workspaces', nameOfWorkspace());
}

function nameOfWorkspace(): string {
  const { workspaceFile, workspaceFolders = [] } = vscode.workspace;
  const uris = workspaceFile === undefined ? workspaceFolders.map(({ uri }) => uri) : [workspaceFile];
  if (uris.length === 0) return 'no-folder';
  const key = uris.map(String).join('\n');
  return createHash('sha256').update(key).digest('hex').slice(0, 24);
}
