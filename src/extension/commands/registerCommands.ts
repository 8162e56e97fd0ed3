import * as vscode from 'vscode';
import { Cancelled } from '../../base/abort.js';
import { messageOf, UserError } from '../../base/errors.js';
import type { App } from '../app.js';
import { loadLatePart } from '../loadLatePart.js';
import { idPrefix } from '../manifest/contribution.js';

/**
 * Registers every command that package.json lists; what they do is loaded with the first. A failure is told in a message that
 * leads to the log, never lost.
 */
export function registerCommands(app: App): void {
  const { contributes } = app.context.extension.packageJSON as {
    readonly contributes: { readonly commands: readonly { readonly command: string }[] };
  };
  for (const { command } of contributes.commands) {
    const id = command.slice(idPrefix.length);
    app.context.subscriptions.push(
      vscode.commands.registerCommand(command, (...args: unknown[]) => runCommand(app, id, args)),
    );
  }
}

async function runCommand(app: App, id: string, args: readonly unknown[]): Promise<void> {
  try {
    const { commandOf } = await loadLatePart();
    await commandOf(id)(app, ...args);
  } catch (error) {
    if (error instanceof Cancelled) return;
    const isBug = !(error instanceof UserError);
    app.log.error(
      `${id}: ${isBug && error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}`,
    );
    void tell(app, error);
  }
}

/** Says what went wrong, with the one link that helps. */
async function tell(app: App, error: unknown): Promise<void> {
  const showLog = vscode.l10n.t('Show Output');
  if (!(error instanceof UserError)) {
    const copy = vscode.l10n.t('Copy Diagnostics');
    const text = vscode.l10n.t('This is a bug in Neuron Inspector: {0}', messageOf(error));
    const answer = await vscode.window.showErrorMessage(text, copy, showLog);
    if (answer === copy) await vscode.commands.executeCommand(`${idPrefix}copyDiagnostics`);
    if (answer === showLog) app.output.show();
    return;
  }
  if (error.code === 'restricted-mode') {
    const manage = vscode.l10n.t('Manage Workspace Trust');
    const answer = await vscode.window.showErrorMessage(error.message, manage);
    if (answer === manage) await vscode.commands.executeCommand('workbench.trust.manage');
    return;
  }
  const answer = await vscode.window.showErrorMessage(error.message, showLog);
  if (answer === showLog) app.output.show();
}
