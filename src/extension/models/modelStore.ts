import { dirname, sep } from 'node:path';
import * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.js';
import { messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import { tokenizerNames } from '../../data/dataNames.js';
import type { ModelStructure } from '../../protocol/structure.js';
import { configurationSection } from '../configuration.js';
import type { Reader } from '../engine/reader.js';
import { localPath } from '../localPath.js';
import { findInspectFiles, type InspectFileLink } from './inspectFiles.js';
import { watchModelFiles } from './modelFileWatcher.js';

/** A model file the editor knows of. */
export interface KnownModel {
  readonly uri: vscode.Uri;
  /** File name. */
  readonly name: string;
  /** Undefined until it was read, an Error when it cannot be. */
  readonly structure: ModelStructure | Error | undefined;
  /** Data chosen for it last, or tied to it by an `.inspect.json` that names it. */
  readonly dataPath: string | undefined;
  /** Whether a tokenizer stands beside it: known before the model is read. */
  readonly hasTokenizer: boolean;
}

/** The models of the workspace, and those opened from elsewhere. */
export interface ModelStore extends Disposable {
  /** By path. */
  readonly models: readonly KnownModel[];
  /** Files that tie models of the workspace to data and code. */
  readonly inspectFiles: readonly InspectFileLink[];
  readonly onDidChange: vscode.Event<void>;
  /** Settles when the workspace has been searched once. */
  readonly searched: Promise<void>;
  /** Returns a model's entry, adding it when it is new; its structure is read in the background. */
  open(uri: vscode.Uri): KnownModel;
  find(uri: vscode.Uri): KnownModel | undefined;
  /** Reads the structure now; rejects with a UserError when it cannot be read. */
  structureOf(uri: vscode.Uri): Promise<ModelStructure>;
  /** Remembers the data that a person chose for a model. */
  setData(uri: vscode.Uri, dataPath: string): void;
  /** Searches the workspace again. */
  refresh(): Promise<void>;
}

/** More models than this in a workspace are not listed; one opened by hand always is. */
const listedModelCount = 500;

const dataKey = 'dataByModel';
const openedKey = 'openedModels';

/** Returns the store; it searches the workspace when first asked. */
export function createModelStore(parts: {
  readonly reader: Reader;
  readonly memory: vscode.Memento;
  readonly log: Logger;
}): ModelStore {
  return new WorkspaceModels(parts.reader, parts.memory, parts.log);
}

interface Entry {
  readonly uri: vscode.Uri;
  readonly name: string;
  structure: ModelStructure | Error | undefined;
  reading: Promise<ModelStructure> | undefined;
}

class WorkspaceModels implements ModelStore {
  private readonly reader: Reader;
  private readonly memory: vscode.Memento;
  private readonly log: Logger;
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly byPath = new Map<string, Entry>();
  private readonly disposables: Disposable[] = [this.changed];
  private links: readonly InspectFileLink[] = [];
  private tokenizerFolders: ReadonlySet<string> = new Set();
  private firstSearch: Promise<void> | undefined;
  /** Settles, and never rejects, when no search runs. */
  private lastSearch: Promise<void> = Promise.resolve();
  /** A search that has not begun. */
  private nextSearch: Promise<void> | undefined;

  readonly onDidChange = this.changed.event;

  constructor(reader: Reader, memory: vscode.Memento, log: Logger) {
    this.reader = reader;
    this.memory = memory;
    this.log = log;
    for (const path of memory.get<string[]>(openedKey, [])) this.add(vscode.Uri.file(path));
    this.watch();
  }

  get models(): readonly KnownModel[] {
    void this.searched;
    return [...this.byPath.values()].map((entry) => this.known(entry));
  }

  get inspectFiles(): readonly InspectFileLink[] {
    return this.links;
  }

  get searched(): Promise<void> {
    this.firstSearch ??= this.refresh();
    return this.firstSearch;
  }

  open(uri: vscode.Uri): KnownModel {
    const path = localPath(uri);
    const isNew = !this.byPath.has(path);
    const entry = this.add(uri);
    if (isNew && vscode.workspace.getWorkspaceFolder(uri) === undefined) this.rememberOpened(path);
    if (isNew) this.changed.fire();
    if (entry.structure === undefined) this.readSoon(entry);
    return this.known(entry);
  }

  find(uri: vscode.Uri): KnownModel | undefined {
    const entry = this.byPath.get(uri.fsPath);
    return entry === undefined ? undefined : this.known(entry);
  }

  async structureOf(uri: vscode.Uri): Promise<ModelStructure> {
    return this.read(this.add(uri));
  }

  setData(uri: vscode.Uri, dataPath: string): void {
    const all = this.memory.get<Record<string, string>>(dataKey, {});
    void this.memory.update(dataKey, { ...all, [uri.fsPath]: dataPath });
    this.changed.fire();
  }

  async refresh(): Promise<void> {
    // One after another: an older search that ends last would take away what a newer one found. Who asks while one
    // runs shares the next.
    this.nextSearch ??= this.lastSearch.then(() => {
      this.nextSearch = undefined;
      return this.search();
    });
    const search = this.nextSearch;
    this.lastSearch = search.catch(() => undefined);
    await search;
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private async search(): Promise<void> {
    const settings = vscode.workspace.getConfiguration(configurationSection);
    const excluded = settings.get<string[]>('models.exclude', []);
    const exclude = excluded.length === 0 ? null : `{${excluded.join(',')}}`;
    const [all, links, tokenizers] = await Promise.all([
      vscode.workspace.findFiles('**/*.onnx', exclude, listedModelCount),
      findInspectFiles(exclude, this.log),
      vscode.workspace.findFiles(`**/{${tokenizerNames.join(',')}}`, exclude, listedModelCount),
    ]);
    // Files of virtual workspaces cannot be read in place; opening one says so.
    const found = all.filter(({ scheme }) => scheme === 'file');
    if (found.length === listedModelCount) {
      this.log.warn(`Only the first ${String(listedModelCount)} models of the workspace are listed.`);
    }
    this.links = links;
    this.tokenizerFolders = new Set(tokenizers.map(({ fsPath }) => dirname(fsPath)));
    const opened = new Set(this.memory.get<string[]>(openedKey, []));
    const present = new Set(found.map((uri) => uri.fsPath));
    for (const path of this.byPath.keys()) {
      if (!present.has(path) && !opened.has(path)) this.byPath.delete(path);
    }
    for (const uri of found.sort((a, b) => (a.fsPath < b.fsPath ? -1 : 1))) this.add(uri);
    this.announce();
  }

  private watch(): void {
    const search = (): void => {
      if (this.firstSearch !== undefined) void this.refresh();
    };
    const files = watchModelFiles({
      appeared: search,
      changed: (uri) => {
        this.readAgain(uri);
      },
      removed: (uri) => {
        this.forget(uri);
      },
    });
    this.disposables.push(files, vscode.workspace.onDidChangeWorkspaceFolders(search));
  }

  private add(uri: vscode.Uri): Entry {
    const path = localPath(uri);
    const known = this.byPath.get(path);
    if (known !== undefined) return known;
    const name = uri.path.split('/').at(-1) ?? uri.path;
    const entry: Entry = { uri, name, structure: undefined, reading: undefined };
    this.byPath.set(path, entry);
    return entry;
  }

  private forget({ fsPath: gone }: vscode.Uri): void {
    const isGone = (path: string): boolean => path === gone || path.startsWith(`${gone}${sep}`);
    const models = [...this.byPath.keys()].filter(isGone);
    const links = this.links.filter(({ path }) => !isGone(path));
    if (models.length === 0 && links.length === this.links.length) return;
    for (const path of models) this.byPath.delete(path);
    this.links = links;
    this.announce();
  }

  private readAgain(uri: vscode.Uri): void {
    const entry = this.byPath.get(uri.fsPath);
    if (entry?.structure !== undefined) this.readSoon(entry);
  }

  private readSoon(entry: Entry): void {
    this.read(entry).catch((error: unknown) => {
      this.log.debug(`${entry.name} cannot be read: ${messageOf(error)}`);
    });
  }

  private async read(entry: Entry): Promise<ModelStructure> {
    entry.reading ??= this.reader.structure(entry.uri);
    try {
      const structure = await entry.reading;
      if (entry.structure !== structure) {
        entry.structure = structure;
        this.changed.fire();
      }
      return structure;
    } catch (error) {
      const isNews = !(entry.structure instanceof Error) || entry.structure.message !== messageOf(error);
      entry.structure = error instanceof Error ? error : new Error(messageOf(error));
      if (isNews) this.changed.fire();
      throw error;
    } finally {
      entry.reading = undefined;
    }
  }

  private rememberOpened(path: string): void {
    const opened = this.memory.get<string[]>(openedKey, []);
    void this.memory.update(openedKey, [...opened.filter((other) => other !== path), path].slice(-20));
  }

  private known({ uri, name, structure }: Entry): KnownModel {
    const hasTokenizer = this.tokenizerFolders.has(dirname(uri.fsPath));
    return { uri, name, structure, dataPath: this.dataPathOf(uri), hasTokenizer };
  }

  private dataPathOf(uri: vscode.Uri): string | undefined {
    const chosen = this.memory.get<Record<string, string>>(dataKey, {})[uri.fsPath];
    return chosen ?? this.links.find(({ modelPath, hasData }) => hasData && modelPath === uri.fsPath)?.path;
  }

  private announce(): void {
    const setContext = (key: string, value: boolean): void => {
      void vscode.commands.executeCommand('setContext', `neuronInspector.${key}`, value);
    };
    setContext('hasModel', this.byPath.size > 0);
    // Until then an empty view says nothing: "no model" would be a guess.
    setContext('isSearched', true);
    this.changed.fire();
  }
}
