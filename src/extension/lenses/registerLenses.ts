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

/** Registers the lenses and returns their provider; what reads documents is loaded with the first that is shown. */
export function registerLenses(app: App): vscode.CodeLensProvider {
  const changed = new vscode.EventEmitter<void>();
  const provider: vscode.CodeLensProvider = {
    onDidChangeCodeLenses: changed.event,
    provideCodeLenses: async (document) => (await loadLatePart()).sampleLenses(document),
  };
  app.context.subscriptions.push(
    changed,
    vscode.languages.registerCodeLensProvider(selectors, provider),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`${configurationSection}.codeLens`)) changed.fire();
    }),
  );
  return provider;
}
