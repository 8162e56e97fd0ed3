import * as vscode from 'vscode';
import type { App } from './app.js';
import type { Places } from './createNavigation.js';
import { NeuronPanels } from './panels/neuronPanel.js';
import { RunPanels } from './panels/runPanel.js';

/** Makes the pages: custom editors and panels, each registered with the editor. */
export function createPlaces(app: App): Places {
  const { results } = app;
  const neurons = new NeuronPanels(app);
  const forms = new RunPanels(app);
  app.context.subscriptions.push(neurons, forms);
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
    reports: {
      showResult: async (id) => {
        await open(results.reportUri(id), 'neuronInspector.report');
      },
      showRun: (run) => {
        void run.ended.then(() => open(results.reportUri(run.id), 'neuronInspector.report'));
      },
    },
  };
}
