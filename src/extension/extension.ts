import * as vscode from 'vscode';
import type { App } from './app.js';
import { registerCommands } from './commands/registerCommands.js';
import { createApp } from './createApp.js';
import { registerHovers } from './hovers/registerHovers.js';
import { type LensProviders, registerLenses } from './lenses/registerLenses.js';
import { registerProblems } from './problems/registerProblems.js';
import { createStatusBar } from './statusBar.js';
import { registerThresholdTests } from './tests/registerThresholdTests.js';
import { registerTrees } from './trees/registerTrees.js';

/** What tests look at. */
export interface ActivatedForTests {
  readonly app: App;
  readonly hovers: vscode.HoverProvider;
  readonly lenses: LensProviders;
  readonly tests: vscode.TestController;
}

/** Registers everything the extension contributes; called by the editor on the first use of a contribution. */
export function activate(context: vscode.ExtensionContext): ActivatedForTests | undefined {
  const app = createApp(context);
  registerTrees(app);
  registerCommands(app);
  const hovers = registerHovers(app);
  const lenses = registerLenses(app);
  registerProblems(app);
  const tests = registerThresholdTests(app);
  createStatusBar(app, context.subscriptions);
  // Tests look inside; nobody else may depend on it.
  return context.extensionMode === vscode.ExtensionMode.Test ? { app, hovers, lenses, tests } : undefined;
}
