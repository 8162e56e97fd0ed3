import { basename, dirname, extname, join } from 'node:path';
import * as vscode from 'vscode';
import { messageOf, UserError } from '../../base/errors.js';
import { rebaseInspectFile } from '../../data/rebaseInspectFile.js';
import type { InspectFile } from '../../protocol/inspectFile.js';
import type { App } from '../app.js';
import { localPath } from '../localPath.js';
import { existsOnDisk } from './data/knownData.js';

/** An inspect file to be written: what was assumed of a model's data. */
export interface Proposal {
  /** Where it would stand: beside the model, under a name that is free. */
  readonly path: string;
  /** Returns its text as it must read at a path. */
  readonly textAt: (path: string) => string;
}

/** Asks the engine what it assumes of a model's data; undefined when the data is described already. */
export async function proposeInspectFile(
  app: Pick<App, 'engine'>,
  model: vscode.Uri,
  dataPath: string,
): Promise<Proposal | undefined> {
  const modelPath = localPath(model);
  const { proposal } = await app.engine.ask({ kind: 'describe-data', modelPath, dataPath });
  if (proposal === undefined) return undefined;
  // The engine writes its paths from the data's folder.
  const from = dirname(dataPath);
  return { path: await freePath(modelPath), textAt: (path) => textOf(proposal, { from, to: dirname(path) }) };
}

/** How a proposal is saved. */
export interface SaveOptions {
  readonly proposal: Proposal;
  /** Where the person says, and not where it would stand. */
  readonly isElsewhere: boolean;
  /** Where it is opened then. */
  readonly column: vscode.ViewColumn;
}

/**
 * Writes a proposal, opens it in the editor and makes it the model's data; returns its path. Elsewhere: where the person
 * says, undefined when they do not.
 *
 * @throws UserError `inspect-file-not-written` when the folder cannot be written to.
 */
export async function saveProposal(
  app: Pick<App, 'models'>,
  model: vscode.Uri,
  { proposal, isElsewhere, column }: SaveOptions,
): Promise<string | undefined> {
  const target = isElsewhere ? await askWhere(proposal.path) : vscode.Uri.file(proposal.path);
  if (target === undefined) return undefined;
  const path = localPath(target);
  try {
    await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(proposal.textAt(path)));
  } catch (cause) {
    throw new UserError(
      'inspect-file-not-written',
      vscode.l10n.t('{0} could not be written: {1}. Save it in another folder.', path, messageOf(cause)),
      { kind: 'environment', cause },
    );
  }
  app.models.setData(model, path);
  const document = await vscode.workspace.openTextDocument(target);
  await vscode.window.showTextDocument(document, { viewColumn: column, preview: false });
  return path;
}

async function askWhere(path: string): Promise<vscode.Uri | undefined> {
  const target = await vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.file(path),
    filters: { [vscode.l10n.t('Inspect files')]: ['inspect.json', 'json'] },
    title: vscode.l10n.t('Save Inspect File'),
    saveLabel: vscode.l10n.t('Save'),
  });
  if (target === undefined || target.path.endsWith('.inspect.json')) return target;
  // Only under that ending is it found again, and checked while it is edited.
  const ending = target.with({ path: `${target.path.replace(/(\.inspect)?(\.json)?$/, '')}.inspect.json` });
  // The dialog asked about the name that was typed, not about this one.
  return !(await existsOnDisk(localPath(ending))) || (await mayReplace(ending)) ? ending : undefined;
}

async function mayReplace(uri: vscode.Uri): Promise<boolean> {
  const replace = vscode.l10n.t('Replace');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('{0} exists already. Replace it?', basename(uri.path)),
    { modal: true, detail: vscode.l10n.t('What it says about the data is lost.') },
    replace,
  );
  return answer === replace;
}

function textOf(proposal: InspectFile, folders: { readonly from: string; readonly to: string }): string {
  return `${JSON.stringify(rebaseInspectFile(proposal, folders), null, 2)}\n`;
}

/** A file that is there is never replaced without being asked about. */
async function freePath(modelPath: string): Promise<string> {
  const stem = join(dirname(modelPath), basename(modelPath, extname(modelPath)));
  for (let number = 1; ; number++) {
    const path = `${stem}${number === 1 ? '' : `-${String(number)}`}.inspect.json`;
    if (!(await existsOnDisk(path))) return path;
  }
}
