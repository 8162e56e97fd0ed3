import * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.js';

/** What happens to models and inspect files of the workspace. */
export interface ModelFileListener {
  /** Files appeared, or inspect files changed: which, a search tells. */
  appeared(): void;
  /** A model was written again. */
  changed(model: vscode.Uri): void;
  /** A file or folder is gone, and with a folder everything in it. */
  removed(uri: vscode.Uri): void;
}

/** Paths that appear within this time are looked at together. */
const settleMs = 200;

/** So many new paths are not asked one by one whether they are folders. */
const askedCount = 200;

/**
 * Listens to models and inspect files, and to folders: one that is moved into the workspace, or out of it, is told as a
 * whole, and what is in a new one before the editor's watcher gets to it is never told.
 */
export function watchModelFiles(listener: ModelFileListener): Disposable {
  const watcher = vscode.workspace.createFileSystemWatcher('**');
  const created = new Set<string>();
  let settling: NodeJS.Timeout | undefined;
  const settle = async (): Promise<void> => {
    settling = undefined;
    const paths = [...created];
    created.clear();
    if (await bringsFiles(paths)) listener.appeared();
  };
  const subscriptions = [
    watcher,
    watcher.onDidCreate(({ scheme, fsPath }) => {
      if (scheme !== 'file') return;
      created.add(fsPath);
      settling ??= setTimeout(() => void settle(), settleMs);
    }),
    watcher.onDidChange((uri) => {
      if (isModel(uri.path)) listener.changed(uri);
      else if (isInspectFile(uri.path)) listener.appeared();
    }),
    watcher.onDidDelete((uri) => {
      listener.removed(uri);
    }),
  ];
  return {
    dispose: () => {
      clearTimeout(settling);
      for (const subscription of subscriptions) subscription.dispose();
    },
  };
}

const isModel = (path: string): boolean => path.endsWith('.onnx');
const isInspectFile = (path: string): boolean => path.endsWith('.inspect.json');

async function bringsFiles(paths: readonly string[]): Promise<boolean> {
  if (paths.some((path) => isModel(path) || isInspectFile(path)) || paths.length > askedCount) return true;
  const found = await Promise.all(
    paths.map(async (path) => (await isFolder(path)) && (await holdsFiles(path))),
  );
  return found.includes(true);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return ((await vscode.workspace.fs.stat(vscode.Uri.file(path))).type & vscode.FileType.Directory) !== 0;
  } catch {
    // It is gone again.
    return false;
  }
}

async function holdsFiles(folder: string): Promise<boolean> {
  const pattern = new vscode.RelativePattern(vscode.Uri.file(folder), '**/*.{onnx,inspect.json}');
  return (await vscode.workspace.findFiles(pattern, undefined, 1)).length > 0;
}
