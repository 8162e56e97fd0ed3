import * as vscode from 'vscode';
import type { App } from './app.js';
import { idPrefix } from './manifest/contribution.js';

/** Shows in the status bar what runs and where: nothing until a model was run, then the provider in use. */
export function createStatusBar(
  app: Pick<App, 'engine' | 'runner'>,
  subscriptions: { dispose(): unknown }[],
): void {
  const item = vscode.window.createStatusBarItem('engine', vscode.StatusBarAlignment.Right, 90);
  item.name = vscode.l10n.t('Neuron Inspector');
  let listener: vscode.Disposable | undefined;
  const update = (): void => {
    showState(item, app);
  };
  const follow = (): void => {
    listener?.dispose();
    listener = app.runner.active[0]?.onDidChange(update);
    update();
  };
  subscriptions.push(item, app.engine.onDidChangeState(update), app.runner.onDidChange(follow), {
    dispose: () => {
      listener?.dispose();
    },
  });
  follow();
}

function showState(item: vscode.StatusBarItem, { engine, runner }: Pick<App, 'engine' | 'runner'>): void {
  const { state } = engine;
  const [run] = runner.active;
  const provider = state.provider?.toUpperCase();
  item.backgroundColor = undefined;
  if (run?.state.kind === 'running') {
    const percent = Math.floor(100 * run.state.fractionDone);
    item.text = `$(loading~spin) ${run.title} ${String(percent)} %`;
    item.tooltip = `${run.state.message}\n${vscode.l10n.t('Click to show the run.')}`;
    item.command = `${idPrefix}showRun`;
  } else if (state.kind === 'lost') {
    item.text = vscode.l10n.t('$(warning) Engine lost');
    item.tooltip = vscode.l10n.t(
      'The engine process ended. The next run starts a new one. Click for the log.',
    );
    item.command = `${idPrefix}showOutput`;
    item.backgroundColor = new vscode.ThemeColor('statusBarItem.warningBackground');
  } else if (provider !== undefined) {
    item.text = `$(circuit-board) ${provider}`;
    item.tooltip = vscode.l10n.t('Neuron Inspector runs models on {0}. Click to choose.', provider);
    item.command = `${idPrefix}chooseProvider`;
  } else {
    item.hide();
    return;
  }
  item.accessibilityInformation = { label: `Neuron Inspector: ${item.text.replace(/\$\([^)]*\) ?/g, '')}` };
  item.show();
}
