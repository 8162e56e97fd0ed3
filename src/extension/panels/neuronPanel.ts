import * as vscode from 'vscode';
import { stateMeanings } from '../../analyses/shared/states.js';
import type { Disposable } from '../../base/disposable.js';
import { UserError } from '../../base/errors.js';
import {
  type NeuronAsk,
  type NeuronProtocol,
  type NeuronTell,
  type NeuronTrail,
  readNeuronPageState,
} from '../../protocol/views/neuronMessages.js';
import type { App } from '../app.js';
import { localPath } from '../localPath.js';
import { idPrefix } from '../manifest/contribution.js';
import { panelTypes } from '../manifest/panels.js';
import { dataStampOf } from '../units/dataStamp.js';
import { type AttachedView, attachView } from '../views/attachView.js';
import { NeuronEngine, profileSettings } from './neuron/neuronEngine.js';
import { type MeasuringConditions, NeuronMeasurer } from './neuron/neuronMeasurer.js';
import { findNeuron } from './neuron/neuronPlace.js';
import { NeuronRole } from './neuron/neuronRole.js';
import { NeuronSession } from './neuron/neuronSession.js';
import { NeuronTokens } from './neuron/neuronTokens.js';
import { ProfileStore } from './neuron/profileStore.js';

/** The neuron pages: one panel a model, whose content changes with the address. */
export class NeuronPanels implements Disposable, vscode.WebviewPanelSerializer {
  private readonly app: App;
  private readonly profiles: ProfileStore;
  private readonly panels = new Map<string, NeuronPanel>();

  constructor(app: App) {
    this.app = app;
    this.profiles = new ProfileStore(vscode.Uri.joinPath(app.storageUri, 'neurons').fsPath);
  }

  /** Opens a neuron's page beside the code, or the layer's place in the model's editor when the address has no unit. */
  async open(model: vscode.Uri, address: string): Promise<void> {
    const layer = await this.layerNamed(model, address);
    if (layer !== undefined) {
      await this.app.navigation.openModel(model, { layer });
      return;
    }
    const known = this.panels.get(model.toString());
    if (known !== undefined) {
      known.reveal();
      await known.session.open(address);
      return;
    }
    const column = vscode.ViewColumn.Beside;
    const panel = vscode.window.createWebviewPanel(panelTypes.neuron, address, column, {
      enableFindWidget: true,
    });
    await this.adopt(panel, model).session.open(address);
  }

  /** Goes back or forward on the page in front; nothing happens when none is. */
  async travel(by: 1 | -1): Promise<void> {
    const active = [...this.panels.values()].find((panel) => panel.isActive);
    await active?.session.travel(by);
  }

  /** Restores a page after the window was reloaded. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const kept = readNeuronPageState(state);
    if (kept === undefined || this.panels.has(kept.model)) {
      panel.dispose();
      return;
    }
    await this.adopt(panel, vscode.Uri.parse(kept.model), kept.trail).session.reopen();
  }

  dispose(): void {
    for (const panel of [...this.panels.values()]) panel.dispose();
  }

  /** The layer that an address without a unit names; what is wrong with an address is for the page to say. */
  private async layerNamed(model: vscode.Uri, address: string): Promise<string | undefined> {
    try {
      const { addresses } = await this.app.reader.structure(model);
      const found = findNeuron(address, '', addresses);
      return found.kind === 'layer' ? found.layer : undefined;
    } catch (error) {
      if (error instanceof UserError) return undefined;
      throw error;
    }
  }

  private adopt(panel: vscode.WebviewPanel, model: vscode.Uri, trail?: NeuronTrail): NeuronPanel {
    const page = new NeuronPanel({ app: this.app, profiles: this.profiles, panel, model }, trail);
    const key = model.toString();
    this.panels.set(key, page);
    panel.onDidDispose(() => {
      this.panels.delete(key);
      page.dispose();
    });
    return page;
  }
}

/** What is about the page itself. */
type PageKind = 'step' | 'travel' | 'measure' | 'cancel' | 'measure-role' | 'cancel-role' | 'open-address';

interface PanelParts {
  readonly app: App;
  readonly profiles: ProfileStore;
  readonly panel: vscode.WebviewPanel;
  readonly model: vscode.Uri;
}

class NeuronPanel implements Disposable {
  readonly session: NeuronSession;
  private readonly parts: PanelParts;
  private readonly measurer: NeuronMeasurer;
  private readonly role: NeuronRole;
  private readonly tokens: NeuronTokens;
  private readonly view: AttachedView<NeuronProtocol>;
  private readonly disposables: vscode.Disposable[] = [];
  private readonly engine: NeuronEngine;

  constructor(parts: PanelParts, trail: NeuronTrail | undefined) {
    this.parts = parts;
    const { app, panel } = parts;
    this.engine = new NeuronEngine(app, parts.model);
    panel.iconPath = vscode.Uri.joinPath(app.extensionUri, 'media', 'icon.svg');
    this.measurer = this.createMeasurer();
    this.role = new NeuronRole(app, parts.model, (state) => {
      this.session.show({ kind: 'role', state });
    });
    this.tokens = this.createTokens();
    this.session = this.createSession(trail);
    this.view = attachView<NeuronProtocol>(
      panel.webview,
      { name: 'neuron', title: vscode.l10n.t('Neuron') },
      {
        extensionUri: app.extensionUri,
        log: app.log,
        disposables: this.disposables,
        handlers: {
          onReady: () => {
            this.session.ready();
          },
          onTell: (message) => this.hear(message),
          onAsk: (question: NeuronAsk) => this.session.goToText(question.text),
        },
      },
    );
    const refresh = (): void => void this.session.refresh();
    this.disposables.push(
      app.models.onDidChange(refresh),
      app.units.onDidChange(refresh),
      app.engine.onDidChangeState(refresh),
      vscode.workspace.onDidGrantWorkspaceTrust(refresh),
    );
  }

  get isActive(): boolean {
    return this.parts.panel.active;
  }

  reveal(): void {
    this.parts.panel.reveal();
  }

  dispose(): void {
    this.measurer.dispose();
    this.role.dispose();
    for (const disposable of this.disposables.splice(0)) disposable.dispose();
    this.parts.panel.dispose();
  }

  private createSession(trail: NeuronTrail | undefined): NeuronSession {
    const { app, model, panel } = this.parts;
    const modelPath = model.fsPath;
    return new NeuronSession(
      {
        model: model.toString(),
        modelName: model.path.split('/').at(-1) ?? model.path,
        structure: () => app.reader.structure(model),
        weights: (address) => app.reader.ask({ kind: 'unit-weights', modelPath: localPath(model), address }),
        links: (address) => app.reader.ask({ kind: 'unit-links', modelPath: localPath(model), address }),
        role: this.role,
        tokens: this.tokens,
        layerFacts: (layer) => app.units.layer(modelPath, layer),
        loadFacts: () => app.units.load(modelPath),
        samples: (resultId, indices) => app.units.samples(resultId, indices),
        meaningOf,
        measurer: this.measurer,
        show: (message) => {
          this.view.show(message);
        },
        setTitle: (address) => {
          panel.title = address;
        },
        openLayer: (layer) => void app.navigation.openModel(model, { layer }),
      },
      trail,
    );
  }

  private createTokens(): NeuronTokens {
    return new NeuronTokens({
      mayAsk: () => vscode.workspace.isTrusted && this.session.isOfLanguageModel,
      ask: (address) => this.engine.tokens(address),
      show: (state) => {
        this.session.show({ kind: 'tokens', state });
      },
    });
  }

  private createMeasurer(): NeuronMeasurer {
    const { app, profiles } = this.parts;
    return new NeuronMeasurer({
      profiles,
      settings: JSON.stringify(profileSettings),
      conditions: () => this.conditions(),
      dataStampOf,
      measure: (options, listener) => this.engine.measure(options, listener),
      estimate: (dataPath) => this.engine.estimate(dataPath),
      now: () => new Date(),
      wait: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
      show: (state) => {
        this.session.show({ kind: 'measurement', state });
      },
      showProfile: (shown) => {
        this.session.show({ kind: 'profile', shown });
      },
      warn: (message) => {
        app.log.warn(message);
      },
    });
  }

  private conditions(): MeasuringConditions {
    const { app, model } = this.parts;
    return {
      modelPath: model.fsPath,
      modelStamp: this.session.modelStamp,
      dataPath: app.models.find(model)?.dataPath,
      isTrusted: vscode.workspace.isTrusted,
      engineActivity: this.engine.otherActivity,
    };
  }

  private async hear(message: NeuronTell): Promise<void> {
    switch (message.kind) {
      case 'step':
        this.session.step(message.by);
        return;
      case 'travel':
        await this.session.travel(message.by);
        return;
      case 'measure':
        this.measurer.measure(message.address, message.limit);
        return;
      case 'cancel':
        this.measurer.cancel(message.address);
        return;
      case 'measure-role':
        await this.role.measure(message.address);
        return;
      case 'cancel-role':
        this.role.cancel();
        return;
      case 'open-address':
        await this.session.open(message.address);
        return;
      default:
        await this.leave(message);
    }
  }

  /** Follows what leads out of the page. */
  private async leave(message: Exclude<NeuronTell, { readonly kind: PageKind }>): Promise<void> {
    const { app, model } = this.parts;
    switch (message.kind) {
      case 'open-layer': {
        const { layer } = this.session;
        await app.navigation.openModel(model, layer === undefined ? {} : { layer });
        return;
      }
      case 'open-model':
        await app.navigation.openModel(model);
        return;
      case 'open-result':
        await app.navigation.openResult(message.resultId);
        return;
      case 'open-part':
        // Only reports have parts.
        return;
      case 'open-url':
        await vscode.env.openExternal(vscode.Uri.parse(message.url, true));
        return;
      case 'choose-data':
        await vscode.commands.executeCommand(`${idPrefix}chooseData`, model);
        return;
      case 'manage-trust':
        await vscode.commands.executeCommand('workbench.trust.manage');
        return;
      case 'show-log':
        await vscode.commands.executeCommand(`${idPrefix}showOutput`);
        return;
    }
  }
}

/** States of a newer version have no meaning here. */
function meaningOf(state: string): string {
  const meanings: Readonly<Record<string, string>> = stateMeanings;
  return meanings[state] ?? '';
}
