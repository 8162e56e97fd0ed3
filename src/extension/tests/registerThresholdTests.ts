import * as vscode from 'vscode';
import type { App } from '../app.js';
import { loadLatePart } from '../loadLatePart.js';
import type { ThresholdTests } from './thresholdTests.js';

/** Offers the thresholds of inspect files as tests; they are looked for when the list of tests is first seen. */
export function registerThresholdTests(app: App): vscode.TestController {
  const controller = vscode.tests.createTestController(
    'neuronInspector.thresholds',
    vscode.l10n.t('Model thresholds'),
  );
  let loading: Promise<ThresholdTests> | undefined;
  const tests = (): Promise<ThresholdTests> =>
    (loading ??= loadLatePart().then((late) => new late.ThresholdTests(app, controller)));
  controller.resolveHandler = async (item) => {
    if (item === undefined) await (await tests()).discover();
  };
  controller.refreshHandler = async () => {
    await app.models.refresh();
    await (await tests()).discover();
  };
  controller.createRunProfile(
    vscode.l10n.t('Run'),
    vscode.TestRunProfileKind.Run,
    async (request, token) => (await tests()).run(request, token),
    true,
  );
  app.context.subscriptions.push(
    controller,
    app.models.onDidChange(() => {
      if (loading !== undefined) void loading.then((known) => known.discover());
    }),
  );
  return controller;
}
