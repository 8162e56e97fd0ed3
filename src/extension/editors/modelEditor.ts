import * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.js';
import { messageOf, UserError } from '../../base/errors.js';
import type { FileStamp, ModelStructure } from '../../protocol/structure.js';
import type {
  ModelAsk,
  ModelContent,
  ModelProblem,
  ModelProtocol,
  ModelShow,
} from '../../protocol/views/modelMessages.js';
import type { App } from '../app.js';
import { localPath } from '../localPath.js';
import { analysisCommandId } from '../manifest/analysisCommandId.js';
import { idPrefix } from '../manifest/contribution.js';
import { editorTypes } from '../manifest/panels.js';
import { type AttachedView, attachView } from '../views/attachView.js';
import { modelFacts } from './model/modelFacts.js';

/** Files are written in steps; each would be a change. */
const settleMs = 300;

/**
 * The read-only editor of `.onnx` files, of any size: the host reads nothing of them, the reader process does, and that
 * leaves weights where they are.
 */
export class ModelEditors implements vscode.CustomReadonlyEditorProvider {
  private readonly app: App;
  private readonly editors = new Map<string, Set<ModelEditor>>();
  /** Layers to bring into view once their editor is there. */
  private readonly awaited = new Map<string, string>();

  constructor(app: App) {
    this.app = app;
  }

  /** Shows a model, in the editor that shows it already if there is one, and brings a layer into view. */
  async open(model: vscode.Uri, { layer }: { readonly layer?: string } = {}): Promise<void> {
    const [known] = this.editors.get(model.toString()) ?? [];
    if (known !== undefined) {
      known.show(layer);
      return;
    }
    if (layer !== undefined) this.awaited.set(model.toString(), layer);
    await vscode.commands.executeCommand('vscode.openWith', model, editorTypes.model);
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => undefined };
  }

  resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    const key = uri.toString();
    const editor = new ModelEditor(this.app, uri, panel);
    const editors = this.editors.get(key) ?? new Set();
    this.editors.set(key, editors.add(editor));
    panel.onDidDispose(() => {
      editors.delete(editor);
      if (editors.size === 0) this.editors.delete(key);
      editor.dispose();
    });
    const layer = this.awaited.get(key);
    this.awaited.delete(key);
    if (layer !== undefined) editor.reveal(layer);
  }
}

/** What is known of the file: being read, not readable, or read. */
type Content =
  { readonly kind: 'reading' } | ModelProblem | { readonly kind: 'read'; readonly structure: ModelStructure };

class ModelEditor implements Disposable {
  private readonly app: App;
  private readonly uri: vscode.Uri;
  private readonly panel: vscode.WebviewPanel;
  private readonly view: AttachedView<ModelProtocol>;
  private readonly disposables: vscode.Disposable[] = [];
  private content: Content = { kind: 'reading' };
  private stale: Extract<ModelShow, { readonly kind: 'stale' }> | undefined;
  private awaitedLayer: string | undefined;
  private settling: NodeJS.Timeout | undefined;
  private isReady = false;

  constructor(app: App, uri: vscode.Uri, panel: vscode.WebviewPanel) {
    this.app = app;
    this.uri = uri;
    this.panel = panel;
    this.view = attachView<ModelProtocol>(
      panel.webview,
      { name: 'model', title: this.name },
      {
        extensionUri: app.extensionUri,
        log: app.log,
        disposables: this.disposables,
        handlers: {
          onReady: () => {
            this.isReady = true;
            this.showAll();
          },
          onTell: (message) => this.hear(message),
          onAsk: (question) => this.answer(question),
        },
      },
    );
    this.follow();
    void this.read();
  }

  /** Comes to the front, and brings a layer into view. */
  show(layer: string | undefined): void {
    this.panel.reveal();
    if (layer !== undefined) this.reveal(layer);
  }

  /** Brings a layer into view, once the page is there. */
  reveal(layer: string): void {
    this.awaitedLayer = layer;
    this.showAwaited();
  }

  dispose(): void {
    clearTimeout(this.settling);
    for (const disposable of this.disposables) disposable.dispose();
  }

  private get name(): string {
    return this.uri.path.split('/').at(-1) ?? this.uri.path;
  }

  private follow(): void {
    const { app, panel } = this;
    const watcher = vscode.workspace.createFileSystemWatcher(
      new vscode.RelativePattern(vscode.Uri.joinPath(this.uri, '..'), literalGlob(this.name)),
    );
    const changed = (): void => {
      clearTimeout(this.settling);
      this.settling = setTimeout(() => void this.compare(), settleMs);
    };
    const refresh = (): void => void this.showFacts();
    this.disposables.push(
      watcher,
      watcher.onDidChange(changed),
      watcher.onDidCreate(changed),
      watcher.onDidDelete(changed),
      app.units.onDidChange(refresh),
      app.results.onDidChange(refresh),
      vscode.workspace.onDidGrantWorkspaceTrust(refresh),
      panel.onDidChangeViewState(() => {
        if (panel.active) this.choose();
      }),
    );
    this.choose();
  }

  /** Questions asked without naming a model are about the one in front. */
  private choose(): void {
    if (this.uri.scheme === 'file') this.app.currentModel.choose(this.uri);
  }

  private async read(): Promise<void> {
    this.stale = undefined;
    this.setContent({ kind: 'reading' });
    try {
      localPath(this.uri);
      this.app.models.open(this.uri);
      this.setContent({ kind: 'read', structure: await this.app.models.structureOf(this.uri) });
    } catch (error) {
      if (!(error instanceof UserError)) this.app.log.error(`${this.name}: ${stackOf(error)}`);
      const canRetry = this.uri.scheme === 'file';
      this.setContent({ kind: 'problem', name: this.name, message: messageOf(error), canRetry });
    }
  }

  private setContent(content: Content): void {
    this.content = content;
    this.showAll();
  }

  /** The page was loaded (again), or what it shows is another: everything in the order that it needs it. */
  private showAll(): void {
    if (!this.isReady) return;
    const { content, name } = this;
    if (content.kind === 'read') this.view.show(contentOf(name, content.structure));
    else this.view.show(content.kind === 'reading' ? { kind: 'reading', name } : content);
    if (this.stale !== undefined) this.view.show(this.stale);
    this.showAwaited();
    void this.showFacts();
  }

  private showAwaited(): void {
    if (!this.isReady || this.content.kind !== 'read' || this.awaitedLayer === undefined) return;
    this.view.show({ kind: 'reveal', layer: this.awaitedLayer });
    this.awaitedLayer = undefined;
  }

  private async showFacts(): Promise<void> {
    const { content } = this;
    if (content.kind !== 'read') return;
    try {
      this.view.show(await modelFacts(this.app, this.uri.fsPath, content.structure));
    } catch (error) {
      this.app.log.error(`${this.name}: what results say of it cannot be shown: ${stackOf(error)}`);
    }
  }

  /** Looks whether the file is still the one that was read. */
  private async compare(): Promise<void> {
    const { content } = this;
    if (content.kind === 'problem') {
      await this.read();
      return;
    }
    if (content.kind !== 'read') return;
    const stamp = await stampOf(this.uri);
    const isSame = stamp !== undefined && isEqual(stamp, content.structure.stamp);
    if (isSame && this.stale === undefined) return;
    // A file that is as it was again needs no reading, but the page must take its offer back.
    if (isSame) {
      this.stale = undefined;
      this.showAll();
      return;
    }
    this.stale = { kind: 'stale', isGone: stamp === undefined };
    this.view.show(this.stale);
  }

  private async answer(question: ModelAsk): Promise<ModelProtocol['answers'][ModelAsk['kind']]> {
    const { content } = this;
    if (content.kind !== 'read') throw new Error(`${question.kind} was asked of a model that is not read.`);
    const stamp = await stampOf(this.uri);
    if (stamp === undefined || !isEqual(stamp, content.structure.stamp)) {
      await this.compare();
      throw new UserError(
        'model-changed',
        vscode.l10n.t('{0} changed since it was opened. Reload it to see it as it is now.', this.name),
      );
    }
    const modelPath = localPath(this.uri);
    switch (question.kind) {
      case 'graph':
        return this.app.reader.ask({ kind: 'graph', modelPath });
      case 'weights':
        return this.app.reader.ask({ kind: 'weights', modelPath });
      case 'weight-statistics':
        return this.app.reader.ask({ ...question, modelPath });
    }
  }

  private async hear(message: ModelProtocol['tell']): Promise<void> {
    switch (message.kind) {
      case 'open-address':
        await this.app.navigation.openAddress(this.uri, message.address);
        return;
      case 'open-part':
        // Only reports have parts.
        return;
      case 'open-url':
        await vscode.env.openExternal(vscode.Uri.parse(message.url, true));
        return;
      case 'reload':
        await this.read();
        return;
      case 'run': {
        const { analysis } = message;
        const id = analysis === undefined ? 'runAnalysis' : analysisCommandId(analysis);
        await vscode.commands.executeCommand(idPrefix + id, this.uri);
        return;
      }
      case 'open-result':
        await this.app.navigation.openResult(message.resultId);
        return;
      case 'open-playground':
        await this.app.navigation.openPlayground(this.uri);
        return;
      case 'manage-trust':
        await vscode.commands.executeCommand('workbench.trust.manage');
        return;
      case 'open-otherwise':
        await vscode.commands.executeCommand('workbench.action.reopenWithEditor');
        return;
    }
  }
}

function contentOf(name: string, { inspection, addresses, metadata }: ModelStructure): ModelContent {
  const states = Object.fromEntries(addresses.layers.map((layer) => [layer.name, layer.states]));
  return { kind: 'model', name, inspection, states, metadata };
}

async function stampOf(uri: vscode.Uri): Promise<FileStamp | undefined> {
  try {
    const { size, mtime } = await vscode.workspace.fs.stat(uri);
    return { sizeBytes: size, modifiedMs: mtime };
  } catch {
    return undefined;
  }
}

function isEqual(a: FileStamp, b: FileStamp): boolean {
  return a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs;
}

/** Returns a glob that matches nothing but this name. */
function literalGlob(name: string): string {
  return name.replace(/[[\]{}*?]/g, '[$&]');
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
