import * as vscode from 'vscode';
import { providerNames } from '../../protocol/engineMessages.js';
import type { App } from '../app.js';
import { configurationSection, engineConfiguration } from '../configuration.js';
import { diagnosticsText } from '../diagnostics.js';

/** Cancels the run under way; asks which when there are several. */
export async function cancelRun(app: App, runId?: unknown): Promise<void> {
  const { active } = app.runner;
  const named = active.find((run) => run.id === runId);
  const run = named ?? (active.length > 1 ? await chooseRun(app) : active[0]);
  run?.cancel();
}

async function chooseRun(app: App) {
  const items = app.runner.active.map((run) => ({
    label: run.title,
    description: run.request.modelPath,
    run,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    placeHolder: vscode.l10n.t('Which run should be cancelled?'),
  });
  return chosen?.run;
}

/** Ends the engine process; runs under way are cancelled, and the next one starts a new process. */
export function restartEngine(app: App): void {
  for (const run of app.runner.active) run.cancel();
  app.engine.restart();
}

/** Lets the person choose where models run. */
export async function chooseProvider(app: App): Promise<void> {
  const { provider } = engineConfiguration();
  const inUse = app.engine.state.provider;
  const items = providerNames.map((name) => ({
    label: name,
    description: [
      name === provider ? vscode.l10n.t('chosen') : '',
      name === inUse ? vscode.l10n.t('in use') : '',
    ]
      .filter((text) => text !== '')
      .join(', '),
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    placeHolder: vscode.l10n.t('Where should models run? auto takes the fastest that works.'),
  });
  if (chosen === undefined) return;
  await vscode.workspace
    .getConfiguration(configurationSection)
    .update('provider', chosen.label, vscode.ConfigurationTarget.Global);
}

/** Shows the output channel. */
export function showOutput(app: App): void {
  app.output.show(true);
}

/** Copies what a report of a problem needs: versions, settings, engine, models without names of data, newest log lines. */
export async function copyDiagnostics(app: App): Promise<void> {
  await vscode.env.clipboard.writeText(diagnosticsText(app));
  vscode.window.setStatusBarMessage(vscode.l10n.t('Diagnostics copied.'), 4000);
}

/** Opens the walkthrough. */
export async function openWalkthrough(app: App): Promise<void> {
  await vscode.commands.executeCommand(
    'workbench.action.openWalkthrough',
    `${app.context.extension.id}#start`,
    false,
  );
}

/** Opens the settings of the extension. */
export async function openSettings(app: App): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.openSettings', `@ext:${app.context.extension.id}`);
}
