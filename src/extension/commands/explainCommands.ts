import { dirname, extname, isAbsolute, resolve } from 'node:path';
import * as vscode from 'vscode';
import { dataFileExtensions } from '../../data/dataNames.js';
import { rowAtLine } from '../../data/csvRows.js';
import type { App } from '../app.js';
import { compareWithOther as compareResultWithOther } from '../explain/compareWithOther.js';
import { explainSample } from '../explain/explainSample.js';
import { existsOnDisk } from '../run/data/knownData.js';
import { localPath } from '../localPath.js';
import { uriIn } from './modelOf.js';
import { resultOf } from './resultCommands.js';

/** A sample that code names: a path as it is written there, and the file that it is written in. */
interface NamedSample {
  readonly path: string;
  readonly from: string;
}

/**
 * Explains the prediction for a sample: a file of the explorer, the row of a table that the cursor is in, one that code names,
 * or one that the person browses to.
 */
export async function explainPrediction(app: App, target?: unknown, row?: unknown): Promise<void> {
  const file = isNamedSample(target) ? await placeOf(target) : await fileFor(target);
  if (file === undefined) return;
  const position = typeof row === 'number' ? row : rowAtCursor(file, target === undefined);
  await explainSample(app, { file, ...(position === undefined ? {} : { row: position }) });
}

/** Explains a sample on a model that the person picks, also where another is known. */
export async function explainWithModel(app: App, target?: unknown): Promise<void> {
  const file = await fileFor(target);
  if (file === undefined) return;
  const row = rowAtCursor(file, target === undefined);
  await explainSample(app, { file, asksForModel: true, ...(row === undefined ? {} : { row }) });
}

/** Asks an attribution again by another method or of another model, and shows both side by side. */
export async function compareWithOther(app: App, target?: unknown): Promise<void> {
  const result = await resultOf(app, target);
  if (result !== undefined) await compareResultWithOther(app, result);
}

function isNamedSample(target: unknown): target is NamedSample {
  return target instanceof Object && 'from' in target && 'path' in target && typeof target.path === 'string';
}

/** Paths in code are relative to the file, to a folder around it, or to the workspace, whichever is there. */
async function placeOf({ path, from }: NamedSample): Promise<string> {
  if (isAbsolute(path)) return path;
  const root = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(from))?.uri.fsPath ?? dirname(from);
  const folders: string[] = [];
  for (let folder = dirname(from); folder.length >= root.length; folder = dirname(folder)) {
    folders.push(folder);
    if (folder === dirname(folder)) break;
  }
  for (const folder of folders) {
    const place = resolve(folder, path);
    if (await existsOnDisk(place)) return place;
  }
  return resolve(dirname(from), path);
}

async function fileFor(target: unknown): Promise<string | undefined> {
  const given = uriIn(target) ?? openFile();
  if (given !== undefined) return localPath(given);
  const files = await vscode.window.showOpenDialog({
    canSelectMany: false,
    filters: { [vscode.l10n.t('Samples')]: dataFileExtensions.map((extension) => extension.slice(1)) },
    openLabel: vscode.l10n.t('Explain'),
  });
  return files?.[0]?.fsPath;
}

/** The file in front when it may hold samples: text, a picture, or anything shown by an editor of its own. */
function openFile(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  const uri =
    input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom ? input.uri : undefined;
  const isSample = uri !== undefined && dataFileExtensions.includes(extname(uri.path).toLowerCase());
  return isSample ? uri : undefined;
}

/** The sample that the cursor is in, where a table is open; in front when the command names no file. */
function rowAtCursor(file: string, isInFront: boolean): number | undefined {
  if (!/\.[ct]sv$/i.test(file)) return undefined;
  const editor = vscode.window.visibleTextEditors.find(({ document }) => document.uri.fsPath === file);
  if (editor === undefined || (!isInFront && editor !== vscode.window.activeTextEditor)) return undefined;
  return rowAtLine(editor.document.getText().split(/\r?\n/), editor.selection.active.line);
}
