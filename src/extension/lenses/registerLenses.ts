import * as vscode from 'vscode';
import type { App } from '../app.js';
import { configurationSection } from '../configuration.js';
import { loadLatePart } from '../loadLatePart.js';

/** Files that are looked at: inspect files, and tests by what the common runners call them. */
const selectors: vscode.DocumentSelector = [
  { scheme: 'file', pattern: '**/*.inspect.json' },
  { scheme: 'file', pattern: '**/{test_*,*_test,conftest}.py' },
  { scheme: 'file', pattern: '**/{test,tests}/**/*.py' },
  { scheme: 'file', pattern: '**/*.{test,spec}.{ts,tsx,mts,js,jsx,mjs}' },
  { scheme: 'file', pattern: '**/{test,tests,__tests__}/**/*.{ts,tsx,mts,js,jsx,mjs}' },
];

/** Providers of lenses. */
export interface LensProviders {
  /** Offers on samples, in tests and inspect files. */
  readonly samples: vscode.CodeLensProvider;
  /** What is known of layers, in the code that makes them. */
  readonly layers: vscode.CodeLensProvider;
}

/** Registers the lenses and returns their providers; what reads documents is loaded with the first that is shown. */
export function registerLenses(app: App): LensProviders {
  const changed = new vscode.EventEmitter<void>();
  const layersChanged = new vscode.EventEmitter<void>();
  const samples: vscode.CodeLensProvider = {
    onDidChangeCodeLenses: changed.event,
    provideCodeLenses: async (document) => (await loadLatePart()).sampleLenses(document),
  };
  const layers: vscode.CodeLensProvider = {
    onDidChangeCodeLenses: layersChanged.event,
    provideCodeLenses: async (document) => (await loadLatePart()).layerLenses(app, document),
  };
  app.context.subscriptions.push(
    ...[changed, layersChanged],
    vscode.languages.registerCodeLensProvider(selectors, samples),
    vscode.languages.registerCodeLensProvider({ scheme: 'file', language: 'python' }, layers),
    app.units.onDidChange(() => {
      layersChanged.fire();
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration(`${configurationSection}.codeLens`)) return;
      changed.fire();
      layersChanged.fire();
    }),
  );
  return { samples, layers };
}
