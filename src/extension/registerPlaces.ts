import * as vscode from 'vscode';
import type { App } from './app.js';
import type { Places } from './createNavigation.js';
import { editorTypes, panelTypes } from './manifest/panels.js';

/** Tells the editor what shows our files and brings back our panels after a reload; `places` is asked when it does. */
export function registerPlaces(app: App, places: () => Promise<Places>): void {
  const serializers = [
    [panelTypes.neuron, 'neurons'],
    [panelTypes.run, 'forms'],
    [panelTypes.report, 'reports'],
    [panelTypes.playground, 'playgrounds'],
  ] as const;
  app.context.subscriptions.push(
    vscode.window.registerCustomEditorProvider(
      editorTypes.model,
      editorOf(async () => (await places()).models),
      { supportsMultipleEditorsPerDocument: true },
    ),
    vscode.window.registerCustomEditorProvider(
      editorTypes.report,
      editorOf(async () => (await places()).reportFiles),
    ),
    ...serializers.map(([type, place]) =>
      vscode.window.registerWebviewPanelSerializer(type, {
        deserializeWebviewPanel: async (panel, state) =>
          (await places())[place].deserializeWebviewPanel(panel, state),
      }),
    ),
  );
}

/** An editor whose code is loaded with the first file it shows. */
function editorOf(
  load: () => Promise<vscode.CustomReadonlyEditorProvider>,
): vscode.CustomReadonlyEditorProvider {
  return {
    openCustomDocument: async (...args) => (await load()).openCustomDocument(...args),
    resolveCustomEditor: async (...args) => (await load()).resolveCustomEditor(...args),
  };
}
