import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Disposable } from '../../../base/disposable.js';
import { messageOf, UserError } from '../../../base/errors.js';
import type {
  RunAnswers,
  RunAsk,
  RunChoice,
  RunForm,
  RunProtocol,
  RunTell,
} from '../../../protocol/views/runMessages.js';
import type { App } from '../../app.js';
import { localPath } from '../../localPath.js';
import { type AttachedView, attachView } from '../../views/attachView.js';
import { askedRun } from '../askedRun.js';
import { commandFor } from '../commandFor.js';
import { chooseData } from '../data/chooseData.js';
import { estimateRun } from '../estimateRun.js';
import { type Proposal, proposeInspectFile, saveProposal } from '../inspectFileProposal.js';
import type { AskedRun } from '../runner.js';
import { waitingFor } from '../waitingFor.js';
import { DataReading } from './dataReading.js';
import { EstimateKeeper } from './estimateKeeper.js';
import { choiceOf, type FormRequest, optionsOf } from './formRequest.js';
import type { RunOptions } from '../askedRun.js';
import { addressProblems, layerSuggestions } from './layerSuggestions.js';

/** What a form's host needs. */
export interface FormParts {
  readonly app: App;
  readonly panel: vscode.WebviewPanel;
}

/** The host of one form: reads the data, estimates, writes the command, starts the run. */
export class RunFormHost implements Disposable {
  private readonly parts: FormParts;
  private readonly request: FormRequest;
  private readonly formId: string;
  private readonly modelPath: string;
  private readonly view: AttachedView<RunProtocol>;
  private readonly data: DataReading;
  private readonly estimate: EstimateKeeper;
  private readonly disposables: vscode.Disposable[] = [];
  /** null while some values are wrong. */
  private choice: RunChoice | null;
  private proposal: Proposal | undefined;

  constructor(parts: FormParts, request: FormRequest, formId: string = randomUUID()) {
    this.parts = parts;
    this.request = request;
    this.formId = formId;
    this.modelPath = localPath(request.model);
    this.choice = choiceOf(request.options);
    const { app } = parts;
    this.data = new DataReading(app, this.modelPath, () => {
      this.view.show({ kind: 'data', data: this.data.state });
    });
    this.estimate = new EstimateKeeper(
      (signal) => this.estimateNow(signal),
      () => {
        this.view.show({ kind: 'estimate', estimate: this.estimate.state });
      },
    );
    this.view = this.attach();
    this.disposables.push(
      app.runner.onDidChange(() => {
        this.showWaiting();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        this.view.show({ kind: 'trusted' });
        void this.useData(this.data.dataPath);
      }),
    );
    void this.useData(request.dataPath);
  }

  dispose(): void {
    this.data.stop();
    this.estimate.stop();
    for (const disposable of this.disposables) disposable.dispose();
  }

  private attach(): AttachedView<RunProtocol> {
    const { app, panel } = this.parts;
    return attachView<RunProtocol>(
      panel.webview,
      { name: 'run', title: panel.title },
      {
        extensionUri: app.extensionUri,
        log: app.log,
        disposables: this.disposables,
        handlers: {
          onReady: () => void this.showAll(),
          onTell: (message) => this.hear(message),
          onAsk: (question) => this.answer(question),
        },
      },
    );
  }

  private async showAll(): Promise<void> {
    const { view, request } = this;
    view.show({ kind: 'form', form: this.form() });
    view.show({ kind: 'data', data: this.data.state });
    view.show({ kind: 'estimate', estimate: this.estimate.state });
    this.showWaiting();
    void this.showCommand();
    try {
      const { addresses } = await this.parts.app.models.structureOf(request.model);
      view.show({ kind: 'layers', layers: layerSuggestions(addresses) });
    } catch (error) {
      view.show({
        kind: 'problem',
        heading: vscode.l10n.t('The model cannot be read'),
        message: messageOf(error),
      });
    }
  }

  private form(): RunForm {
    const { analysis, options, dataPath } = this.request;
    const { describedBy } = options;
    return {
      ...(dataPath === null || describedBy === undefined
        ? {}
        : { described: { path: dataPath, by: describedBy } }),
      formId: this.formId,
      analysisId: analysis.id,
      analysisTitle: analysis.title,
      asks: analysis.asks,
      modelName: basename(this.modelPath),
      modelPath: this.modelPath,
      dataNeed: analysis.needs.data,
      settings: analysis.settings,
      choice: this.choice ?? choiceOf(options),
      isRestricted: !vscode.workspace.isTrusted,
    };
  }

  private async hear(message: RunTell): Promise<void> {
    switch (message.kind) {
      case 'changed':
        this.change(message.choice);
        return;
      case 'run':
        await this.run(message.choice);
        return;
      case 'choose-data':
        await this.chooseData();
        return;
      case 'open-data':
        await this.openData();
        return;
      case 'estimate':
        await this.estimate.now();
        return;
      case 'stop-estimate':
        this.estimate.stop();
        return;
      case 'manage-trust':
        await vscode.commands.executeCommand('workbench.trust.manage');
        return;
      case 'close':
        this.parts.panel.dispose();
        return;
    }
  }

  private answer(question: RunAsk): Promise<RunAnswers[RunAsk['kind']]> {
    switch (question.kind) {
      case 'copy-command':
        return this.copyCommand();
      case 'choose-path':
        return this.choosePath(question.isFolder);
      case 'proposal':
        return this.propose();
      case 'save-proposal':
        return this.save(question.isElsewhere);
    }
  }

  private change(choice: RunChoice | null): void {
    this.choice = choice;
    void this.showCommand();
    if (choice === null) this.estimate.stop();
    else this.estimate.soon();
    if (choice === null) return;
    const { model, analysis } = this.request;
    const structure = this.parts.app.models.find(model)?.structure;
    // A model that cannot be read was told about when the form opened.
    if (structure === undefined || structure instanceof Error) return;
    const problems = addressProblems(choice.settings, analysis.settings, structure.addresses);
    this.view.show({ kind: 'problems', problems });
  }

  private async run(choice: RunChoice): Promise<void> {
    const { app, panel } = this.parts;
    this.choice = choice;
    const asked = this.asked();
    if (asked === undefined) return;
    this.estimate.stop();
    try {
      await app.navigation.showRun(await app.runner.start(asked));
    } catch (error) {
      const heading = vscode.l10n.t('The run could not start');
      this.view.show({ kind: 'problem', heading, message: messageOf(error) });
      return;
    }
    // Only now: the report opens where the form is, beside the code, and takes its place.
    panel.dispose();
  }

  private async useData(path: string | null): Promise<void> {
    this.estimate.stop();
    this.proposal = undefined;
    void this.showCommand();
    await this.data.read(path, this.describedBy(path));
    if (this.data.dataPath === path) this.estimate.soon();
  }

  private async chooseData(): Promise<void> {
    const { model, analysis } = this.request;
    const answer = await chooseData(this.parts.app, model, {
      title: this.parts.panel.title,
      canGoBack: false,
      isOptional: analysis.needs.data === 'optional',
    });
    if (answer.kind === 'chosen') await this.useData(answer.value);
  }

  /** Shows an inspect file as text, everything else where it lies. */
  private async openData(): Promise<void> {
    const { state } = this.data;
    if (state.kind === 'none') return;
    const uri = vscode.Uri.file(state.place.path);
    if (state.place.isInspectFile) {
      await vscode.window.showTextDocument(uri, { viewColumn: this.codeColumn() });
    } else await vscode.commands.executeCommand('revealInExplorer', uri);
  }

  /** The run as it would be asked now; undefined while values are wrong or data is missing. */
  private asked(): AskedRun | undefined {
    const { analysis } = this.request;
    const { dataPath } = this.data;
    if (this.choice === null || (dataPath === null && analysis.needs.data === 'required')) return undefined;
    return askedRun(analysis, { modelPath: this.modelPath, dataPath }, this.options(this.choice));
  }

  private estimateNow(signal: AbortSignal): ReturnType<typeof estimateRun> | undefined {
    const asked = this.asked();
    const isReadable = this.data.state.kind === 'known' || this.data.state.kind === 'none';
    if (asked === undefined || !isReadable || !vscode.workspace.isTrusted) return undefined;
    return estimateRun(this.parts.app, asked, { analysis: this.request.analysis, signal });
  }

  private async showCommand(): Promise<void> {
    this.view.show({ kind: 'command', text: await this.command() });
  }

  private command(): Promise<string> {
    const { analysis, options } = this.request;
    const what = { modelPath: this.modelPath, dataPath: this.data.dataPath };
    return commandFor(askedRun(analysis, what, this.options(this.choice ?? choiceOf(options))));
  }

  private options(choice: RunChoice): RunOptions {
    const describedBy = this.describedBy(this.data.dataPath);
    return { ...optionsOf(choice), ...(describedBy === undefined ? {} : { describedBy }) };
  }

  /** The inspect file that the run came with holds for the data that it came with. */
  private describedBy(dataPath: string | null): string | undefined {
    const { request } = this;
    return dataPath === request.dataPath ? request.options.describedBy : undefined;
  }

  private async copyCommand(): Promise<null> {
    await vscode.env.clipboard.writeText(await this.command());
    return null;
  }

  private async choosePath(isFolder: boolean): Promise<string | null> {
    const uris = await vscode.window.showOpenDialog({
      canSelectMany: false,
      canSelectFiles: !isFolder,
      canSelectFolders: isFolder,
      defaultUri: vscode.Uri.joinPath(this.request.model, '..'),
      openLabel: vscode.l10n.t('Choose'),
    });
    return uris?.[0]?.fsPath ?? null;
  }

  private async propose(): Promise<RunAnswers['proposal']> {
    const { dataPath } = this.data;
    this.proposal =
      dataPath === null ? undefined : await proposeInspectFile(this.parts.app, this.request.model, dataPath);
    if (this.proposal === undefined) throw nothingToWrite();
    const { path, textAt } = this.proposal;
    return { path: vscode.workspace.asRelativePath(path), text: textAt(path) };
  }

  private async save(isElsewhere: boolean): Promise<string | null> {
    if (this.proposal === undefined) throw nothingToWrite();
    const { proposal } = this;
    const path = await saveProposal(this.parts.app, this.request.model, {
      ...{ proposal, isElsewhere },
      column: this.codeColumn(),
    });
    if (path === undefined) return null;
    await this.useData(path);
    return path;
  }

  /** Where files are opened from the form: in the code's column, not in a third one. */
  private codeColumn(): vscode.ViewColumn {
    const { viewColumn } = this.parts.panel;
    return viewColumn === vscode.ViewColumn.One ? vscode.ViewColumn.Beside : vscode.ViewColumn.One;
  }

  private showWaiting(): void {
    this.view.show({ kind: 'waiting', text: waitingFor(this.parts.app.runner.active) ?? null });
  }
}

function nothingToWrite(): UserError {
  return new UserError(
    'nothing-to-write',
    vscode.l10n.t('The data is described by an inspect file already: open it to change it.'),
  );
}
