import * as vscode from 'vscode';
import type { App } from './app.js';
import type { Places } from './createNavigation.js';
import { registerReportEditor } from './editors/reportEditor.js';
import { NeuronPanels } from './panels/neuronPanel.js';
import { RunPanels } from './panels/runPanel.js';
import { ReportPanels } from './panels/reportPanel.js';

/** Makes the pages: custom editors and panels, each registered with the editor. */
export function createPlaces(app: App): Places {
  const neurons = new NeuronPanels(app);
  const forms = new RunPanels(app);
  const reports = new ReportPanels(app);
  app.context.subscriptions.push(neurons, forms, reports, registerReportEditor(app));
  const open = (uri: vscode.Uri, viewType: string): Thenable<unknown> =>
    vscode.commands.executeCommand('vscode.openWith', uri, viewType, vscode.ViewColumn.Active);
  return {
    models: {
      open: async (model) => {
        await open(model, 'neuronInspector.model');
      },
    },
    neurons,
    forms,
    reports,
  };
}
