import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { imageExtensions, isInspectFileName, kindByExtension } from '../../../data/dataNames.js';
import type { App } from '../../app.js';
import { configurationSection } from '../../configuration.js';
import { localPath } from '../../localPath.js';
import { type InspectFileLink, readInspectLink } from '../../models/inspectFiles.js';
import type { DataCandidate } from './dataCandidate.js';
import { existsOnDisk } from './knownData.js';
import { rankData } from './rankData.js';

/** A search takes no longer than this; what was found by then is proposed. */
const searchTimeoutMs = 4000;

/** Files that one search returns at most. */
const fileCount = 2000;

/** Images are many, and only their folders count. */
const imageCount = 5000;

/** Hears what was found so far; the last call says that the search is over. */
export type HearData = (candidates: readonly DataCandidate[], isComplete: boolean) => void;

/**
 * Searches for data that may fit a model: what inspect files say and what was used before at once, then files near the
 * model, then those of the workspace. It honours `files.exclude`, takes 4 s at most and ends with the signal.
 */
export async function findData(
  app: Pick<App, 'models' | 'results' | 'log'>,
  model: vscode.Uri,
  { hear, signal }: { readonly hear: HearData; readonly signal: AbortSignal },
): Promise<void> {
  const modelPath = localPath(model);
  const used = await existing(usedData(app, model));
  const limit = limitedToken(signal);
  const files = new Set<string>();
  let links: readonly InspectFileLink[] = app.models.inspectFiles;
  let hasMoreImages = false;
  const tell = (isComplete: boolean): void => {
    if (signal.aborted) return;
    hear(rankData({ modelPath, links, used, files: [...files], hasMoreImages }), isComplete);
  };
  tell(false);
  try {
    await app.models.searched;
    links = await withOwnLinks(app, model);
    for (const scope of scopesOf(model)) {
      const [data, images] = await Promise.all([
        search(scope, dataGlobs, { count: fileCount, token: limit.token }),
        search(scope, imageGlobs, { count: imageCount, token: limit.token }),
      ]);
      for (const uri of [...data, ...images]) files.add(uri.fsPath);
      hasMoreImages ||= images.length === imageCount;
      tell(false);
    }
  } finally {
    limit.dispose();
    tell(true);
  }
}

/** The store knows the inspect files of the workspace; a model from elsewhere may have one beside it. */
async function withOwnLinks(
  { models, log }: Pick<App, 'models' | 'log'>,
  model: vscode.Uri,
): Promise<readonly InspectFileLink[]> {
  if (vscode.workspace.getWorkspaceFolder(model) !== undefined) return models.inspectFiles;
  const folder = vscode.Uri.joinPath(model, '..');
  const names = await vscode.workspace.fs.readDirectory(folder);
  const own = await Promise.all(
    names
      .filter(([name, type]) => type !== vscode.FileType.Directory && isInspectFileName(name))
      .map(([name]) => readInspectLink(vscode.Uri.joinPath(folder, name), log)),
  );
  return [...models.inspectFiles, ...own.filter((link) => link !== undefined)];
}

/** The model's own folder comes first, so that what is near is found even where the workspace holds too much. */
function scopesOf(model: vscode.Uri): readonly (vscode.Uri | undefined)[] {
  const folder = vscode.Uri.file(dirname(model.fsPath));
  // Outside the workspace only its own folder is searched: around it may be all of a home directory.
  return vscode.workspace.getWorkspaceFolder(model) === undefined
    ? [folder]
    : [vscode.Uri.joinPath(folder, '..'), undefined].filter(
        (scope) => scope === undefined || vscode.workspace.getWorkspaceFolder(scope) !== undefined,
      );
}

const dataGlobs = `{${[...kindByExtension.keys()].map((extension) => `*${extension}`).join(',')},*idx[1-9]*,input_*.pb}`;
const imageGlobs = `{${imageExtensions.map((extension) => `*${extension}`).join(',')}}`;

async function search(
  scope: vscode.Uri | undefined,
  names: string,
  { count, token }: { readonly count: number; readonly token: vscode.CancellationToken },
): Promise<readonly vscode.Uri[]> {
  const pattern = `**/${names}`;
  const include = scope === undefined ? pattern : new vscode.RelativePattern(scope, pattern);
  const excluded = vscode.workspace
    .getConfiguration(configurationSection)
    .get<string[]>('models.exclude', []);
  const exclude = excluded.length === 0 ? undefined : `{${excluded.join(',')}}`;
  const found = await vscode.workspace.findFiles(include, exclude, count, token);
  return found.filter(({ scheme }) => scheme === 'file');
}

function usedData({ models, results }: Pick<App, 'models' | 'results'>, model: vscode.Uri): Use[] {
  const chosen = models.find(model)?.dataPath;
  const earlier = results.results.flatMap(({ dataPath: path, modelPath }) =>
    path === undefined ? [] : [{ path, modelPath }],
  );
  return chosen === undefined ? earlier : [{ path: chosen, modelPath: model.fsPath }, ...earlier];
}

interface Use {
  readonly path: string;
  readonly modelPath: string;
}

/** Data that was moved or deleted is not proposed again. */
async function existing(uses: readonly Use[]): Promise<Use[]> {
  const paths = [...new Set(uses.map(({ path }) => path))];
  const found = await Promise.all(paths.map(existsOnDisk));
  const present = new Set(paths.filter((_, index) => found[index]));
  return uses.filter(({ path }) => present.has(path));
}

/** Returns a token that is cancelled with the signal and when the time is over. */
function limitedToken(signal: AbortSignal): {
  readonly token: vscode.CancellationToken;
  dispose(): void;
} {
  const source = new vscode.CancellationTokenSource();
  const cancel = (): void => {
    source.cancel();
  };
  const timer = setTimeout(cancel, searchTimeoutMs);
  signal.addEventListener('abort', cancel, { once: true });
  return {
    token: source.token,
    dispose: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
      source.dispose();
    },
  };
}
