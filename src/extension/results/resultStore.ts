import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.js';
import { messageOf, UserError } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { RunRequest } from '../../protocol/engineMessages.js';
import type { Report } from '../../protocol/report.js';
import type { FileStamp } from '../../protocol/structure.js';
import { isStoredResult, type StoredResult } from './storedResult.js';

/** The history of runs, kept on disk and shared by all windows on the same folder; survives reloads. */
export interface ResultStore extends Disposable {
  /** Newest first. */
  readonly results: readonly StoredResult[];
  readonly onDidChange: vscode.Event<void>;
  find(id: string): StoredResult | undefined;
  /** Newest complete or partial result of an analysis on a model. */
  latest(modelPath: string, analysis: string): StoredResult | undefined;
  /** Returns the report; rejects with a UserError when its file is gone or damaged. */
  load(id: string): Promise<Report>;
  /** The report file of a result. */
  reportUri(id: string): vscode.Uri;
  /** Folder of the result's raw arrays (`.npy` and `arrays.json`); may not exist. */
  arraysDir(id: string): vscode.Uri;
  /** Reserves an id and folder for a run about to start, so that the engine can write its arrays there. */
  reserve(): { readonly id: string; readonly arraysDir: string };
  save(id: string, run: FinishedRun): Promise<StoredResult>;
  /** Writes a report that is a part of a result into its folder; returns its file, relative to the result's report. */
  saveBeside(id: string, name: string, report: Report): Promise<string>;
  /** Deletes a result; `undo` brings it back, for a day at least. */
  delete(id: string): Promise<{ undo(): Promise<void> }>;
  /** Tells whether the model changed since the result was made; undefined when that is not known. */
  isStale(result: StoredResult): Promise<boolean | undefined>;
  /** Reads the history again: another window may have added to it. */
  refresh(): Promise<void>;
}

/** What is kept of a run. */
export interface FinishedRun {
  readonly report: Report;
  /** As it was asked: without the folder of the arrays, because running again reserves another. */
  readonly request: RunRequest;
  /** The model file as it was when the run began. */
  readonly modelStamp: FileStamp | undefined;
  /** Reasons of limits that were crossed. */
  readonly crossed: readonly string[];
}

const reportName = 'report.nireport.json';
const entryName = 'result.json';
const partsName = 'parts';
/** Written last by every change, so that other windows see it when it is whole. */
const changeName = 'last-change';
/** A deleted result stays this long: the window that deleted it may still offer to undo. */
const trashMs = 24 * 3600 * 1000;

/** Returns the store over a folder, empty until `refresh` has read it; results deleted days ago are removed for good. */
export function createResultStore(storageUri: vscode.Uri, log: Logger): ResultStore {
  return new FolderStore(storageUri, log);
}

class FolderStore implements ResultStore {
  private readonly storageUri: vscode.Uri;
  private readonly root: vscode.Uri;
  private readonly trash: vscode.Uri;
  private readonly log: Logger;
  private readonly changed = new vscode.EventEmitter<void>();
  private byId = new Map<string, StoredResult>();
  private sorted: readonly StoredResult[] = [];
  private watcher: vscode.FileSystemWatcher | undefined;

  readonly onDidChange = this.changed.event;

  constructor(storageUri: vscode.Uri, log: Logger) {
    this.storageUri = storageUri;
    this.root = vscode.Uri.joinPath(storageUri, 'results');
    this.trash = vscode.Uri.joinPath(storageUri, 'deleted-results');
    this.log = log;
    void this.emptyTrash();
  }

  get results(): readonly StoredResult[] {
    return this.sorted;
  }

  find(id: string): StoredResult | undefined {
    return this.byId.get(id);
  }

  latest(modelPath: string, analysis: string): StoredResult | undefined {
    return this.sorted.find(
      (result) =>
        result.modelPath === modelPath &&
        result.analysis === analysis &&
        (result.status === 'complete' || result.status === 'partial'),
    );
  }

  async load(id: string): Promise<Report> {
    const uri = this.reportUri(id);
    let text: string;
    try {
      text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    } catch (error) {
      throw reportGone(this.find(id)?.title ?? id, error);
    }
    const { parseReport } = await import('../../protocol/documents.js');
    return parseReport(parseJson(text, uri.fsPath), uri.fsPath);
  }

  reportUri(id: string): vscode.Uri {
    return vscode.Uri.joinPath(this.root, id, reportName);
  }

  arraysDir(id: string): vscode.Uri {
    return vscode.Uri.joinPath(this.root, id, 'arrays');
  }

  reserve(): { readonly id: string; readonly arraysDir: string } {
    // Sorts by time; the random part keeps two windows apart.
    const id = `${new Date().toISOString().replace(/[:.]/g, '-')}-${randomBytes(3).toString('hex')}`;
    return { id, arraysDir: this.arraysDir(id).fsPath };
  }

  async save(id: string, run: FinishedRun): Promise<StoredResult> {
    const result = entryOf(id, run);
    const folder = vscode.Uri.joinPath(this.root, id);
    await vscode.workspace.fs.createDirectory(folder);
    await this.write(this.reportUri(id), run.report);
    await this.write(vscode.Uri.joinPath(folder, entryName), result);
    this.put(result);
    await this.tellOthers();
    return result;
  }

  async saveBeside(id: string, name: string, report: Report): Promise<string> {
    const folder = vscode.Uri.joinPath(this.root, id, partsName);
    await vscode.workspace.fs.createDirectory(folder);
    const file = `${name}.nireport.json`;
    await this.write(vscode.Uri.joinPath(folder, file), report);
    return `${partsName}/${file}`;
  }

  async delete(id: string): Promise<{ undo(): Promise<void> }> {
    const result = this.byId.get(id);
    const from = vscode.Uri.joinPath(this.root, id);
    const to = vscode.Uri.joinPath(this.trash, `${Date.now()}-${id}`);
    await vscode.workspace.fs.rename(from, to, { overwrite: true });
    this.byId.delete(id);
    this.sort();
    await this.tellOthers();
    return {
      undo: async () => {
        await vscode.workspace.fs.rename(to, from);
        if (result !== undefined) this.put(result);
        await this.tellOthers();
      },
    };
  }

  async isStale({ modelPath, modelStamp }: StoredResult): Promise<boolean | undefined> {
    if (modelStamp === undefined) return undefined;
    try {
      const { size, mtime } = await vscode.workspace.fs.stat(vscode.Uri.file(modelPath));
      return size !== modelStamp.sizeBytes || mtime !== modelStamp.modifiedMs;
    } catch {
      return true;
    }
  }

  async refresh(): Promise<void> {
    if (this.watcher === undefined) {
      // A folder that is not there yet is looked for now and then only: what happens in it would be told late.
      await this.makeFolder();
      this.watcher ??= this.watch();
    }
    const names = await namesIn(this.root);
    const entries = await Promise.all(
      names.map(async (name) => this.byId.get(name) ?? (await this.readEntry(name))),
    );
    this.byId = new Map(entries.flatMap((entry) => (entry === undefined ? [] : [[entry.id, entry]])));
    this.sort();
  }

  dispose(): void {
    this.watcher?.dispose();
    this.changed.dispose();
  }

  private async makeFolder(): Promise<void> {
    try {
      await vscode.workspace.fs.createDirectory(this.storageUri);
    } catch (error) {
      // A read-only disk: saving a result will say so.
      this.log.debug(`The folder of results was not made: ${messageOf(error)}`);
    }
  }

  private watch(): vscode.FileSystemWatcher {
    const watcher = vscode.workspace.createFileSystemWatcher(
      new vscode.RelativePattern(this.storageUri, changeName),
    );
    watcher.onDidCreate(() => void this.refresh());
    watcher.onDidChange(() => void this.refresh());
    return watcher;
  }

  private async tellOthers(): Promise<void> {
    try {
      const uri = vscode.Uri.joinPath(this.storageUri, changeName);
      await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(`${Date.now()}\n`));
    } catch (error) {
      // The change itself is done; others see it when their window gets the focus.
      this.log.debug(`Other windows were not told of a change: ${messageOf(error)}`);
    }
  }

  /** A folder without a whole entry is a run that never ended, or a damaged one: it is not listed. */
  private async readEntry(name: string): Promise<StoredResult | undefined> {
    const uri = vscode.Uri.joinPath(this.root, name, entryName);
    try {
      const entry: unknown = JSON.parse(new TextDecoder().decode(await vscode.workspace.fs.readFile(uri)));
      if (isStoredResult(entry) && entry.id === name) return entry;
      this.log.warn(`The result ${name} is damaged and was left out of the history.`);
    } catch (error) {
      this.log.debug(`No result in ${name}: ${messageOf(error)}`);
    }
    return undefined;
  }

  private async write(uri: vscode.Uri, value: unknown): Promise<void> {
    const text = `${JSON.stringify(value, null, 1)}\n`;
    try {
      await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
    } catch (error) {
      throw notSaved(uri, error);
    }
  }

  private put(result: StoredResult): void {
    this.byId.set(result.id, result);
    this.sort();
  }

  private sort(): void {
    this.sorted = [...this.byId.values()].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
    this.changed.fire();
  }

  private async emptyTrash(): Promise<void> {
    for (const name of await namesIn(this.trash)) {
      const deletedMs = Number(/^\d+/.exec(name)?.[0] ?? 0);
      if (Date.now() - deletedMs < trashMs) continue;
      try {
        await vscode.workspace.fs.delete(vscode.Uri.joinPath(this.trash, name), { recursive: true });
      } catch (error) {
        // Another window was first, or the disk is read-only: it costs space and nothing else.
        this.log.debug(`The deleted result ${name} is still there: ${messageOf(error)}`);
      }
    }
  }
}

function entryOf(id: string, { report, request, modelStamp, crossed }: FinishedRun): StoredResult {
  return {
    id,
    analysis: report.analysis,
    title: report.title,
    summary: report.summary,
    status: report.status,
    modelPath: request.modelPath,
    ...(request.dataPath === undefined ? {} : { dataPath: request.dataPath }),
    ...(report.data === null ? {} : { dataKind: report.data.kind }),
    sampleCount: report.data?.sampleCount ?? 0,
    findingCount: report.findings.filter(({ severity }) => severity !== 'info').length,
    createdAt: report.createdAt,
    durationMs: report.durationMs,
    ...(modelStamp === undefined ? {} : { modelStamp }),
    crossed,
    request,
  };
}

async function namesIn(folder: vscode.Uri): Promise<string[]> {
  try {
    const entries = await vscode.workspace.fs.readDirectory(folder);
    return entries.filter(([, type]) => type === vscode.FileType.Directory).map(([name]) => name);
  } catch {
    return [];
  }
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(
      'not-a-report',
      vscode.l10n.t('{0} is damaged: {1}. Run the analysis again.', source, messageOf(error)),
      { cause: error },
    );
  }
}

function reportGone(title: string, cause: unknown): UserError {
  return new UserError(
    'result-gone',
    vscode.l10n.t('The report of "{0}" is no longer on disk. Run the analysis again.', title),
    { cause },
  );
}

function notSaved(uri: vscode.Uri, cause: unknown): UserError {
  return new UserError(
    'result-not-saved',
    vscode.l10n.t(
      'The result could not be saved in {0}: {1}. Free some disk space, or export the report before closing it.',
      uri.fsPath,
      messageOf(cause),
    ),
    { kind: 'environment', cause },
  );
}
