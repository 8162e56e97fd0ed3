import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.js';
import { messageOf, UserError } from '../../base/errors.js';
import type { LanguageModelPlace } from '../../protocol/generatedText.js';
import {
  type PlaygroundModel,
  type PlaygroundProtocol,
  type PlaygroundRemedy,
  type PlaygroundTell,
  readPlaygroundPlace,
} from '../../protocol/views/playgroundMessages.js';
import type { App } from '../app.js';
import { engineConfiguration } from '../configuration.js';
import { localPath } from '../localPath.js';
import { panelTypes } from '../manifest/panels.js';
import { type AttachedView, attachView } from '../views/attachView.js';
import { askWhy } from './playground/askWhy.js';
import { Continuation } from './playground/continuation.js';

/** The playgrounds: one a model. */
export class PlaygroundPanels implements Disposable, vscode.WebviewPanelSerializer {
  private readonly app: App;
  private readonly panels = new Map<string, vscode.WebviewPanel>();

  constructor(app: App) {
    this.app = app;
  }

  /** Opens the playground of a model; one that is open is shown again. */
  open(model: vscode.Uri): void {
    const known = this.panels.get(model.toString());
    if (known !== undefined) {
      known.reveal();
      return;
    }
    const column =
      vscode.window.activeTextEditor === undefined ? vscode.ViewColumn.Active : vscode.ViewColumn.Beside;
    this.adopt(vscode.window.createWebviewPanel(panelTypes.playground, '', column), model, null);
  }

  /** Restores a playground after the window was reloaded. */
  deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const kept = readPlaygroundPlace(state);
    if (kept === undefined || this.panels.has(kept.model)) panel.dispose();
    else this.adopt(panel, vscode.Uri.parse(kept.model, true), kept.tokenizerPath);
    return Promise.resolve();
  }

  dispose(): void {
    for (const panel of [...this.panels.values()]) panel.dispose();
  }

  private adopt(panel: vscode.WebviewPanel, model: vscode.Uri, tokenizerPath: string | null): void {
    panel.title = vscode.l10n.t('Playground — {0}', basename(model.path));
    panel.iconPath = vscode.Uri.joinPath(this.app.extensionUri, 'media', 'icon.svg');
    const host = new PlaygroundHost({ app: this.app, panel, model }, tokenizerPath);
    this.panels.set(model.toString(), panel);
    panel.onDidDispose(() => {
      host.dispose();
      this.panels.delete(model.toString());
    });
  }
}

interface HostParts {
  readonly app: App;
  readonly panel: vscode.WebviewPanel;
  readonly model: vscode.Uri;
}

/** Serves one playground. */
class PlaygroundHost implements Disposable {
  private readonly parts: HostParts;
  private readonly view: AttachedView<PlaygroundProtocol>;
  private readonly disposables: vscode.Disposable[] = [];
  private tokenizerPath: string | null;
  private model: PlaygroundModel = { kind: 'reading' };
  private last: Continuation | undefined;

  constructor(parts: HostParts, tokenizerPath: string | null) {
    this.parts = parts;
    this.tokenizerPath = tokenizerPath;
    const { app, panel } = parts;
    this.view = attachView<PlaygroundProtocol>(
      panel.webview,
      { name: 'playground', title: vscode.l10n.t('Playground') },
      {
        extensionUri: app.extensionUri,
        log: app.log,
        disposables: this.disposables,
        handlers: {
          onReady: () => {
            this.showAll();
          },
          onTell: (message) => this.hear(message),
          onAsk: () => Promise.reject(new Error('A playground asks nothing.')),
        },
      },
    );
    this.disposables.push(vscode.workspace.onDidGrantWorkspaceTrust(() => void this.describe()));
    void this.describe();
  }

  dispose(): void {
    this.last?.cancel();
    for (const disposable of this.disposables.splice(0)) disposable.dispose();
  }

  private showAll(): void {
    const { model } = this.parts;
    this.view.show({
      kind: 'place',
      ...{ model: model.toString(), modelName: basename(model.path), tokenizerPath: this.tokenizerPath },
    });
    this.view.show({ kind: 'model', model: this.model });
    if (this.last === undefined) this.view.show({ kind: 'idle' });
    else this.last.showAll();
  }

  /** Where the model and its tokenizer are. */
  private place(): LanguageModelPlace {
    const { app, model } = this.parts;
    const dataPath = app.models.find(model)?.dataPath;
    return {
      modelPath: localPath(model),
      ...(dataPath === undefined ? {} : { dataPath }),
      ...(this.tokenizerPath === null ? {} : { tokenizerPath: this.tokenizerPath }),
    };
  }

  private async describe(): Promise<void> {
    const { app } = this.parts;
    this.know({ kind: 'reading' });
    try {
      await app.models.searched;
      const facts = await app.engine.ask({ kind: 'language-model', ...this.place() });
      this.know({ kind: 'ready', facts, tokenizerName: basename(facts.tokenizerPath) });
    } catch (error) {
      this.know({ kind: 'problem', message: messageOf(error), remedy: remedyOf(error) });
    }
  }

  private know(model: PlaygroundModel): void {
    this.model = model;
    this.view.show({ kind: 'model', model });
  }

  private async hear(message: PlaygroundTell): Promise<void> {
    const { app, model } = this.parts;
    switch (message.kind) {
      case 'continue': {
        this.last?.cancel();
        const { provider, threadCount } = engineConfiguration();
        const threads = threadCount === undefined ? {} : { threadCount };
        this.last = new Continuation(message.request, {
          engine: app.engine,
          place: { ...this.place(), provider, ...threads },
          show: (show) => {
            this.view.show(show);
          },
        });
        await this.last.run();
        return;
      }
      case 'cancel':
        this.last?.cancel();
        return;
      case 'why':
        await app.navigation.showFollowUp(
          await askWhy(app, this.place(), message),
          `playground ${model.toString()}`,
        );
        return;
      case 'remedy':
        await this.mend(message.remedy);
        return;
    }
  }

  private async mend(remedy: PlaygroundRemedy): Promise<void> {
    const { app, model } = this.parts;
    switch (remedy) {
      case 'choose-tokenizer':
        await this.chooseTokenizer();
        return;
      case 'open-model':
        await app.navigation.openModel(model);
        return;
      case 'manage-trust':
        await vscode.commands.executeCommand('workbench.trust.manage');
        return;
      case 'try-again':
        await this.describe();
        return;
    }
  }

  private async chooseTokenizer(): Promise<void> {
    const [chosen] =
      (await vscode.window.showOpenDialog({
        title: vscode.l10n.t('Choose the Tokenizer of {0}', basename(this.parts.model.path)),
        defaultUri: vscode.Uri.joinPath(this.parts.model, '..'),
        filters: { [vscode.l10n.t('Tokenizers')]: ['json', 'model'] },
      })) ?? [];
    if (chosen === undefined) return;
    this.tokenizerPath = localPath(chosen);
    this.showAll();
    await this.describe();
  }
}

function remedyOf(error: unknown): PlaygroundRemedy {
  switch (error instanceof UserError ? error.code : '') {
    case 'restricted-mode':
      return 'manage-trust';
    case 'tokenizer-missing':
    case 'tokenizer-invalid':
      return 'choose-tokenizer';
    case 'no-language-model':
      return 'open-model';
    default:
      return 'try-again';
  }
}
