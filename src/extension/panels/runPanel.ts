import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.js';
import { messageOf } from '../../base/errors.js';
import { isRunPageState, type RunPageState } from '../../protocol/views/runMessages.js';
import { findAnalysis } from '../../runs/findAnalysis.js';
import type { App } from '../app.js';
import { loadShownAnalyses } from '../shownAnalyses.js';
import { panelTypes } from '../manifest/panels.js';
import { type FormRequest, optionsOf } from '../run/form/formRequest.js';
import { RunFormHost } from '../run/form/runFormHost.js';

/** The forms that runs are started from: one for each analysis and model. */
export class RunPanels implements Disposable, vscode.WebviewPanelSerializer {
  private readonly app: App;
  private readonly forms = new Map<string, OpenForm>();

  constructor(app: App) {
    this.app = app;
  }

  /** Opens a form; one that is open for the same analysis and model is shown again unless other values are wanted. */
  open(request: FormRequest): void {
    const known = this.forms.get(keyOf(request));
    if (known !== undefined && !bringsValues(request)) {
      known.panel.reveal();
      return;
    }
    const column = known?.panel.viewColumn ?? besideCode();
    known?.panel.dispose();
    this.adopt(vscode.window.createWebviewPanel(panelTypes.run, titleOf(request), column), request);
  }

  /** Restores a form after the window was reloaded. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const request = isRunPageState(state) ? await this.requestOf(state) : undefined;
    if (request === undefined || this.forms.has(keyOf(request))) {
      panel.dispose();
      return;
    }
    // The page keeps what was typed under the form's id.
    this.adopt(panel, request, isRunPageState(state) ? state.formId : undefined);
  }

  dispose(): void {
    for (const { panel } of [...this.forms.values()]) panel.dispose();
  }

  private async requestOf({ reopen }: RunPageState): Promise<FormRequest | undefined> {
    const { analysisId, modelPath, dataPath, describedBy, choice } = reopen;
    try {
      const analysis = findAnalysis(await loadShownAnalyses(), analysisId);
      return {
        model: vscode.Uri.file(modelPath),
        analysis,
        dataPath,
        options: optionsOf(choice, describedBy),
      };
    } catch (error) {
      // An analysis of another version of the extension.
      this.app.log.debug(`A form was not restored: ${messageOf(error)}`);
      return undefined;
    }
  }

  private adopt(panel: vscode.WebviewPanel, request: FormRequest, formId?: string): void {
    const key = keyOf(request);
    panel.title = titleOf(request);
    panel.iconPath = vscode.Uri.joinPath(this.app.extensionUri, 'media', 'icon.svg');
    const host = new RunFormHost({ app: this.app, panel }, request, formId);
    const form = { panel };
    this.forms.set(key, form);
    panel.onDidDispose(() => {
      host.dispose();
      if (this.forms.get(key) === form) this.forms.delete(key);
    });
  }
}

/** Beside the code: the report takes the form's place there. */
function besideCode(): vscode.ViewColumn {
  return vscode.window.activeTextEditor === undefined ? vscode.ViewColumn.Active : vscode.ViewColumn.Beside;
}

interface OpenForm {
  readonly panel: vscode.WebviewPanel;
}

function keyOf({ analysis, model }: FormRequest): string {
  return `${analysis.id} ${model.toString()}`;
}

/** `Dead neurons — dying-relu.onnx`. */
function titleOf({ analysis, model }: FormRequest): string {
  return `${analysis.title} — ${basename(model.path)}`;
}

function bringsValues({ options }: FormRequest): boolean {
  const { settings, limit, batchSize, seed } = options;
  return Object.keys(settings).length > 0 || limit !== undefined || batchSize !== undefined || seed !== 0;
}
