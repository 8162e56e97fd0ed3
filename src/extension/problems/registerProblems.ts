import * as vscode from 'vscode';
import type { App } from '../app.js';
import { configurationSection } from '../configuration.js';
import { loadLatePart } from '../loadLatePart.js';
import type { Problems } from './problems.js';

/** Many results may change at once, as when the history is read. */
const pauseMs = 250;

/** Lists findings as problems, from the first result on; what reads them is loaded with it. */
export function registerProblems(app: App): void {
  const collection = vscode.languages.createDiagnosticCollection(configurationSection);
  let problems: Problems | undefined;
  let timer: NodeJS.Timeout | undefined;
  const refresh = async (): Promise<void> => {
    if (app.results.results.length === 0 && problems === undefined) return;
    const late = await loadLatePart();
    problems ??= new late.Problems(app, collection);
    await problems.refresh();
  };
  const refreshSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void refresh(), pauseMs);
  };
  app.context.subscriptions.push(
    collection,
    app.results.onDidChange(refreshSoon),
    app.models.onDidChange(refreshSoon),
    vscode.workspace.onDidSaveTextDocument(({ languageId }) => {
      // Lines move with the code.
      if (languageId === 'python') refreshSoon();
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`${configurationSection}.mutedFindings`)) refreshSoon();
    }),
    registerActions(() => problems),
    {
      dispose: () => {
        clearTimeout(timer);
      },
    },
  );
}

/** Quick fixes of the problems that are listed. */
function registerActions(problems: () => Problems | undefined): vscode.Disposable {
  return vscode.languages.registerCodeActionsProvider(
    { scheme: 'file' },
    {
      provideCodeActions: async (document, _range, { diagnostics }) => {
        const listed = problems();
        if (listed === undefined) return [];
        const { problemActions } = await loadLatePart();
        return problemActions(document.uri, diagnostics, listed);
      },
    },
    { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] },
  );
}
